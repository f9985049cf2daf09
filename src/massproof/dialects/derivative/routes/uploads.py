"""Uploads in parts and downloads, with signed addresses that need no token."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from massproof.dialects.derivative import tables
from massproof.dialects.derivative.routes.door import base, route, told, whole
from massproof.dialects.derivative.routes.storage import PREFIX, content_type, described, file, where
from massproof.dialects.derivative.store import Store, tag
from massproof.serving.service import Service
from massproof.serving.web import Refused, given, receive

_PARTS, _FILES = "/oss/v2/parts", "/oss/v2/files"
_WRITE, _READ = ("data:write", "data:create"), ("data:read", "viewables:read")


def routes(service: Service) -> list[BaseRoute]:
    """Its routes."""
    door = Uploads(service)
    many, key = f"{PREFIX}/{{bucket}}/objects", f"{PREFIX}/{{bucket}}/objects/{{key:path}}"
    rows: list[tuple[str, str, Any, tuple[str, ...]]] = [
        (f"{key}/signeds3upload", "GET", door.begin, _WRITE),
        (f"{key}/signeds3upload", "POST", door.complete, _WRITE),
        (f"{key}/signeds3download", "GET", door.download, _READ),
        (f"{key}/signed", "POST", door.shared, _READ + _WRITE),
        (f"{many}/batchsigneds3upload", "POST", door.begin_many, _WRITE),
        (f"{many}/batchcompleteupload", "POST", door.complete_many, _WRITE),
        (f"{many}/batchsigneds3download", "POST", door.download_many, _READ),
        (f"{_PARTS}/{{upload}}/{{number:int}}", "PUT", door.part, ()),
        (f"{_FILES}/{{bucket}}/{{key}}", "GET", door.file, ()),
    ]
    return [route(service, path, method, handler, scopes) for path, method, handler, scopes in rows]


class Uploads:
    """The routes' functions."""

    def __init__(self, service: Service) -> None:
        self._service, self._store = service, Store(service)
        self._table = tables.service()["storage"]

    async def begin(self, request: Request) -> Response:
        """Addresses to put parts to."""
        bucket, key = where(request)
        return JSONResponse(await self._begun(request, bucket, key, dict(request.query_params)))

    async def begin_many(self, request: Request) -> Response:
        """The same of several objects."""
        bucket, asked = request.path_params["bucket"], _requests(await told(request))
        return JSONResponse(
            {"results": {key: await _each(self._begun(request, bucket, key, one)) for key, one in asked}}
        )

    async def _begun(self, request: Request, bucket: str, key: str, asked: dict[str, Any]) -> dict[str, Any]:
        table = self._table
        parts = whole(_written(asked, "parts"), "parts", 1, 1, table["parts"])
        first = whole(_written(asked, "firstPart"), "firstPart", 1, 1, table["all_parts"] + 1 - parts)
        minutes = self._minutes(request)
        upload = await self._service.call(self._store.begin, bucket, key, _written(asked, "uploadKey"))
        signed = self._service.signer.signed
        return {
            "uploadKey": upload,
            "uploadExpiration": _time(table["hours"] * 3600),
            "urlExpiration": _time(minutes * 60),
            "urls": [
                base(request) + signed(f"{_PARTS}/{upload}/{number}", minutes * 60, "PUT")
                for number in range(first, first + parts)
            ],
        }

    def _minutes(self, request: Request) -> int:
        asked = request.query_params.get("minutesExpiration")
        return whole(asked, "minutesExpiration", self._table["minutes"], 1, self._table["most_minutes"])

    async def part(self, request: Request) -> Response:
        """Keep one part."""
        self._signed(request, "PUT")
        upload, number = request.path_params["upload"], request.path_params["number"]
        room, folder = await self._service.call(self._store.room, upload, number)
        blob = await receive(request, self._service, room, folder)
        await self._service.call(self._store.keep_part, upload, number, blob)
        return Response(headers={"ETag": tag(blob.digest)})

    def _signed(self, request: Request, method: str) -> None:
        if not self._service.signer.holds(request.url.path, request.query_params, method):
            raise Refused(403, "The signature of this address does not match, or has expired.")

    async def complete(self, request: Request) -> Response:
        """Put the parts together."""
        bucket, key = where(request)
        return JSONResponse(await self._completed(request, bucket, key, await told(request)))

    async def complete_many(self, request: Request) -> Response:
        """The same of several objects."""
        bucket, asked = request.path_params["bucket"], _requests(await told(request))
        return JSONResponse(
            {"results": {key: await _each(self._completed(request, bucket, key, one)) for key, one in asked}}
        )

    async def _completed(
        self, request: Request, bucket: str, key: str, asked: dict[str, Any]
    ) -> dict[str, Any]:
        tags = asked.get("eTags")
        if tags is not None and not isinstance(tags, list):
            raise Refused(400, "eTags must be a list.")
        kind = request.headers.get("x-ads-meta-content-type") or content_type(request)
        kind = "application/octet-stream" if kind == "application/json" else kind
        upload, wanted = str(asked.get("uploadKey")), (asked.get("size"), tags)
        row = await self._service.call(self._store.complete, bucket, key, upload, wanted, kind)
        return described(request, bucket, key, row)

    async def download(self, request: Request) -> Response:
        """An address to get an object from."""
        bucket, key = where(request)
        return JSONResponse(await self._offered(request, bucket, key, self._minutes(request)))

    async def download_many(self, request: Request) -> Response:
        """The same of several objects."""
        bucket, asked = request.path_params["bucket"], _requests(await told(request))
        return JSONResponse(
            {
                "results": {
                    key: await _each(self._offered(request, bucket, key, self._minutes(request)))
                    for key, _ in asked
                }
            }
        )

    async def _offered(self, request: Request, bucket: str, key: str, minutes: int) -> dict[str, Any]:
        row = await self._service.call(self._store.object, bucket, key)
        name = base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")
        path = f"{_FILES}/{bucket}/{name}"
        url = base(request) + self._service.signer.signed(path, minutes * 60)
        return {"status": "complete", "url": url, "params": {}, "size": row["size"], "sha1": row["sha1"]}

    async def shared(self, request: Request) -> Response:
        """An address of an object for somebody else, who may read it and not write."""
        if request.query_params.get("access", "read") != "read":
            raise Refused(400, "access must be read: upload with signeds3upload.")
        (bucket, key), asked = where(request), await told(request)
        most = self._table["shared_minutes"]
        minutes = whole(_written(asked, "minutesExpiration"), "minutesExpiration", most, 1, most)
        row = await self._offered(request, bucket, key, minutes)
        expiration = int((time.time() + minutes * 60) * 1000)
        return JSONResponse({"signedUrl": row["url"], "expiration": expiration, "singleUse": False})

    async def file(self, request: Request) -> Response:
        """The bytes of an object, for whoever has its address."""
        self._signed(request, "GET")
        bucket, name = where(request)
        key = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        return file(self._service, key, await self._service.call(self._store.object, bucket, key))


def _requests(asked: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    listed = asked.get("requests")
    if not isinstance(listed, list) or len(listed) > 25:
        raise Refused(400, "requests must be a list of 25 at most.")
    for one in listed:
        if not isinstance(one, dict) or not isinstance(one.get("objectKey"), str):
            raise Refused(400, "Each request needs an objectKey.")
        yield one["objectKey"], one


async def _each(answer: Any) -> dict[str, Any]:
    """An answer, or why there is none: one of several does not fail the others."""
    try:
        found: dict[str, Any] = await answer
    except Refused as error:
        return {"reason": error.message, "status": "error"}
    return found


def _written(asked: dict[str, Any], name: str) -> str | None:
    value = given(asked.get(name))
    return None if value is None else str(value)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
