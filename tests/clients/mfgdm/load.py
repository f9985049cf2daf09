"""Load on a running server: one cached query, as fast as some connections can ask it.

    python tests/clients/mfgdm/load.py http://127.0.0.1:1234 [CONNECTIONS [SECONDS]]

Prints answers a second, latencies and errors. Needs nothing but Python, and about as much of a core as the server.
"""

import asyncio
import json
import sys
import time
import urllib.request
from urllib.parse import urlsplit

LIST = "{ hubs { results { projects { results { items { results { id ... on DesignItem { tipRootComponentVersion { id name } } } } } } } } }"
QUERY = """query Properties($id: ID!) { componentVersion(componentVersionId: $id) {
  id name isMilestone lastModifiedOn
  physicalProperties { status
    mass { displayValue value definition { name specification units { id name } } }
    volume { displayValue value definition { name specification units { id name } } }
    area { displayValue value definition { name units { name } } }
    density { displayValue definition { name units { name } } }
    boundingBox { length { displayValue value } width { displayValue value } height { displayValue value } } } } }"""
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer any"}


def ask(url, query, variables=None):
    body = json.dumps({"query": query, "variables": variables or {}}).encode()
    with urllib.request.urlopen(urllib.request.Request(url + "/mfg/graphql", body, HEADERS)) as answer:
        return json.load(answer)["data"]


def prepared(url):
    """The request for the properties of the first item, which have been measured."""
    hubs = ask(url, LIST)["hubs"]["results"]
    items = [i for h in hubs for p in h["projects"]["results"] for i in p["items"]["results"]]
    id = items[0]["tipRootComponentVersion"]["id"]
    while (found := ask(url, QUERY, {"id": id})["componentVersion"])["physicalProperties"][
        "status"
    ] != "COMPLETED":
        time.sleep(0.1)
    print("asking for", found["name"], found["physicalProperties"]["volume"])
    return json.dumps({"query": QUERY, "variables": {"id": id}}).encode()


async def asking(url, body, until, times):
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    head = f"POST /mfg/graphql HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{k}: {v}\r\n" for k, v in HEADERS.items()) + "\r\n"
    errors = 0
    while time.perf_counter() < until:
        start = time.perf_counter()
        writer.write(head.encode() + body)
        told = await reader.readuntil(b"\r\n\r\n")
        length = int(told.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        answer = await reader.readexactly(length)
        errors += not (
            told.startswith(b"HTTP/1.1 200") and b'"COMPLETED"' in answer and b'"errors"' not in answer
        )
        times.append(time.perf_counter() - start)
    writer.close()
    return errors


async def main(url, connections=64, seconds=10.0):
    body = prepared(url)
    times, start = [], time.perf_counter()
    tasks = [asking(url, body, start + seconds, times) for _ in range(connections)]
    errors = sum(await asyncio.gather(*tasks))
    took = time.perf_counter() - start
    times.sort()
    middle, late = times[len(times) // 2] * 1e3, times[int(len(times) * 0.99)] * 1e3
    print(
        f"{len(times) / took:.0f} answers/s over {took:.0f} s, {connections} connections; p50 {middle:.1f} ms, p99 {late:.1f} ms; {errors} errors"
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *(int(x) for x in sys.argv[2:4])))
