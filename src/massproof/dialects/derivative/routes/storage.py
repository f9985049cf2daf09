"""Storage (OSS v2): buckets, and the objects in them."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from massproof.dialects.derivative import tables, urns
from massproof.dialects.derivative.routes.door import base, known, route, told, whole
from massproof.dialects.derivative.store import Store
from massproof.serving.service import Service
from massproof.serving.web import bearer, download, receive

_READ, _WRITE = ("data:read", "viewables:read"), ("data:write", "data:create")
PREFIX = "/oss/v2/buckets"


def routes(service: Service) -> list[BaseRoute]:
    """Its routes, but for those of uploads, which come first."""
    store = Storage(service)
    one, key = f"{PREFIX}/{{bucket}}", f"{PREFIX}/{{bucket}}/objects/{{key:path}}"
    buckets = ("bucket:read", "data:read")
    rows: list[tuple[str, str, Any, tuple[str, ...]]] = [
        (PREFIX, "POST", store.make, ("bucket:create",)),
        (PREFIX, "GET", store.buckets, buckets),
        (f"{one}/details", "GET", store.bucket, buckets),
        (one, "DELETE", store.drop_bucket, ("bucket:delete", "data:write")),
        (f"{one}/objects", "GET", store.objects, _READ),
        (f"{key}/details", "GET", store.object, _READ),
        (f"{key}/copyto/{{new:path}}", "PUT", store.copy, _WRITE),
        (key, "PUT", store.put, _WRITE),
        (key, "DELETE", store.drop, ("data:write",)),
        (key, "GET", store.get, _READ),
    ]
    return [route(service, path, method, handler, scopes) for path, method, handler, scopes in rows]


class Storage:
    """The routes' functions."""

    def __init__(self, service: Service) -> None:
        self._service, self._store = service, Store(service)
        self._table = tables.service()["storage"]

    async def make(self, request: Request) -> Response:
        """A new bucket."""
        asked, claims = await told(request), await self._service.call(known, self._service, bearer(request))
        owner = claims.client if claims else "massproof"
        key, policy = str(asked.get("bucketKey")), str(asked.get("policyKey", self._table["policies"][0]))
        row = await self._service.call(self._store.make, key, policy, owner)
        return JSONResponse(_bucket(key, row))

    async def buckets(self, request: Request) -> Response:
        """Buckets, some at a time."""
        limit = self._limit(request)
        rows = await self._service.call(self._store.buckets, request.query_params.get("startAt", ""), limit)
        items = [
            {"bucketKey": key, "createdDate": row["created"], "policyKey": row["policy"]}
            for key, row in rows[:limit]
        ]
        return self._page(request, items, len(rows) > limit, "bucketKey")

    async def bucket(self, request: Request) -> Response:
        """One bucket."""
        key = request.path_params["bucket"]
        return JSONResponse(_bucket(key, await self._service.call(self._store.bucket, key)))

    async def drop_bucket(self, request: Request) -> Response:
        """Forget a bucket."""
        await self._service.call(self._store.drop_bucket, request.path_params["bucket"])
        return Response()

    async def objects(self, request: Request) -> Response:
        """Objects of a bucket, some at a time."""
        limit, query, bucket = self._limit(request), request.query_params, request.path_params["bucket"]
        prefix, after = query.get("beginsWith", ""), query.get("startAt", "")
        rows = await self._service.call(self._store.objects, bucket, prefix, after, limit)
        items = [described(request, bucket, key, row, full=False) for key, row in rows[:limit]]
        return self._page(request, items, len(rows) > limit, "objectKey")

    async def object(self, request: Request) -> Response:
        """One object."""
        bucket, key = where(request)
        return JSONResponse(
            described(request, bucket, key, await self._service.call(self._store.object, bucket, key))
        )

    async def copy(self, request: Request) -> Response:
        """The same object under another key."""
        (bucket, key), new = where(request), request.path_params["new"]
        row = await self._service.call(self._store.copy, bucket, key, new)
        return JSONResponse(described(request, bucket, new, row))

    async def put(self, request: Request) -> Response:
        """An object in one piece, as older clients send it."""
        bucket, key = where(request)
        await self._service.call(self._store.writable, bucket, key)
        blob = await receive(request, self._service)
        keep = partial(self._store.keep, bucket, key, blob, content_type(request))
        return JSONResponse(described(request, bucket, key, await self._service.call(keep)))

    async def drop(self, request: Request) -> Response:
        """Forget an object."""
        await self._service.call(self._store.drop, *where(request))
        return Response()

    async def get(self, request: Request) -> Response:
        """The bytes of an object."""
        bucket, key = where(request)
        row = await self._service.call(self._store.object, bucket, key)
        return file(self._service, key, row)

    def _limit(self, request: Request) -> int:
        asked = request.query_params.get("limit")
        return whole(asked, "limit", self._table["listed"], 1, self._table["most_listed"])

    def _page(self, request: Request, items: list[dict[str, Any]], more: bool, key: str) -> Response:
        body: dict[str, Any] = {"items": items}
        if more:
            query = dict(request.query_params) | {"startAt": items[-1][key]}
            body["next"] = f"{base(request)}{request.scope['path']}?{urlencode(query)}"
        return JSONResponse(body)


def where(request: Request) -> tuple[str, str]:
    """Bucket and key of a request."""
    return request.path_params["bucket"], request.path_params["key"]


def content_type(request: Request) -> str:
    """What a client says that its bytes are; a form's own is what clients send that say nothing."""
    said = request.headers.get("content-type", "").partition(";")[0].strip()
    return said if said and said != "application/x-www-form-urlencoded" else "application/octet-stream"


def file(service: Service, key: str, row: dict[str, Any]) -> Response:
    """An object as a download."""
    service.blobs.size(row["digest"])
    return download(service, row["digest"], key.rpartition("/")[2] or "object", row["type"])


def described(
    request: Request, bucket: str, key: str, row: dict[str, Any], full: bool = True
) -> dict[str, Any]:
    """An object as answers show it."""
    place = f"{base(request)}{PREFIX}/{bucket}/objects/{quote(key, safe='')}"
    more = {"contentType": row["type"], "createdDate": row["created"], "lastModifiedDate": row["created"]}
    return {
        "bucketKey": bucket,
        "objectKey": key,
        "objectId": urns.object_id(bucket, key),
        "sha1": row["sha1"],
        "size": row["size"],
        "location": place,
    } | (more if full else {})


def _bucket(key: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "bucketKey": key,
        "bucketOwner": row["owner"],
        "createdDate": row["created"],
        "permissions": [{"authId": row["owner"], "access": "full"}],
        "policyKey": row["policy"],
    }
