"""The parts of a multipart body: JSON called "body" or "event", and files."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any, BinaryIO

from massproof.blobs import Blob, Blobs, Writer
from massproof.serving.web import Refused

_JSON = ("body", "event")  # one client version calls it event
_LONGEST = 1 << 20  # bytes of the JSON
_PARTS = 64
_PIECE = 1 << 20


def read(file: BinaryIO, content_type: str, blobs: Blobs) -> tuple[bytes, dict[str, Blob]]:
    """The JSON part, and every other part by its filename, kept.

    Raises Refused, 400, when it is no multipart body, or has no JSON part, or too many.
    """
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser, parse_options_header

    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Refused(400, "invalid content type: expected multipart/form-data with a boundary")
    with ExitStack() as stack:
        found = _Parts(blobs, stack)
        try:
            parser = MultipartParser(options[b"boundary"], found.callbacks())  # type: ignore[arg-type]
            while piece := file.read(_PIECE):
                parser.write(piece)
            parser.finalize()
        except FormParserError as error:
            raise Refused(400, f"unable to parse multipart body: {error}") from error
    if not found.ended:
        raise Refused(400, "unable to parse multipart body: it ends before its last boundary")
    if not found.asked:
        raise Refused(400, "unable to parse multipart body: missing field `body`")
    return bytes(found.json), found.files


class _Parts:
    """What the parser reports, put together."""

    def __init__(self, blobs: Blobs, stack: ExitStack) -> None:
        self.json, self.asked = bytearray(), False  # whether there is a JSON part
        self.files: dict[str, Blob] = {}
        self.ended = False
        self._blobs, self._stack, self._count = blobs, stack, 0
        self._field, self._text, self._headers = b"", b"", dict[bytes, bytes]()
        self._out: Writer | None = None
        self._name = ""

    def callbacks(self) -> dict[str, Any]:
        """As the parser takes them."""
        names = "part_begin part_data part_end header_field header_value header_end headers_finished end"
        return {f"on_{name}": getattr(self, f"_{name}") for name in names.split()}

    def _part_begin(self) -> None:
        self._headers, self._out = {}, None
        self._count += 1
        if self._count > _PARTS:
            raise Refused(400, f"more than {_PARTS} parts; send fewer files")

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._text += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._field.lower()] = self._text
        self._field = self._text = b""

    def _headers_finished(self) -> None:
        from python_multipart.multipart import parse_options_header

        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name in _JSON:
            self.asked = True
            return
        self._name = options.get(b"filename", b"").decode("utf-8", "replace") or name
        if self._name in self.files:
            raise Refused(400, f"two files are called {self._name!r}; give each a name of its own")
        self._out = Writer(self._blobs)
        self._stack.callback(self._out.abandon)  # which does nothing to one that is complete

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._out is not None:
            self._out.write(data[start:end])
        else:
            self.json += data[start:end]
            if len(self.json) > _LONGEST:
                raise Refused(413, f"request body exceeded maximum size of {_LONGEST} bytes")

    def _part_end(self) -> None:
        if self._out is not None:
            self.files[self._name] = self._out.close()

    def _end(self) -> None:
        self.ended = True
