"""Folders as hubs, projects, folders and items: what there is is looked for when it is asked for.

The names in a folder are read again when its time of change has moved on, or is so recent that a further change
might not move it. Links are followed to files within the same hub and nowhere else.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NamedTuple

from massproof import formats
from massproof.dialects.mfgdm import ids
from massproof.errors import InputError

_RECENT = 2 * 10**9  # nanoseconds within which a file system may give two changes one time
_DEEPEST = 64  # folders below each other


class Late(BaseException):
    """What is asked for takes longer than the event loop may be held: ask again on another thread.

    No Exception, so that nothing on the way takes it for a failure.
    """


class Asked:
    """One question, and whether it may block."""

    def __init__(self, may_block: bool) -> None:
        self._may_block, self.walked = may_block, False
        self.ground: dict[Path, State] = {}  # what the answer rests on, as long as nothing blocked

    def block(self) -> None:
        """Called before disks or databases are read; raises Late where that is not allowed."""
        if not self._may_block:
            raise Late

    def state(self, path: Path) -> State:
        """What changes when a file or folder does; () when it is gone."""
        found = self.ground[path] = state_of(path)
        return found


State = tuple[int, ...]


def state_of(path: Path) -> State:
    """Which file or folder is at a path, its bytes, and its times of change in nanoseconds; () for none.

    The second time is the system's own, which no program that sets the first can set: archives unpack files of any age.
    """
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@dataclass(slots=True, eq=False)
class Place:
    """A hub, a project or a folder."""

    kind: str  # "hub", "project", "folder"
    key: str
    name: str
    path: Path | None  # None: of files that were uploaded
    parent: Place | None
    flat: bool = False  # only the files directly in the path: of those in no project
    seen: State = ()  # of the folder when it was read; (): it is to be read again
    places: tuple[Place, ...] = ()
    files: tuple[File, ...] = ()

    @property
    def id(self) -> str:
        """As the API says it."""
        return {"hub": ids.hub, "project": ids.project, "folder": ids.folder}[self.kind](self.key)

    @property
    def line(self) -> list[Place]:
        """The hub, the project, and every folder down to this."""
        return [*(self.parent.line if self.parent else ()), self]


@dataclass(slots=True, eq=False)
class File:
    """A file that can be measured."""

    key: str
    name: str
    path: Path | None  # None: it was uploaded
    parent: Place
    state: State = ()  # of the file when its bytes were read; (): they are to be read again
    versions: tuple[Version, ...] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)  # of who reads its bytes

    @property
    def id(self) -> str:
        """As the API says it."""
        return ids.item(self.key)


class Version(NamedTuple):
    """What a file was while its bytes were the same."""

    number: int
    digest: str  # SHA-256
    size: int  # bytes
    time: float  # seconds since 1970: of its last change
    again: int = 0  # how many versions before had the same bytes

    @property
    def mark(self) -> str:
        """22 characters that stand for the bytes, and for which time it is that the file has them."""
        return ids.short(self.digest, *([str(self.again)] if self.again else []))


def settled(state: State) -> bool:
    """Whether a further change would show in the time of change."""
    return bool(state) and time.time_ns() - state[2] > _RECENT


class Tree:
    """All hubs, projects, folders and files that are known."""

    def __init__(self, hubs: Sequence[Path], uploads: Callable[[str], Sequence[tuple[str, str]]]) -> None:
        """hubs : folders;  uploads : key and name of the file that was uploaded with a key, of all for "".

        Raises InputError for a folder that there is not.
        """
        self._lock, self._uploads = threading.RLock(), uploads
        self._places: dict[str, Place] = {}  # by id
        self._files: dict[str, File] = {}  # by key
        made = [_hub(path) for path in dict.fromkeys(map(_real, hubs))]
        own = Place("hub", ids.short("uploads"), "Uploads", None, None)
        own.places = (Place("project", ids.short("uploads", "files"), "Files", None, own),)
        self.hubs = (*made, own)
        for one in (*self.hubs, *own.places):
            self._places[one.id] = one

    def look(self, place: Place, asked: Asked) -> Place:
        """The place, with what is in it now; raises InputError for a folder that cannot be read."""
        if place.path is None:
            if place.kind == "project":
                asked.block()
                with self._lock:
                    before = place.files
                    place.files = tuple(self._file(*one, None, place) for one in self._uploads(""))
                    for gone in {*before} - {*place.files}:
                        self._forget(gone)
            return place
        state = asked.state(place.path)
        if not state:  # it is gone
            place.places, place.files, place.seen = (), (), ()
        elif place.seen != state:
            asked.block()
            with self._lock:
                self._read(place, state)
        return place

    def _read(self, place: Place, state: State) -> None:
        before: set[Place | File] = {*place.places, *place.files}
        inner: list[Place] = []
        files: list[File] = []
        fresh, loose = settled(state), False
        for raw, path, folder in _entries(place):
            key, name = ids.short(place.key, raw), os.fsencode(raw).decode("utf-8", "replace")
            if not folder and place.kind == "hub":
                loose = True
            elif not folder:
                files.append(self._file(key, name, path, place))
            elif len(place.line) < _DEEPEST and not place.flat:
                inner.append(self._place(key, name, path, place))
        if loose:  # files directly in a hub are in no project: they are one of its name
            own = self._place(ids.short(place.key), place.name, place.path, place)
            own.flat = True
            inner.insert(0, own)
        place.places, place.files, place.seen = tuple(inner), tuple(files), state if fresh else ()
        for gone in before - {*inner, *files}:
            self._forget(gone)

    def _forget(self, gone: Place | File) -> None:
        if isinstance(gone, File):
            self._files.pop(gone.key, None)
            return
        self._places.pop(gone.id, None)
        for inner in gone.places:
            self._forget(inner)
        for file in gone.files:
            self._forget(file)

    def _place(self, key: str, name: str, path: Path | None, parent: Place) -> Place:
        made = Place("project" if parent.kind == "hub" else "folder", key, name, path, parent)
        return self._places.setdefault(made.id, made)

    def _file(self, key: str, name: str, path: Path | None, parent: Place) -> File:
        return self._files.setdefault(key, File(key, name, path, parent))

    def file(self, key: str, asked: Asked) -> File | None:
        """The file with a key, None where there is none, or none any more."""
        found = self._files.get(key)
        if found is None or not self._there(found, asked):
            self._walk_all(asked)
            found = self._files.get(key)
        return found

    def place(self, id: str, asked: Asked) -> Place | None:
        """The place with an id, None where there is none, or none any more."""
        found = self._places.get(id)
        if found is None or not self._there(found, asked):
            self._walk_all(asked)
            found = self._places.get(id)
        return found

    def _there(self, one: Place | File, asked: Asked) -> bool:
        """Whether the folders above still have it, each by its own name."""
        above = one.parent
        if isinstance(one, File) and one.path is None:
            asked.block()
            return bool(self._uploads(one.key))
        if above is None or above.path is None:
            return True
        look = self.look(above, asked) if self._there(above, asked) else None
        return look is not None and one in (look.files if isinstance(one, File) else look.places)

    def _walk_all(self, asked: Asked) -> None:
        """Look everywhere, once for each question."""
        asked.block()
        if not asked.walked:
            asked.walked = True
            for hub in self.hubs:
                for _ in self.walk(hub, asked):
                    pass

    def walk(self, top: Place, asked: Asked) -> Iterator[Place]:
        """A place and all below it that can be read, in order."""
        try:
            self.look(top, asked)
        except InputError:  # said to who asks for this folder
            top.places, top.files = (), ()
        yield top
        for one in top.places:
            yield from self.walk(one, asked)


def _real(path: Path) -> Path:
    if not path.is_dir():
        msg = f"the hub {path} is no folder; name one that exists"
        raise InputError(msg)
    return path.resolve()


def _hub(real: Path) -> Place:
    name = os.fsencode(real.name or str(real)).decode("utf-8", "replace")
    return Place("hub", ids.short("hub", str(real)), name, real, None)


def _entries(place: Place) -> list[tuple[str, Path, bool]]:
    """Name, path and whether it is a folder, of what is in a folder and not hidden, by name."""
    found = []
    try:
        with os.scandir(place.path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                path = Path(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    found.append((entry.name, path, True))
                elif measurable(entry.name) and path.is_file() and inside(path, place):
                    found.append((entry.name, path, False))
    except OSError as error:
        msg = f"the folder {place.name} cannot be read: {error.strerror or error}"
        raise InputError(msg) from error
    return sorted(found)


def measurable(name: str) -> bool:
    """Whether a file of this name is of a kind that can be measured."""
    return PurePath(name).suffix.lower() in formats.SUFFIXES


def inside(path: Path, place: Place) -> bool:
    """Whether a path leads to something within the hub of a place, links and all."""
    hub = place.line[0].path
    return hub is not None and Path(os.path.realpath(path)).is_relative_to(hub)
