"""Files that are there wholly or not at all: written beside their places, and renamed when they are complete."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from massproof.errors import InputError


@contextmanager
def replaced(path: Path) -> Iterator[tuple[Callable[[str], BinaryIO], list[Path]]]:
    """Open files beside `path` under names of their own, which they get when all are complete; and the list of them.

    A link stays one, and a file that is there keeps its mode. A device or a pipe is written to: there is nothing to
    replace. Raises InputError when they cannot be written; what was begun is taken away, whatever ends it.
    """
    waiting: dict[Path, Path] = {}
    begun: list[BinaryIO] = []
    made: list[Path] = []

    def opened(name: str) -> BinaryIO:
        asked = path.parent / name
        made.append(asked)
        if asked.exists() and not asked.is_file():
            begun.append(asked.open("wb"))
            return begun[-1]
        final = asked.resolve()
        waiting[final] = final.with_name(f".{final.name}.{os.urandom(4).hex()}.part")
        begun.append(waiting[final].open("wb"))
        return begun[-1]

    try:
        yield opened, made
        for final in [*list(waiting)[1:], *list(waiting)[:1]]:  # the one that names the others comes last
            if final.exists():
                waiting[final].chmod(final.stat().st_mode & 0o777)
            waiting[final].replace(final)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}; choose another place"
        raise InputError(msg) from error
    finally:
        for undo in [*(out.close for out in begun), *(part.unlink for part in waiting.values())]:
            with suppress(OSError):  # an interrupt leaves files open, and what is complete has another name
                undo()


def write(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file; raises InputError when it cannot be written.

    content : bytes, or a text, in which half a surrogate pair, which is no character, becomes its escape, as in JSON
    """
    path = Path(path)
    with replaced(path) as (files, _), files(path.name) as out:
        out.write(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
        if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
            out.flush()
            os.fsync(out.fileno())  # before it takes the place of the old one
