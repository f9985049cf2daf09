"""What resolvers work with: of each API one desk, of each question one context."""

from __future__ import annotations

import base64
import tomllib
import uuid
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import import_module
from importlib.resources import files
from typing import Any, TypeAlias, TypeVar

from graphql import GraphQLResolveInfo

from massproof.dialects.mfgdm.parts import Parts
from massproof.dialects.mfgdm.queries import missing, wrong
from massproof.dialects.mfgdm.shapes import contract
from massproof.dialects.mfgdm.tree import Asked, File, Place, Tree, measurable
from massproof.dialects.mfgdm.versions import Versions
from massproof.dialects.mfgdm.work import Recent, Work
from massproof.errors import UsageError
from massproof.operations.port import Operation
from massproof.serving import uploads
from massproof.serving.service import Service

T = TypeVar("T")

Info: TypeAlias = "GraphQLResolveInfo[Any]"

_OBJECTS = 10_000  # in the lists of one answer
_USUAL = 50  # rows of a page, where a client does not say
_WORDS = {"mfgdm": ("live", "seed"), "quirks": ("clean", "live")}  # of settings
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ERAS = -62_135_596_800, 253_402_300_799  # seconds: the years 1 to 9999
FIRST = "."  # the cursor of a first page of nothing: no row comes before it


@dataclass(frozen=True)
class Shared:
    """What both APIs know of the files."""

    service: Service
    tree: Tree
    versions: Versions
    work: Work
    parts: Recent[Parts] = field(default_factory=lambda: Recent(64))


def shared(service: Service) -> Shared:
    """Of one service; raises InputError for a hub that is no folder, UsageError for settings that mean nothing."""
    for name, known in _WORDS.items():
        word = getattr(service.settings, name)
        if word not in known:
            msg = f"{name}={word!r} is unknown; use one of {', '.join(known)}"
            raise UsageError(msg)

    def uploaded(key: str) -> list[tuple[str, str]]:
        return [(one.key, one.name) for one in uploads.newest(service.records, key) if measurable(one.name)]

    tree = Tree(service.settings.hubs, uploaded)
    return Shared(service, tree, Versions(service), Work(service))


class Desk:
    """What resolvers of one API, "v2" or "v3", know."""

    def __init__(self, api: str, shared: Shared) -> None:
        self.api, self.service, self.tree = api, shared.service, shared.tree
        self.types: Any = import_module(f"massproof.dialects.mfgdm.{api}")
        self.versions, self.work, self.parts = shared.versions, shared.work, shared.parts
        self.emitted: Recent[Any] = Recent(4096)
        self.contract = contract()
        seed = shared.service.settings.mfgdm == "seed"
        self.statuses: Mapping[str, str] = self.contract["served"]["seed" if seed else "properties"]
        text = (files(__package__) / "quirks.toml").read_text(encoding="utf-8")
        live = shared.service.settings.quirks == "live"
        rows = tomllib.loads(text).items() if live else ()
        self.quirks = {name: row["live"] for name, row in rows if api in row["apis"]}


class Context(Asked):
    """One question to one API."""

    def __init__(
        self,
        desk: Desk,
        may_block: bool,
        view: Callable[[Operation], Operation] = lambda operation: operation,
        base: str = "http://localhost",
        null_status: bool = False,
    ) -> None:
        """view : an operation as this question shall see it;  base : address of the server;  null_status : say none."""
        super().__init__(may_block)
        self.desk, self.view, self.base, self._null_status = desk, view, base, null_status
        self._objects = 0
        self.verdicts: set[str] = set()
        self.findings: dict[str, None] = {}
        self.correlation = str(uuid.uuid4())

    def status(self, words: Mapping[str, str], operation: Operation) -> str | None:
        """The word for the state of an operation."""
        return None if self._null_status else words[operation.state.value]

    def file(self, key: str, what: str, id: str) -> File:
        """The file with a key; raises Refused, in whose words it is a `what` with an `id`, where there is none."""
        found = self.desk.tree.file(key, self)
        if found is None:
            missing(what, id)
        return found

    def place(self, id: str, *kinds: str) -> Place:
        """The hub, project or folder with an id; raises Refused where there is none of these kinds."""
        found = self.desk.tree.place(id, self)
        if found is None or found.kind not in kinds:
            missing(kinds[0], id)
        return found

    def look(self, place: Place) -> Place:
        """The place, with what is in it now."""
        return self.desk.tree.look(place, self)

    def page(
        self,
        rows: Sequence[tuple[str, T]],
        pagination: Mapping[str, Any] | None,
        make: Callable[[T], Any],
        most: int = 100,
    ) -> dict[str, Any]:
        """Some of the rows, of which each has a text by which they are sorted and which no other has."""
        after, limit = self.asked_page(pagination, most)
        start = bisect_right(rows, after, key=lambda row: row[0]) if after else 0
        found = rows[start : start + limit]
        last = found[-1][0] if found else after or FIRST
        return self.paged([make(one) for _, one in found], last if start + limit < len(rows) else "")

    def asked_page(self, pagination: Mapping[str, Any] | None, most: int) -> tuple[str, int]:
        """After which row a page begins, "" for the first, and how many it may hold."""
        given = pagination or {}
        limit = given.get("limit")
        limit = min(_USUAL, most) if limit is None else limit
        if not 0 <= limit <= most:
            wrong(f"pagination must be between 0 and {most}")
        cursor = given.get("cursor")
        if cursor:
            return _opened(cursor), limit
        if "cursor" in given and self.desk.quirks.get("refuse-empty-cursor"):
            wrong("the cursor of the first page must be left out")
        return "", limit

    def paged(self, results: list[Any], last: str) -> dict[str, Any]:
        """A page; last : text of its last row, "" when there are no more. Raises Refused for too long an answer."""
        self._objects += len(results)
        if self._objects > _OBJECTS:
            wrong(f"the answer would list more than {_OBJECTS} objects; ask for smaller pages")
        cursor = _closed(last) if last else self.desk.quirks.get("last-cursor")
        return {"pagination": {"cursor": cursor, "pageSize": len(results)}, "results": results}


def _closed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _opened(cursor: str) -> str:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except ValueError:
        text = ""
    if not text or _closed(text) != cursor:
        wrong(f"{cursor[:100]!r} is no cursor of this server; give that of the page before")
    return text


def of(info: Info) -> Context:
    """The context of a question."""
    found: Context = info.context
    return found


def moment(seconds: float) -> str:
    """A time as the API says it: ISO 8601, UTC, in milliseconds."""
    past = timedelta(seconds=min(max(seconds, _ERAS[0]), _ERAS[1]))  # a file may have any time
    return (_EPOCH + past).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: Any) -> float:
    """A time that a client wrote, in seconds since 1970; raises Refused for what is none."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        wrong(f"{str(text)[:100]!r} is no time; write it as 2026-01-31T12:00:00Z")


def key_of(one: Place | File) -> str:
    """What places and files are sorted by."""
    return f"{one.name}\0{one.key}"
