"""Ids of files and of what is made of them: base64 for URLs without padding (RFC 4648, 5) of a URN."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from massproof.serving.web import Refused

_OBJECT, _FILE = "urn:adsk.objects:os.object:", "urn:adsk.viewing:fs.file:"
_LONGEST = 4096


class Output(NamedTuple):
    """A file that was made of another: its urn says of which, by which operation, and its name."""

    urn: str
    operation: str
    name: str

    def __str__(self) -> str:
        return f"{_FILE}{self.urn}/output/{self.operation}/{self.name}"


def object_id(bucket: str, key: str) -> str:
    """The URN of a file in storage."""
    return f"{_OBJECT}{bucket}/{key}"


def encoded(urn: str) -> str:
    """A URN as it stands in a path."""
    return base64.urlsafe_b64encode(urn.encode()).decode().rstrip("=")


def decoded(text: str) -> str:
    """The URN of a path or a request, padded or not; raises Refused for what is none."""
    try:
        bare = text.rstrip("=").replace("+", "-").replace("/", "_")
        if len(bare) > _LONGEST or not bare.isascii():
            raise ValueError
        found = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise Refused(400, f"The urn {text[:60]!r} is not base64 for URLs of a URN.") from None
    return found


def place(urn: str) -> tuple[str, str]:
    """Bucket and key of a file in storage; raises Refused for the URN of anything else."""
    bucket, slash, key = urn.removeprefix(_OBJECT).partition("/")
    if not urn.startswith(_OBJECT) or not slash or not bucket or not key:
        raise Refused(
            404, "The urn is not that of an object in storage: urn:adsk.objects:os.object:BUCKET/KEY."
        )
    return bucket, key


def output(text: str) -> Output:
    """What the urn of a derivative says; raises Refused for what is none."""
    urn, _, rest = text.removeprefix(_FILE).partition("/output/")
    operation, slash, name = rest.partition("/")
    if not text.startswith(_FILE) or not slash:
        raise Refused(404, "The derivative urn is none of this manifest.")
    return Output(urn, operation, name)
