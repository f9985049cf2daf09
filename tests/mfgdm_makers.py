"""A folder of files as a hub, and a client that asks a server in this process for it."""

import json
import os
import time
from contextlib import contextmanager

from starlette.testclient import TestClient

from massproof import server
from massproof.serving.service import Settings

PATHS = {"v2": "/mfg/graphql", "v3": "/mfg/v3/graphql/public"}
LONG_AGO = 1_700_000_000
WAITING = ("SCHEDULED", "QUEUED", "IN_PROGRESS", "PENDING")

PHYSICAL = """physicalProperties { status
  area { ...all } volume { ...all } density { ...all } mass { ...all }
  boundingBox { length { ...all } width { ...all } height { ...all } } }"""
ALL = """fragment all on Property { name displayValue value definition {
  id name specification propertyBehavior isReadOnly units { id name } } }"""
OF_VERSION = f"query($id: ID!) {{ it: componentVersion(componentVersionId: $id) {{ {PHYSICAL} }} }} {ALL}"
OF_MODEL = f"query($id: ID!) {{ it: model(modelId: $id) {{ {PHYSICAL} }} }} {ALL}"


def age(*paths):
    """Have files and folders look as if nothing had changed for long."""
    for path in paths:
        os.utime(path, (LONG_AGO, LONG_AGO))


def hub(folder, files):
    """A folder with files by their paths, all of them old."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    age(folder, *folder.rglob("*"))
    return folder


class Cloud:
    """Asks one server."""

    def __init__(self, client, headers):
        self.client, self.headers = client, headers

    def post(self, query, variables=None, api="v2", headers=None, **body):
        asked = {"query": query, "variables": variables or {}, **body}
        return self.client.post(PATHS[api], json=asked, headers=self.headers | (headers or {}))

    def ask(self, query, api="v2", **variables):
        """The data of an answer without errors."""
        answer = self.post(query, variables, api)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert "errors" not in told, answer.text
        return told["data"]

    def refused(self, query, api="v2", status=200, **variables):
        """Code and message of the one error of an answer."""
        answer = self.post(query, variables, api)
        assert answer.status_code == status, answer.text
        (error,) = answer.json()["errors"]
        return error["extensions"]["code"], error["message"]

    def until(self, query, ready, api="v2", **variables):
        """The data when it is ready."""
        for _ in range(1000):
            found = self.ask(query, api, **variables)
            if ready(found):
                return found
            time.sleep(0.01)
        raise AssertionError(found)

    def physical(self, id, api="v2"):
        """The physical properties of a component version or a model, when they are there."""
        query = OF_VERSION if api == "v2" else OF_MODEL
        found = self.until(
            query, lambda told: told["it"]["physicalProperties"]["status"] not in WAITING, api, id=id
        )
        return found["it"]["physicalProperties"]

    def hub(self, name, api="v2"):
        """The id of a hub."""
        found = self.ask("query($n: String) { hubs(filter: {name: $n}) { results { id } } }", api, n=name)
        return found["hubs"]["results"][0]["id"]

    def items(self, hub, api="v2", root="tipRootComponentVersion"):
        """Name → (id, id of the root) of every item directly in a project of a hub."""
        query = f"query($h: ID!) {{ projects(hubId: $h) {{ results {{ items {{ results {{ id name ... on DesignItem {{ root: {root} {{ id }} }} }} }} }} }} }}"
        found = self.ask(query, api, h=hub)["projects"]["results"]
        return {
            one["name"]: (one["id"], one["root"]["id"])
            for project in found
            for one in project["items"]["results"]
        }

    def models(self, hub):
        """The same of v3, with the ids of the models."""
        return self.items(hub, "v3", "tipRootModel")


@contextmanager
def cloud(folder, *hubs, **settings):
    """A server in this process, and who asks it."""
    made = server.app(Settings(folder=folder, hubs=hubs, log="none", **settings))
    headers = {"Authorization": f"Bearer {settings.get('token') or 'any'}"}
    with TestClient(made, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield Cloud(client, headers)


def body_of(answer):
    """An answer as JSON says it, whose numbers are texts."""
    return json.loads(answer.text, parse_float=str)
