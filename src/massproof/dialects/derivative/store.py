"""Buckets and objects, as records beside blobs: what a client calls them is in records only, never a path.

An upload in parts keeps them in a folder of its own, under a name that is made here, until they are put together.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import time
from typing import Any

from massproof.blobs import Blob, Blobs, pieces
from massproof.dialects.derivative import tables
from massproof.operations import expiry
from massproof.serving import uploads
from massproof.serving.service import Service
from massproof.serving.web import Refused

BUCKETS, OBJECTS, UPLOADS, PARTS = "oss.buckets", "oss.objects", "oss.uploads", "oss.parts"
_BUCKET = re.compile(r"[-_.a-z0-9]{3,128}")
_UPLOAD = re.compile(r"[0-9a-f]{32}")
_LONGEST = 1024  # bytes of an object's key


class Store:
    """What is stored; all methods block. Each raises Refused."""

    def __init__(self, service: Service) -> None:
        self._service, self._records, self._table = service, service.records, tables.service()["storage"]

    def make(self, bucket: str, policy: str, owner: str) -> dict[str, Any]:
        """A new bucket."""
        if not _BUCKET.fullmatch(bucket):
            raise Refused(400, "A bucketKey has 3 to 128 characters of -_.a-z0-9.")
        if policy not in self._table["policies"]:
            raise Refused(400, f"The policyKey must be one of {', '.join(self._table['policies'])}.")
        row = {"policy": policy, "owner": owner, "created": _now()}
        if not self._records.put(BUCKETS, bucket, row, once=True):
            raise Refused(409, "Bucket already exists")
        return row

    def bucket(self, bucket: str) -> dict[str, Any]:
        """A bucket."""
        row: dict[str, Any] | None = self._records.get(BUCKETS, _text(bucket))
        if row is None:
            raise Refused(404, "Bucket not found")
        return row

    def drop_bucket(self, bucket: str) -> None:
        """Forget a bucket, and all that is in it."""
        self.bucket(bucket)
        while rows := self._records.list(OBJECTS, f"{bucket}/"):
            for name, row in rows:
                self._forget(name, row)
        self._records.delete(BUCKETS, bucket)

    def buckets(self, after: str, limit: int) -> list[tuple[str, Any]]:
        """Buckets by name; one more than asked for where there are more."""
        return self._records.list(BUCKETS, after=_text(after), limit=limit + 1)

    def objects(self, bucket: str, prefix: str, after: str, limit: int) -> list[tuple[str, Any]]:
        """Objects of a bucket by key; one more than asked for where there are more."""
        self.bucket(bucket)
        start = f"{bucket}/"
        last = start + _text(after) if after else ""
        rows = self._records.list(OBJECTS, start + _text(prefix), after=last, limit=limit + 1)
        return [(key.removeprefix(start), row) for key, row in rows]

    def object(self, bucket: str, key: str) -> dict[str, Any]:
        """What is known of an object: digest, size, sha1, type, created."""
        row: dict[str, Any] | None = self._records.get(OBJECTS, f"{_text(bucket)}/{_text(key)}")
        if row is None:
            self.bucket(bucket)
            raise Refused(404, "Object not found")
        return row

    def keep(self, bucket: str, key: str, blob: Blob, kind: str) -> dict[str, Any]:
        """Make a blob an object."""
        with self._service.blobs.path(blob.digest).open("rb") as file:
            sha1 = hashlib.sha1(usedforsecurity=False)
            for piece in pieces(file, 0, blob.size):
                sha1.update(piece)
        return self._put(bucket, key, blob, sha1.hexdigest(), kind)

    def copy(self, bucket: str, key: str, new: str) -> dict[str, Any]:
        """The same object under another key too."""
        row = self.object(bucket, key)
        self.writable(bucket, new)
        return self._enter(bucket, new, row | {"created": _now()})

    def drop(self, bucket: str, key: str) -> None:
        """Forget an object."""
        self._forget(f"{bucket}/{key}", self.object(bucket, key))

    def _forget(self, name: str, row: dict[str, Any]) -> None:
        self._records.delete(OBJECTS, name)
        uploads.forget(self._records, *_listing(name))
        expiry.release(self._records, row["digest"], _holder(name))

    def _enter(self, bucket: str, key: str, row: dict[str, Any]) -> dict[str, Any]:
        """Write a row, whose blob stays as long as it does."""
        name = f"{bucket}/{key}"
        before = self._records.get(OBJECTS, name)
        expiry.hold(self._records, row["digest"], _holder(name))
        self._records.put(OBJECTS, name, row)
        uploads.keep(self._records, *_listing(name), Blob(row["digest"], row["size"]))
        if before and before["digest"] != row["digest"]:
            expiry.release(self._records, before["digest"], _holder(name))
        return row

    def _put(self, bucket: str, key: str, blob: Blob, sha1: str, kind: str) -> dict[str, Any]:
        row = {"digest": blob.digest, "size": blob.size, "sha1": sha1, "type": kind, "created": _now()}
        return self._enter(bucket, key, row)

    def writable(self, bucket: str, key: str) -> None:
        """Refuse a key that no object can have, and a bucket that is not there."""
        if not 0 < len(_text(key).encode()) <= _LONGEST:
            raise Refused(400, f"An objectKey has 1 to {_LONGEST} bytes.")
        self.bucket(bucket)

    def begin(self, bucket: str, key: str, upload: str | None) -> str:
        """The key of a new upload, or the one that goes on."""
        self.writable(bucket, key)
        if upload is not None:
            self._upload(bucket, key, upload)
            return upload
        self._tidy()
        made = secrets.token_hex(16)
        expires = time.time() + self._table["hours"] * 3600
        self._records.put(UPLOADS, made, {"bucket": bucket, "key": key, "expires": expires})
        return made

    def _tidy(self) -> None:
        """Forget some uploads that were given up."""
        for upload, row in self._records.list(UPLOADS, limit=50):
            if row["expires"] < time.time():
                self._clear(upload)
                self._records.delete(UPLOADS, upload)

    def _clear(self, upload: str) -> None:
        while rows := self._records.list(PARTS, f"{upload}/"):
            for name, _ in rows:
                self._records.delete(PARTS, name)
        shutil.rmtree(self._folder(upload).folder, ignore_errors=True)

    def room(self, upload: str, number: int) -> tuple[int, Blobs]:
        """Bytes that a part of an upload may have, and where it is kept."""
        if self._records.get(UPLOADS, upload) is None:
            raise Refused(404, "Upload not found")
        rows = self._records.list(PARTS, f"{upload}/", limit=self._table["all_parts"] + 1)
        taken = sum(row["size"] for key, row in rows if key != _part(upload, number))
        return self._service.settings.upload_limit - taken, self._folder(upload)

    def keep_part(self, upload: str, number: int, blob: Blob) -> None:
        """Remember a part that is kept."""
        self._records.put(PARTS, _part(upload, number), {"digest": blob.digest, "size": blob.size})

    def complete(
        self, bucket: str, key: str, upload: str, wanted: tuple[Any, Any], kind: str
    ) -> dict[str, Any]:
        """Put the parts of an upload together; asked again, the same answer. wanted : size and ETags, or None."""
        row = self._upload(bucket, key, upload)
        if "done" in row:
            done: dict[str, Any] = row["done"]
            return done
        listed = self._records.list(PARTS, f"{upload}/", limit=self._table["all_parts"] + 1)
        parts = [row for _, row in listed]
        _check([key for key, _ in listed], parts, upload, *wanted)
        blob, sha1 = self._joined(upload, parts)
        done = self._put(bucket, key, blob, sha1, kind)
        self._records.put(UPLOADS, upload, row | {"done": done})
        self._clear(upload)
        return done

    def _upload(self, bucket: str, key: str, upload: str) -> dict[str, Any]:
        row = self._records.get(UPLOADS, upload) if _UPLOAD.fullmatch(upload) else None
        if row is None or (row["bucket"], row["key"]) != (bucket, key) or row["expires"] < time.time():
            raise Refused(400, "The uploadKey is unknown, has expired, or is that of another object.")
        found: dict[str, Any] = row
        return found

    def _joined(self, upload: str, parts: list[dict[str, Any]]) -> tuple[Blob, str]:
        """The parts as one blob, and its SHA-1; no more of it in memory than a piece."""
        sha1, folder = hashlib.sha1(usedforsecurity=False), self._folder(upload)
        with self._service.blobs.writing() as out:
            for part in parts:
                with folder.path(part["digest"]).open("rb") as file:
                    for piece in pieces(file, 0, part["size"]):
                        sha1.update(piece)
                        out.write(piece)
        return out.blob, sha1.hexdigest()

    def _folder(self, upload: str) -> Blobs:
        return Blobs(self._service.settings.folder / "uploads" / upload)


def _holder(name: str) -> str:
    """Who keeps the bytes of an object from being dropped."""
    return hashlib.sha256(f"{OBJECTS}/{name}".encode()).hexdigest()


def _listing(name: str) -> tuple[str, str]:
    """Under which name, and from where, an object is listed among uploads."""
    bucket, _, key = name.partition("/")
    return key, f"oss/{bucket}"


def tag(digest: str) -> str:
    """ETag of a part."""
    return f'"{digest}"'


def _part(upload: str, number: int) -> str:
    return f"{upload}/{number:05d}"


def _check(names: list[str], parts: list[dict[str, Any]], upload: str, size: Any, tags: Any) -> None:
    numbers = [int(name.rpartition("/")[2]) for name in names]
    missing = set(range(1, max([1, *numbers]) + 1)) - set(numbers)
    if missing:
        raise Refused(400, f"The upload is not complete: part {min(missing)} is missing.")
    found = sum(row["size"] for row in parts)
    if size is not None and size != found:
        raise Refused(400, f"The parts have {found} bytes together, and size says {str(size)[:20]}.")
    if tags is not None and [str(t).strip('"') for t in tags] != [row["digest"] for row in parts]:
        raise Refused(400, "The eTags are not those of the parts.")


def _now() -> int:
    return int(time.time() * 1000)


def _text(key: str) -> str:
    """A name that any database keeps: no control characters, no half of a pair; raises Refused."""
    if any(c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in key):
        raise Refused(400, "A key has no control characters.")
    return key
