"""A part of a file in one version of it: what is measured, drawn and written in other formats."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from massproof.dialects.mfgdm import ids, shapes
from massproof.dialects.mfgdm.desk import Context
from massproof.dialects.mfgdm.parts import Part, Parts
from massproof.dialects.mfgdm.queries import Refused, missing, refuse, wrong
from massproof.dialects.mfgdm.tree import File, Version
from massproof.dialects.mfgdm.work import Input, Options
from massproof.operations.port import Failure, Operation, State
from massproof.properties import Properties, Verdict

_WRITTEN = {"STEP": "part.step", "STL": "part.stl", "OBJ": "part.obj"}
_WORST = [str(one) for one in (Verdict.SOUND, Verdict.BOUNDED, Verdict.UNSAFE)]


class Unreadable(Refused):
    """The error for parts of a file that cannot be taken apart."""

    def __init__(self, name: str, why: Failure) -> None:
        super().__init__("UNPROCESSABLE", f"{name} cannot be taken apart: {why.message}", "UNKNOWN")


@dataclass(frozen=True, slots=True)
class Subject:
    """A part, or all, of a version of a file."""

    file: File
    version: Version
    part: str = ids.WHOLE

    @property
    def whole(self) -> bool:
        """Whether it is all of the file."""
        return self.part == ids.WHOLE

    def other(self, part: str) -> Subject:
        """Another part of the same version."""
        return Subject(self.file, self.version, part)

    @property
    def id(self) -> str:
        """Of a component version."""
        return ids.component_version(self.file.key, self.version.mark, self.part)

    def told(self, context: Context) -> Part:
        """What is known of the part; raises Refused when the file has none such, or cannot be taken apart."""
        found = self.parts(context).all.get(self.part)
        if found is None:
            missing("component version", self.id)
        return found

    def known(self, context: Context) -> Subject:
        """This, when the file has such a part; raises Refused otherwise."""
        if not self.whole:
            self.told(context)
        return self

    def all(self, context: Context) -> list[Subject]:
        """All parts of the file, the whole first; that alone when it cannot be taken apart."""
        try:
            return [self.other(key) for key in self.parts(context).all]
        except Unreadable:
            return [self.other(ids.WHOLE)]

    def name(self, context: Context) -> str:
        """Of the part; of the whole it is that of the file, without its suffix."""
        return self.file.name.rpartition(".")[0] if self.whole else self.told(context).name

    def parts(self, context: Context) -> Parts:
        """All parts of this version, when they have been measured; raises Refused when they cannot be."""
        desk = context.desk
        found, more = desk.work.parts(self._input(context), context, wait=True)
        for one in (found, more):
            if one is not None and one.failure is not None:
                raise Unreadable(self.file.name, one.failure)
            if one is not None and one.state is not State.SUCCEEDED:
                refuse("TIMEOUT", f"{self.file.name} is still being read; ask again", "UNKNOWN")
        key = found.id, more and more.id
        return desk.parts.get(key) or desk.parts.put(
            key, Parts(found.outcome.result, more.outcome.result if more else None)
        )

    def _input(self, context: Context) -> Input:
        def keep() -> None:
            context.desk.versions.keep(self.file, self.version, context)

        return Input(self.version.digest, self.file.name.rpartition(".")[2].lower(), keep)

    def _measured(self, context: Context) -> tuple[Operation, Operation | None]:
        """The operation that measures this, and what it says with a density of the server's."""
        if self.whole:
            return context.desk.work.properties(self._input(context), context), None
        return context.desk.work.parts(self._input(context), context, wait=False)

    def physical(self, context: Context) -> dict[str, Any]:
        """The object `physicalProperties`: asking for it starts the work."""
        found, more = self._measured(context)
        done = found.state is State.SUCCEEDED and (more is None or more.state is State.SUCCEEDED)
        shown = context.view(found if more is None or found.state is not State.SUCCEEDED else more)
        status = context.status(context.desk.statuses, shown)
        if not done or shown.state is not State.SUCCEEDED:
            _note(context, "", [] if shown.failure is None else [shown.failure.code])
            return {"status": status}
        written, verdict, codes = self._written(context, found, more)
        _note(context, verdict, codes)
        return {"status": status, **written}

    def _written(
        self, context: Context, found: Operation, more: Operation | None
    ) -> tuple[dict[str, Any], str, list[str]]:
        """The properties as the API says them, with the verdict and the codes of what was found."""
        key = found.id, more and more.id, self.part
        known = context.desk.emitted.get(key)
        if known is None:
            result = found.outcome.result if self.whole else self.told(context).properties
            read = Properties.from_dict(result)
            known = written(read, context.desk.contract, context.desk.quirks)
            known = known, str(read.verdict), [one.code for one in read.findings]
            context.desk.emitted.put(key, known)
        made: tuple[dict[str, Any], str, list[str]] = known
        return made

    def material(self, context: Context) -> str | None:
        """What the file or the server says that this is made of; None also until it has been measured."""
        found, more = self._measured(context)
        if any(one is not None and one.state is not State.SUCCEEDED for one in (found, more)):
            return None
        part = None if self.whole else self.told(context)
        result = part.properties if part else found.outcome.result
        stated = [
            one["evidence"]["materials"] for one in result["findings"] if one["code"] == "density-stated"
        ]
        own = part.material if part else ", ".join(stated[0]) if stated else None
        name: str | None = result["provenance"].get("material") or own
        return name

    def number(self, context: Context) -> str | None:
        """The part number in the file; None also until it has been taken apart."""
        found, more = context.desk.work.parts(self._input(context), context, wait=False)
        if any(one is not None and one.state is not State.SUCCEEDED for one in (found, more)):
            return None
        return self.told(context).number

    def _of_it(self, context: Context) -> Options:
        """Options of a job that is of this part alone."""
        return () if self.whole else (("definition", self.told(context).id),)

    def thumbnail(self, context: Context) -> dict[str, Any]:
        """A picture: asking for it starts the work."""
        size = context.desk.contract["served"]["thumbnail"][context.desk.api]
        options: Options = (*self._of_it(context), ("size", size), ("transparent", True))
        found = context.view(context.desk.work.start("thumbnail", self._input(context), options, context))
        return {
            "id": ids.opaque("thumb", found.id),
            "status": _file_status(context, found),
            **_signed(context, found, "thumbnail.png"),
        }

    def derivatives(self, context: Context, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        """This in other formats: those asked for, made if there is `generate`; without any, those that there are."""
        formats = [one for one in asked.get("outputFormat") or () if one]
        make = bool(formats and asked.get("generate"))
        if make and "STEP" in formats and not self.whole:
            wrong("STEP is made of whole files: ask the root component for it, or this one for STL or OBJ")
        found = []
        for one in formats or _WRITTEN:
            options: Options = (*self._of_it(context), ("name", _WRITTEN[one]))
            how = context.desk.work.start if make else context.desk.work.find
            operation = how("conversion", self._input(context), options, context)
            if operation is not None:
                operation = context.view(operation)
                found += [self._derivative(context, kind, operation) for kind in _kinds(one, operation)]
            elif formats:
                found.append(self._derivative(context, one, None))
        return found

    def _derivative(self, context: Context, kind: str, found: Operation | None) -> dict[str, Any]:
        made = {"id": ids.opaque("deriv", ids.short(self.id), kind), "outputFormat": kind}
        if found is None:
            return made | {"status": "NOT_GENERATED", "signedUrl": None, "expires": None}
        name = f"part.{kind.lower()}"
        return made | {"status": _file_status(context, found), **_signed(context, found, name)}


def _kinds(format: str, operation: Operation) -> list[str]:
    """The formats of what is written: OBJ comes with its MTL where there are colours."""
    if operation.state is State.SUCCEEDED and "part.mtl" in operation.outcome.files:
        return [format, "MTL"]
    return [format]


def _file_status(context: Context, found: Operation) -> str | None:
    if found.failure is not None:
        _note(context, "", [found.failure.code])
    return context.status(context.desk.contract["served"]["files"], found)


def _signed(context: Context, found: Operation, name: str) -> dict[str, Any]:
    """The address of a file of an operation that anybody may use for a while, when it is there."""
    if found.state is not State.SUCCEEDED or name not in found.outcome.files:
        return {"signedUrl": None, "expires": None}
    seconds = context.desk.contract["served"]["seconds"]["signed"]
    path = context.desk.service.signer.signed(f"/mfg/files/{found.id}/{quote(name)}", seconds)
    return {"signedUrl": context.base + path, "expires": str(int(time.time() + seconds))}


def _note(context: Context, verdict: str, codes: Sequence[str]) -> None:
    """Have the headers of the answer say what the form of the API has no place for."""
    context.verdicts |= {verdict} if verdict else set()
    context.findings |= dict.fromkeys(codes)


def worst(verdicts: set[str]) -> str:
    """The least of some verdicts."""
    return max(verdicts, key=_WORST.index)


def written(result: Properties, contract: Mapping[str, Any], quirks: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that `shapes.emit` writes, with all that the schema says of their definitions."""
    told = shapes.emit(result)
    del told["status"]
    box = told["boundingBox"] or {}
    for name, one in (*told.items(), *box.items()):
        if one is not None and name != "boundingBox":
            _define(one["definition"], contract["served"]["definition"])
    if told["density"] and "density-unit-name" in quirks:
        told["density"]["definition"]["units"]["name"] = quirks["density-unit-name"]
    return told


def _define(definition: dict[str, Any], row: Mapping[str, Any]) -> None:
    own = definition["name"]
    definition |= {**row, "id": row["id"] + own.lower(), "localizedName": own}
