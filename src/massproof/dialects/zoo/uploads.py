"""What clients send for a file: base64 instead of its bytes, glTF in several files, or one file among others."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from massproof.blobs import Blob, Blobs
from massproof.serving.web import Refused

_ALPHABET = re.compile(rb"[A-Za-z0-9+/_\-\r\n]*={0,2}[\r\n]*")
_PEEK = 1 << 12  # bytes that tell whether the rest is worth a look
_TO_URL = bytes.maketrans(b"+/", b"-_")
_SUFFIXES = {"gltf": (".gltf", ".glb"), "step": (".step", ".stp")}
_DATA = re.compile(r"data:[^,]*;base64,")
_TEXT = 1 << 27  # bytes of JSON, which take ten times as much to read
_HEAD = b"glTF" + (2).to_bytes(4, "little")


def decoded(blobs: Blobs, blob: Blob) -> Blob:
    """The file that a client sent as base64 text, standard or URL-safe, padded or not; otherwise what it sent.

    No format that is read here has a file of these characters alone, without a blank or another sign.
    """
    with blobs.path(blob.digest).open("rb") as file:
        start = file.read(_PEEK)
        if len(start) < 4 or not _ALPHABET.fullmatch(start):
            return blob
        text = start + file.read()
    if not _ALPHABET.fullmatch(text):
        return blob
    text = re.sub(rb"[\r\n=]", b"", text).translate(_TO_URL)
    try:
        return blobs.put(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
    except binascii.Error:
        return blob


def main(files: Mapping[str, Blob], kind: str) -> str:
    """The name of the file that is of a format, among those that belong to it.

    Raises Refused, 400, when none or several are.
    """
    if not files:
        raise Refused(400, "no file was sent: add a part with a filename")
    if len(files) == 1:
        return next(iter(files))
    endings = _SUFFIXES.get(kind, (f".{kind}",))
    fitting = [name for name in files if PurePosixPath(name.lower()).suffix in endings]
    if len(fitting) != 1:
        raise Refused(
            400, f"of {len(files)} files {len(fitting)} end in {' or '.join(endings)}; send one that does"
        )
    return fitting[0]


def packed(blobs: Blobs, blob: Blob, beside: Mapping[str, Blob], most: int) -> Blob:
    """A glTF text, with its buffers inside or in files beside it, as one GLB; anything else is left as it is.

    Raises Refused: 400 for a buffer that was not sent, or that a view reaches beyond, 413 for more than `most` bytes
    of them.
    """
    with blobs.path(blob.digest).open("rb") as file:
        if not file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            return blob
    if blob.size > _TEXT:
        raise Refused(413, f"a glTF text has {_TEXT} bytes at most, this one {blob.size}; send GLB")
    buffers, whole = dict[int, tuple[int, int]](), bytearray()  # where each begins, and its bytes
    try:
        document = json.loads(blobs.read(blob.digest))
        for number, one in enumerate(document.get("buffers", [])):
            piece = _buffer(one, blobs, beside)
            buffers[number] = len(whole), len(piece)
            whole += piece
            whole += bytes(-len(whole) % 4)
            if len(whole) > most:
                raise Refused(
                    413, f"the buffers of the glTF file have more than {most} bytes; send less of them"
                )
        for view in document.get("bufferViews", []):
            _move(view, *buffers[view["buffer"]])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return blob  # whose reader says what is wrong
    if buffers:
        document["buffers"] = [{"byteLength": len(whole)}]
    return blobs.put(_glb(document, whole))


def _move(view: dict[str, int], start: int, size: int) -> None:
    """Have a view show what it showed of a buffer that begins at `start` now; not what lies beside that."""
    first = view.get("byteOffset", 0)
    if not 0 <= first <= first + view["byteLength"] <= size:
        reach = f"{view['byteLength']} bytes from byte {first} of a buffer that has {size}"
        raise Refused(400, f"the glTF file shows {reach}; export it again")
    view |= {"byteOffset": start + first, "buffer": 0}


def _buffer(row: Mapping[str, str], blobs: Blobs, beside: Mapping[str, Blob]) -> bytes:
    uri = row["uri"]
    if head := _DATA.match(uri):
        return base64.b64decode(uri[head.end() :], validate=True)
    name = PurePosixPath(uri).name
    found = next((one for key, one in beside.items() if PurePosixPath(key).name == name), None)
    if found is None:
        raise Refused(400, f"the glTF file needs {name!r}, which was not sent; send it in a part of its own")
    return blobs.read(found.digest)


def _glb(document: object, binary: bytearray) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    chunks = len(text).to_bytes(4, "little") + b"JSON" + text
    if binary:
        chunks += len(binary).to_bytes(4, "little") + b"BIN\0" + bytes(binary)
    return _HEAD + (12 + len(chunks)).to_bytes(4, "little") + chunks
