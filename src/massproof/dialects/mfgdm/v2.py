"""What the API says in version 2: items have versions, and each version a tree of component versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from massproof.dialects.mfgdm import custom, ids, navigation
from massproof.dialects.mfgdm.desk import FIRST, Context, Info, key_of, moment, of, seconds
from massproof.dialects.mfgdm.navigation import Filter, Folder, Hub, Paged, Project, file_in
from massproof.dialects.mfgdm.queries import missing, wrong
from massproof.dialects.mfgdm.stating import base
from massproof.dialects.mfgdm.subject import Subject
from massproof.dialects.mfgdm.tree import File, Place, Version

__all__ = ["DesignItem", "Folder", "Hub", "Project", "Root"]

_MOST = 50  # component versions on a page


class DesignItem(navigation.DesignItem):
    """A file that can be measured."""

    def rootComponent(self, info: Info) -> Component:
        """All of it."""
        return Component(self.subject(of(info)))

    def tipRootComponentVersion(self, info: Info) -> ComponentVersion:
        """All of it as it is now."""
        return ComponentVersion(self.subject(of(info)))

    def tipVersion(self, info: Info) -> DesignItemVersion:
        """The file as it is now."""
        return DesignItemVersion(self.file, of(info).desk.versions.tip(self.file, of(info)))

    def versions(self, info: Info, pagination: Filter = None) -> Paged:
        """The file as it is, and as it was found before, the newest first."""
        found = reversed(of(info).desk.versions.of(self.file, of(info)))
        rows = [(f"{10**9 - one.number:09d}", one) for one in found]
        return of(info).page(rows, pagination, lambda one: DesignItemVersion(self.file, one))


class DesignItemVersion:
    """What a file was while its bytes were the same."""

    typename = "DesignItemVersion"
    extensionType = createdBy = lastModifiedBy = None
    isConfiguration = False

    def __init__(self, file: File, version: Version) -> None:
        self.file, self.version, self.name = file, version, file.name
        self.id, self.versionNumber = ids.item_version(file.key, version.number), version.number
        self.createdOn = self.lastModifiedOn = moment(version.time)

    def mimeType(self, info: Info) -> str:
        """By its suffix."""
        return self.item(info).mimeType(info)

    def hub(self, info: Info) -> Hub:
        """Where it is."""
        return Hub(self.file.parent.line[0])

    def project(self, info: Info) -> Project:
        """Where it is."""
        return Project(self.file.parent.line[1])

    def item(self, info: Info) -> DesignItem:
        """The file."""
        return DesignItem(self.file)

    def rootComponentVersion(self, info: Info) -> ComponentVersion:
        """All of it."""
        return ComponentVersion(Subject(self.file, self.version))

    def thumbnail(self, info: Info) -> dict[str, Any]:
        """Its picture."""
        return Subject(self.file, self.version).thumbnail(of(info))

    def drawingItemVersions(self, info: Info, pagination: Filter = None) -> Paged:
        """Drawings of it, of which there are none."""
        return of(info).page([], pagination, dict)


class _Named:
    """What components and their versions have."""

    partDescription = createdBy = None

    def __init__(self, subject: Subject) -> None:
        self.subject, self.isRoot = subject, subject.whole

    def name(self, info: Info) -> str:
        """That of the part in the file."""
        return self.subject.name(of(info))

    def partNumber(self, info: Info) -> str | None:
        """That of the product in the file, when it has been taken apart."""
        return self.subject.number(of(info))

    def baseProperties(self, info: Info, filter: Filter = None, pagination: Filter = None) -> Paged:
        """What the file states of it."""
        return base(of(info), self.subject, filter, pagination)

    def customProperties(self, info: Info, filter: Filter = None, pagination: Filter = None) -> Paged:
        """Properties that clients have set."""
        subject = self.subject
        return custom.page(of(info), subject.file.key, subject.part, filter, pagination)


class Component(_Named):
    """A part of a file, or all of it, over all versions."""

    isPartNumberGroupPrimary = None

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self.id = ids.component(subject.file.key, subject.part)

    def tipVersion(self, info: Info) -> ComponentVersion:
        """As it is now."""
        return ComponentVersion(self.subject)


class ComponentVersion(_Named):
    """A part of a file, or all of it, in one version."""

    isMilestone = isConfiguration = False
    lastModifiedBy = alternativeIdentifiers = None

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self.id, self.lastModifiedOn = subject.id, moment(subject.version.time)

    def materialName(self, info: Info) -> str | None:
        """What the file or the server says that it is made of, when it has been measured."""
        return self.subject.material(of(info))

    def component(self, info: Info) -> Component:
        """The part over all versions."""
        return Component(self.subject)

    def designItemVersion(self, info: Info) -> DesignItemVersion:
        """The file while it was so."""
        return DesignItemVersion(self.subject.file, self.subject.version)

    def physicalProperties(self, info: Info) -> dict[str, Any]:
        """What is measured."""
        return self.subject.physical(of(info))

    def thumbnail(self, info: Info) -> dict[str, Any]:
        """Its picture."""
        return self.subject.thumbnail(of(info))

    def derivatives(self, info: Info, derivativeInput: Mapping[str, Any]) -> list[dict[str, Any]]:
        """This in other formats."""
        return self.subject.derivatives(of(info), derivativeInput)

    def occurrences(self, info: Info, pagination: Filter = None) -> Paged:
        """The parts that it is made of."""
        return _occurrences(of(info), self.subject, (), pagination, 1)

    def allOccurrences(self, info: Info, pagination: Filter = None) -> Paged:
        """The parts that it is made of, and those that these are made of, and so on."""
        return _occurrences(of(info), self.subject, (), pagination, None)

    def whereUsed(self, info: Info, pagination: Filter = None) -> Paged:
        """The sub-assemblies of the same file that use it."""
        subject, context = self.subject, of(info)
        subject.told(context)
        users = subject.parts(context).users[subject.part]
        rows = [(f"{number:09d}", key) for number, key in enumerate(users)]
        return context.page(rows, pagination, lambda key: ComponentVersion(subject.other(key)))


class Occurrence:
    """One use of a part in another."""

    isDistributedDesign = False

    def __init__(self, top: Subject, path: tuple[str, ...], user: Subject, used: Subject) -> None:
        """path : ids of the uses that lead here from the part `top`."""
        self._top, self._path, self._user, self._used = top, path, user, used
        self.id = ids.opaque("occ", "co." + top.file.key, ids.short(top.id, *path))

    def componentVersion(self, info: Info) -> ComponentVersion:
        """What is used."""
        return ComponentVersion(self._used)

    def parentComponentVersion(self, info: Info) -> ComponentVersion:
        """What uses it."""
        return ComponentVersion(self._user)

    def occurrences(self, info: Info, pagination: Filter = None) -> Paged:
        """The parts that it is made of."""
        return _occurrences(of(info), self._used, self._path, pagination, 1, self._top)


def _occurrences(
    context: Context,
    subject: Subject,
    path: tuple[str, ...],
    pagination: Filter,
    depth: int | None,
    top: Subject | None = None,
) -> Paged:
    """A page of the uses below a part, itself reached from `top` by a path."""
    subject.told(context)
    below = subject.parts(context).below(subject.part, depth)
    rows = [(f"{number:09d}", found) for number, found in enumerate(below)]

    def made(found: Any) -> Occurrence:
        more, user, use = found
        return Occurrence(top or subject, path + more, subject.other(user.key), subject.other(use.part))

    return context.page(rows, pagination, made)


class Root(navigation.Navigation):
    """Fields of Query and Mutation."""

    def itemVersion(self, info: Info, hubId: str, versionId: str) -> DesignItemVersion:
        """A version of a file of a hub."""
        key, number = ids.item_version_key(versionId)
        file = file_in(of(info), hubId, key, "version", versionId)
        for one in of(info).desk.versions.of(file, of(info)):
            if one.number == number:
                return DesignItemVersion(file, one)
        return missing("version", versionId)

    def itemVersions(self, info: Info, hubId: str, itemId: str, pagination: Filter = None) -> Paged:
        """All versions of a file of a hub, the newest first."""
        found: DesignItem = self.item(info, hubId, itemId)
        return found.versions(info, pagination)

    def component(self, info: Info, componentId: str) -> Component:
        """One component."""
        return Component(tip(of(info), componentId, "component"))

    def componentVersion(self, info: Info, componentVersionId: str) -> ComponentVersion:
        """One version of a component."""
        context, (kind, said) = of(info), ids.named(componentVersionId)
        if kind != "version" or said is None:
            missing("component version", componentVersionId)
        file = context.file(said.file, "component version", componentVersionId)
        version = context.desk.versions.marked(file, said.mark, context)
        if version is None:
            missing("component version", componentVersionId)
        return ComponentVersion(Subject(file, version, said.part).known(context))

    def componentsByHub(
        self, info: Info, hubId: str, filter: Filter = None, pagination: Filter = None
    ) -> Paged:
        """Components of all files of a hub."""
        context = of(info)
        asked, hub = filter or {}, context.place(hubId, "hub")
        chosen = _chosen(asked)
        return _tips(context, [hub], pagination, Component, chosen, asked.get("isRoot") is True)

    def tipComponentVersionsByProjects(
        self, info: Info, hubId: str, projectIds: list[str], pagination: Filter = None
    ) -> Paged:
        """Components of all files of some projects, as they are now."""
        found = [_within(of(info), hubId, id, "project") for id in projectIds]
        return _tips(of(info), found, pagination, ComponentVersion)

    def tipComponentVersionsByFolders(
        self, info: Info, hubId: str, folderIds: list[str], pagination: Filter = None
    ) -> Paged:
        """Components of all files of some folders and of those in them, as they are now."""
        found = [_within(of(info), hubId, id, "folder") for id in folderIds]
        return _tips(of(info), found, pagination, ComponentVersion)

    def setProperties(self, info: Info, input: Mapping[str, Any]) -> dict[str, Any]:
        """Set custom properties of a component, or of the one that a version is of."""
        context, target = of(info), input["targetId"]
        kind, said = ids.named(target)
        if said is None or kind == "model":
            missing("component", target)
        subject = (
            self.componentVersion(info, target).subject
            if kind == "version"
            else self.component(info, target).subject
        )
        found = custom.assign(context, subject.file.key, subject.part, input["propertyInputs"])
        return {"targetId": target, "properties": found}

    def createDesignFromFile(self, info: Info, input: Mapping[str, Any]) -> dict[str, Any]:
        """Every file is a design here already: that one is the export."""
        context, id = of(info), input["sourceItemId"]
        file = file_in(context, input["hubId"], ids.item_key(id), "item", id)
        subject = Subject(file, context.desk.versions.tip(file, context))
        if input.get("name") not in (None, file.name, subject.name(context)):
            wrong(
                f"this server writes no files into its hubs, so the design cannot be called {input['name']!r}: "
                f"it is the file itself; name it {file.name!r}"
            )
        return {"exportId": ids.opaque("export", file.key, subject.version.mark)}

    def exportStatusOfFile(self, info: Info, input: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The design that an export has made."""
        if input is None:
            wrong("exportStatusOfFile needs its input: hubId and exportId")
        context, id = of(info), input["exportId"]
        match ids.words(id):
            case ["export", key, mark]:
                file = file_in(context, input["hubId"], key, "export", id)
                version = context.desk.versions.marked(file, mark, context)
                if version is not None:
                    made = DesignItemVersion(file, version)
                    return {"status": "SUCCESS", "progress": "complete", "designItemVersion": made}
        return missing("export", id)


