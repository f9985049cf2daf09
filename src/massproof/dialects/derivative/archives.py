"""One file out of an archive, within the limits that keep a small archive from filling a disk."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path

from massproof.blobs import Blob, Blobs
from massproof.serving.web import Refused

_ENTRIES, _RATIO, _TOTAL = 10_000, 100, 1 << 30  # of bytes unpacked, all together
_PIECE = 1 << 20
_DIRECTORY = 1 << 24  # bytes of the list of entries, which is read as a whole
_END, _LONG = b"PK\5\6", b"PK\6\7"  # of the record at the end, and of the locator before it in large archives
_SLACK = 1 << 16  # bytes: an archive of a few short files may well be packed more tightly


def taken(path: Path, name: str, blobs: Blobs) -> Blob:
    """The file that an archive has under a name, as a blob; no name in it becomes a path.

    Raises Refused for what is no ZIP, is encrypted, has no such file, or unpacks to more than it should.
    """
    _check_end(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entry = _entry(archive, name)
            with archive.open(entry) as file, blobs.writing() as out:
                while piece := file.read(_PIECE):
                    out.write(piece)  # no more than the archive says: zipfile sees to it
            return out.blob
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Refused(400, f"The file is no ZIP archive that can be read: {error}") from error


def _check_end(path: Path) -> None:
    """Refuse a list of entries that would take much memory, before it is read."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - (1 << 16) - 42))
        tail = file.read()
    at = len(tail) - 22 if tail[-22:-18] == _END and tail[-2:] == b"\0\0" else tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise Refused(400, "The file is no ZIP archive.")
    entries, listed = struct.unpack_from("<HI", tail, at + 10)
    if entries > _ENTRIES or listed > _DIRECTORY or tail[max(0, at - 20) : max(0, at - 16)] == _LONG:
        raise Refused(
            400, f"The archive has more than {_ENTRIES} entries, or a list of them of {listed} bytes."
        )


def _entry(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    entries = archive.infolist()
    unpacked = sum(one.file_size for one in entries)
    packed = sum(one.compress_size for one in entries)
    if len(entries) > _ENTRIES or unpacked > min(_TOTAL, _RATIO * packed + _SLACK):
        raise Refused(
            400,
            f"The archive has {len(entries)} entries of {unpacked} bytes, packed in {packed}: the limits are "
            f"{_ENTRIES} entries, {_TOTAL} bytes, and a ratio of {_RATIO}.",
        )
    found = [one for one in entries if one.filename == name and not one.is_dir()]
    if len(found) != 1:
        raise Refused(
            400, f"The archive has {len(found)} files {name[:100]!r}: give rootFilename one of its names."
        )
    if found[0].flag_bits & 1:
        raise Refused(400, "The file in the archive is encrypted.")
    return found[0]
