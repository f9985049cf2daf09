"""What tests of storage and translation share: servers in process, files in them, and the end of what they do."""

import base64
import struct
import zlib
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

from starlette.testclient import TestClient

from massproof import measure, server, sources
from massproof.breakdown import Assembly, Part, Use
from massproof.serving.service import Settings

DESIGN = "/modelderivative/v2/designdata"
OSS = "/oss/v2/buckets"
URL = "http://localhost:1234"


TETRAHEDRON = b"solid\n" + b"".join(
    b"facet normal 0 0 0\nouter loop\n" + b"".join(b"vertex %d %d %d\n" % point for point in corners) + b"endloop\nendfacet\n"
    for corners in (
        ((0, 0, 0), (0, 30, 0), (30, 0, 0)),
        ((0, 0, 0), (30, 0, 0), (0, 0, 30)),
        ((0, 0, 0), (0, 0, 30), (0, 30, 0)),
        ((30, 0, 0), (0, 30, 0), (0, 0, 30)),
    )
) + b"endsolid\n"  # fmt: skip
TWO = (
    b"o one\nv 0 0 0\nv 9 0 0\nv 0 9 0\nv 0 0 9\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
    b"o two\nv 20 0 0\nv 23 0 0\nv 20 3 0\nv 20 0 3\nf 5 7 6\nf 5 6 8\nf 5 8 7\nf 6 7 8\n"
)
STAY = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0))


def picture(source, size=400, **options):
    """A PNG of one colour, in place of a drawing that takes longer; of what can be read."""
    sources.load(source)
    rows = zlib.compress((b"\0" + b"\7" * size) * size)
    header = struct.pack(">IIBBBBB", size, size, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    )


def put_together(path):
    """An assembly of one part in two places, in a sub-assembly that is used twice."""

    def made(source, **options):
        whole, part = (measure(path, unit="mm", **options) for _ in range(2))
        twice = (Use("u0", "left", "d2", STAY), Use("u1", "right", "d2", STAY))
        both = (Use("u0", "front", "d1", STAY), Use("u1", "back", "d1", STAY))
        parts = {
            "d0": Part("d0", "all", whole, both),
            "d1": Part("d1", "pair", whole, twice),
            "d2": Part("d2", "box", part, (), "N-1", "brass"),
        }
        return Assembly("d0", parts)

    return made


class Through:
    """What a client of a service sends through, in process and without a timeout, which this has not."""

    def __init__(self, client):
        self._client = client

    def request(self, method, url, timeout, **rest):
        return self._client.request(method, url, **rest)

    def close(self):
        pass


@contextmanager
def opened(folder):
    """`make(**settings)` starts a server on the folder, after the one before has ended."""
    with ExitStack() as stack:

        def make(**settings):
            stack.pop_all().close()
            client = TestClient(server.app(Settings(folder=folder, log="none", **settings)), base_url=URL)
            client.headers["Authorization"] = "Bearer anything"
            return stack.enter_context(client)

        yield make


def encoded(urn):
    return base64.urlsafe_b64encode(urn.encode()).decode().rstrip("=")


def urn_of(bucket, key):
    return encoded(f"urn:adsk.objects:os.object:{bucket}/{key}")


def bucket(client, key="parts"):
    client.post(OSS, json={"bucketKey": key, "policyKey": "transient"})
    return f"{OSS}/{key}/objects"


def stored(client, content, key="part.stl"):
    """Put a file into storage as older clients do; its urn."""
    put = client.put(f"{bucket(client)}/{quote(key, safe='')}", content=content)
    assert put.status_code == 200, put.text
    return urn_of("parts", key)


def job(client, urn, *formats, headers=None, **of):
    body = {"input": {"urn": urn, **of}, "output": {"formats": list(formats)}}
    return client.post(f"{DESIGN}/job", json=body, headers=headers or {})


def translated(client, content, *formats, key="part.stl"):
    urn = stored(client, content, key)
    answer = job(client, urn, *(formats or ({"type": "svf2", "views": ["3d"]},)))
    assert answer.status_code == 200, answer.text
    return urn


def wait(client):
    """Until all operations have ended."""
    operations = client.app.state.service.operations
    for operation in operations.list():
        assert operations.wait(operation.id, 60).state.ended


def settled(client, urn):
    """The manifest when it will not change any more."""
    while (found := client.get(f"{DESIGN}/{urn}/manifest").json())["status"] in ("pending", "inprogress"):
        wait(client)
    return found


def view(client, urn):
    """Path of the one view."""
    while client.get(f"{DESIGN}/{urn}/metadata").status_code == 202:
        wait(client)
    (one,) = client.get(f"{DESIGN}/{urn}/metadata").json()["data"]["metadata"]
    return f"{DESIGN}/{urn}/metadata/{one['guid']}"


def resources(manifest, role):
    def below(rows):
        for row in rows:
            yield row
            yield from below(row.get("children", []))

    return [row for row in below(manifest["derivatives"]) if row.get("role") == role]