def tip(context: Context, id: str, kind: str) -> Subject:
    """The part of a kind that an id names, as it is now; raises Refused where there is none."""
    found, said = ids.named(id)
    if found != kind or said is None:
        missing(kind, id)
    file = context.file(said.file, kind, id)
    return Subject(file, context.desk.versions.tip(file, context), said.part).known(context)


def _within(context: Context, hub: str, id: str, kind: str) -> Place:
    found = context.place(id, kind)
    if found.line[0].id != hub:
        missing(kind, id)
    return found


def _chosen(filter: Mapping[str, Any]) -> Any:
    """Whether a filter lets a subject through."""
    wanted, name, root = filter.get("ids"), filter.get("name"), filter.get("isRoot")
    given = filter.get("lastModifiedOn")
    since = None if given is None else seconds(given)

    def chosen(context: Context, subject: Subject) -> bool:
        return (
            (root is None or subject.whole == root)
            and (wanted is None or ids.component(subject.file.key, subject.part) in wanted)
            and (since is None or subject.version.time >= since)
            and (name is None or subject.name(context) == name)
        )

    return chosen


def _tips(
    context: Context,
    places: Sequence[Place],
    pagination: Filter,
    make: Any,
    chosen: Any = lambda context, subject: True,
    whole: bool = False,
) -> Paged:
    """A page of the components of all files in some places, file by file, so that no more are read than it needs.

    whole : of each file only the component that is all of it, for which it need not be taken apart
    """
    after, limit = context.asked_page(pagination, _MOST)
    rows = (row for row in _components(context, places, after, whole) if chosen(context, row[1]))
    found = list(islice(rows, limit + 1))
    last = ""
    if len(found) > limit:
        last = found[limit - 1][0] if limit else after or FIRST
    return context.paged([make(one) for _, one in found[:limit]], last)


def _components(
    context: Context, places: Sequence[Place], after: str, whole: bool
) -> Iterator[tuple[str, Subject]]:
    """Parts of every file in some places, with a text by which they are sorted, those after a text."""
    inside = {
        key_of(file): file
        for place in places
        for below in context.desk.tree.walk(place, context)
        for file in below.files
    }
    start, _, part = after.rpartition("\0")
    for key in sorted(inside):
        if key < start:
            continue
        top = Subject(inside[key], context.desk.versions.tip(inside[key], context))
        for number, one in enumerate([top] if whole else top.all(context)):
            if key > start or f"{number:09d}" > part:
                yield f"{key}\0{number:09d}", one
