"""What the API says in version 3: components and the models of their geometry, as they are now or were at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from massproof.dialects.mfgdm import custom, ids, navigation
from massproof.dialects.mfgdm.desk import Context, Info, moment, of, seconds
from massproof.dialects.mfgdm.navigation import Filter, Folder, Hub, Paged, Project
from massproof.dialects.mfgdm.parts import Part
from massproof.dialects.mfgdm.queries import missing, wrong
from massproof.dialects.mfgdm.stating import base, text
from massproof.dialects.mfgdm.subject import Subject

__all__ = ["DesignItem", "Folder", "Hub", "Project", "Root"]

_UNKEPT = ("RELEASED", "PENDING")  # compositions that nothing here is in
_DEEPEST = 64  # levels below the first


class DesignItem(navigation.DesignItem):
    """A file that can be measured."""

    def tipRootModel(self, info: Info) -> Model:
        """Its geometry."""
        return Model(self.subject(of(info)))


class _Named:
    """What models and components have."""

    isTip = True

    def __init__(self, subject: Subject, composition: str = "WORKING") -> None:
        self.subject, self.composition = subject, composition
        self.timestamp = moment(subject.version.time)

    def name(self, info: Info) -> dict[str, Any]:
        """That of the part in the file."""
        return text(of(info), "Name", self.subject.name(of(info)))

    def materialName(self, info: Info) -> dict[str, Any]:
        """What the file or the server says that it is made of, when it has been measured."""
        return text(of(info), "Material Name", self.subject.material(of(info)))

    def thumbnail(self, info: Info) -> dict[str, Any]:
        """Its picture."""
        return self.subject.thumbnail(of(info))


class Model(_Named):
    """The geometry of a part of a file, or of all of it."""

    isPrimary, isWritableByUser, isConfiguration = True, False, False

    def __init__(self, subject: Subject, composition: str = "WORKING") -> None:
        super().__init__(subject, composition)
        self.id, self.isRoot = ids.model(subject.file.key, subject.part), subject.whole

    def totalCompositeMaterialName(self, info: Info) -> dict[str, Any]:
        """All that it is made of."""
        return text(of(info), "Total Composite Material Name", self.subject.material(of(info)))

    def physicalProperties(self, info: Info) -> dict[str, Any]:
        """What is measured."""
        return self.subject.physical(of(info))

    def derivatives(self, info: Info, derivativeInput: Mapping[str, Any]) -> list[dict[str, Any]]:
        """This in other formats."""
        return self.subject.derivatives(of(info), derivativeInput)

    def component(self, info: Info, composition: str = "WORKING") -> Component:
        """What it is the geometry of."""
        return Component(self.subject, _kept(composition, self.id))

    def designItem(self, info: Info) -> DesignItem:
        """The file."""
        return DesignItem(self.subject.file)

    def assemblyRelations(self, info: Info, depth: int = 0, pagination: Filter = None) -> Paged:
        """Its uses of others, each one; depth : levels of those that they use."""
        rows = _uses(of(info), self.subject, depth)
        return of(info).page(_numbered(rows), pagination, self._relation)

    def uniqueAssemblyRelations(self, info: Info, depth: int = 0, pagination: Filter = None) -> Paged:
        """Its uses of others, those of one model by another once."""
        rows = _unique(_uses(of(info), self.subject, depth))
        return of(info).page(_numbered(rows), pagination, self._relation)

    def _relation(self, use: _Use) -> dict[str, Any]:
        return {
            "fromModel": Model(self.subject.other(use.user), self.composition),
            "toModel": Model(self.subject.other(use.used), self.composition),
            "toModelInstanceIndex": use.index,
            "createdOn": self.timestamp,
        }


class Component(_Named):
    """A part of a file, or all of it."""

    def __init__(self, subject: Subject, composition: str = "WORKING") -> None:
        super().__init__(subject, composition)
        self.id = ids.component(subject.file.key, subject.part)

    def description(self, info: Info) -> dict[str, Any]:
        """None: files state none."""
        return text(of(info), "Description", None)

    def partNumber(self, info: Info) -> dict[str, Any]:
        """That of the product in the file, when it has been taken apart."""
        return text(of(info), "Part Number", self.subject.number(of(info)))

    def tipPartNumber(self, info: Info) -> dict[str, Any]:
        """The same."""
        return self.partNumber(info)

    def hasChildren(self, info: Info) -> bool:
        """Whether it is made of others."""
        return bool(self.subject.told(of(info)).uses)

    def baseProperties(self, info: Info, filter: Filter = None, pagination: Filter = None) -> Paged:
        """What the file states of it."""
        return base(of(info), self.subject, filter, pagination)

    def customProperties(self, info: Info, filter: Filter = None, pagination: Filter = None) -> Paged:
        """Properties that clients have set."""
        return custom.page(of(info), self.subject.file.key, self.subject.part, filter, pagination)

    def hub(self, info: Info) -> Hub:
        """Where the file is."""
        return Hub(self.subject.file.parent.line[0])

    def primaryModel(self, info: Info) -> Model:
        """Its geometry."""
        return Model(self.subject, "WORKING")

    def bomRelations(self, info: Info, depth: int = 0, pagination: Filter = None) -> Paged:
        """What it is made of, with how many; depth : levels of what those are made of."""
        rows = _unique(_uses(of(info), self.subject, depth))
        return of(info).page(_numbered(rows), pagination, lambda use: self._relation(info, use))

    def _relation(self, info: Info, use: _Use) -> dict[str, Any]:
        user, used = self.subject.other(use.user), self.subject.other(use.used)
        return {
            "id": ids.opaque("bom", "co." + user.file.key, ids.short(user.id, used.id)),
            "fromComponent": Component(user, self.composition),
            "toComponent": Component(used, self.composition),
            "toComponentState": self.composition,
            "quantity": use.count,
            "quantityProperty": text(of(info), "Quantity", use.count),
            "sequenceNumber": use.place,
        }


@dataclass(frozen=True, slots=True)
class _Use:
    """One use of a part in another."""

    user: str  # key of the part that uses
    used: str
    index: int  # which of the uses of the one by the other it is, from 0
    count: int  # how many these are
    place: int  # of the used one among those that the user uses, from 1


def _uses(context: Context, subject: Subject, depth: int) -> list[_Use]:
    """All uses below a part, so many levels below the first."""
    if not 0 <= depth <= _DEEPEST:
        wrong(f"depth must be between 0 and {_DEEPEST}")
    subject.told(context)
    known: dict[str, dict[str, _Use]] = {}
    found = []
    for path, user, _ in subject.parts(context).below(subject.part, depth + 1):
        rows = known.get(user.key)
        if rows is None:
            rows = known[user.key] = _rows(user)
        found.append(rows[path[-1]])
    return found


def _rows(user: Part) -> dict[str, _Use]:
    """The uses of a part by their ids."""
    counts = Counter(use.part for use in user.uses)
    places = {part: number for number, part in enumerate(counts, 1)}
    seen = Counter[str]()
    found = {}
    for use in user.uses:
        found[use.id] = _Use(user.key, use.part, seen[use.part], counts[use.part], places[use.part])
        seen[use.part] += 1
    return found


def _unique(uses: list[_Use]) -> list[_Use]:
    """The first use of each part by each."""
    found: dict[tuple[str, str], _Use] = {}
    for use in uses:
        found.setdefault((use.user, use.used), use)
    return list(found.values())


def _numbered(uses: list[_Use]) -> list[tuple[str, _Use]]:
    return [(f"{number:09d}", use) for number, use in enumerate(uses)]


class Root(navigation.Navigation):
    """Fields of Query."""

    def model(self, info: Info, modelId: str, composition: str = "WORKING", time: Any = None) -> Model:
        """The geometry of a component."""
        return Model(_subject(of(info), modelId, "model", time), _kept(composition, modelId))

    def component(
        self,
        info: Info,
        componentId: str,
        composition: str = "WORKING",
        time: Any = None,
        state: str | None = None,
    ) -> Component:
        """One component."""
        if state is not None:
            wrong("no states of components are kept here; leave state out")
        return Component(_subject(of(info), componentId, "component", time), _kept(composition, componentId))


def _kept(composition: str, id: str) -> str:
    """The composition, when there is anything in it."""
    if composition in _UNKEPT:
        missing(f"{composition} composition of", id)
    return composition


def _subject(context: Context, id: str, kind: str, time: Any) -> Subject:
    """The part that an id names, as it is now or was at a time; raises Refused where there is none."""
    found, said = ids.named(id)
    if found != kind or said is None:
        missing(kind, id)
    file = context.file(said.file, kind, id)
    versions = context.desk.versions.of(file, context)
    if time is not None:
        versions = tuple(one for one in versions if one.time <= seconds(time))
    if not versions:
        missing(f"{kind} at {time} of", id)
    return Subject(file, versions[-1], said.part).known(context)
