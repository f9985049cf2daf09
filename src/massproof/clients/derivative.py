"""Autodesk's Model Derivative: has the file been translated, which views has it, which properties have its objects.

A translation costs credits, so one is started only where `upload` asks for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from massproof.clients import storage
from massproof.clients.line import FINE
from massproof.clients.port import Fetched, Part, Reply, Request, State, need
from massproof.clients.session import Session
from massproof.errors import RemoteError, UsageError


def fetch(part: Part, of: Mapping[str, str], session: Session) -> Fetched:
    """The properties of all objects of one view, or of the one that `object` names; raises UsageError, RemoteError."""
    if ("urn" in of) == ("upload" in of):
        msg = (
            "say what to ask for: --urn of a file that Autodesk has translated, or --upload to send this one"
        )
        raise UsageError(msg)
    if "upload" in of and "bucket" not in of:
        msg = "--upload wants --bucket: a name of your own in Autodesk's storage, of 3 to 128 letters, digits, - _ ."
        raise UsageError(msg)
    return _Derivative(part, of, session).fetch()


class _Derivative:
    def __init__(self, part: Part, of: Mapping[str, str], session: Session) -> None:
        self._part, self._of, self._session = part, of, session
        self._contract, self._title = session.contract, session.contract.title
        self._region = {self._contract["regions"]["header"]: of["region"]} if "region" in of else {}

    def fetch(self) -> Fetched:
        upload = "upload" in self._of
        storage.authorize(self._session, "upload" if upload else "read")
        urn = self._translated() if upload else storage.encoded(self._of["urn"])
        self._session.line.wait(f"the translation of {self._part.name}", lambda: self._manifest(urn))
        guid = self._view(urn)
        number = self._session.line.wait(f"{self._title}'s properties", lambda: self._properties(urn, guid))
        return Fetched(number, {"object": self._of["object"]} if "object" in self._of else {})

    def _translated(self) -> str:
        """Upload the file and start its translation; the urn."""
        names, of = self._contract["job"], self._of
        region = {self._contract["regions"]["bucket_header"]: of["region"]} if "region" in of else {}
        urn = storage.encoded(storage.upload(self._part, of["bucket"], region, self._session))
        body = {"input": {"urn": urn}, "output": names["output"]}
        self._session.line.send(Request("POST", self._session.host + names["path"], self._region, body))
        return urn

    def _get(self, name: str, query: str = "", fine: frozenset[int] = FINE, **ids: str) -> tuple[int, Reply]:
        path = self._contract["paths"][name].format(**{k: quote(v, safe="") for k, v in ids.items()})
        url = self._session.host + path + ("?" + query if query else "")
        return self._session.line.send(Request("GET", url, self._region), fine=fine)

    def _manifest(self, urn: str) -> tuple[State, str, None]:
        _, reply = self._get("manifest", urn=urn)
        found = need(reply.json(self._title), dict, "the manifest", self._title)
        state = self._contract.state(found.get("status"), f"{self._title}'s manifest")
        return state, _messages(found), None

    def _view(self, urn: str) -> str:
        """The guid of the one view in three dimensions, or of the one that is asked for."""
        later = self._contract["answers"]["later"]

        def look() -> tuple[State, str, Any]:
            _, reply = self._get("metadata", fine=FINE | {later}, urn=urn)
            return State.PENDING if reply.status == later else State.DONE, "", reply

        reply = self._session.line.wait(f"{self._title}'s list of views", look)
        data = need(
            need(reply.json(self._title), dict, "metadata", self._title).get("data"),
            dict,
            "data",
            self._title,
        )
        views = [
            v for v in need(data.get("metadata"), list, "data.metadata", self._title) if isinstance(v, dict)
        ]
        asked = self._of.get("view")
        fit = [
            v for v in views if (asked in (v.get("name"), v.get("guid")) if asked else v.get("role") == "3d")
        ]
        if len(fit) != 1:
            raise _which_view(views, len(fit), asked)
        return str(need(fit[0].get("guid"), str, "guid", self._title))

    def _properties(self, urn: str, guid: str) -> tuple[State, str, int]:
        answers = self._contract["answers"]
        fine = FINE | {answers["later"], answers["large"]}
        ids = {"urn": urn, "guid": guid}
        one = f"objectid={quote(self._of['object'])}" if self._of.get("object", "").isdigit() else ""
        number, reply = self._get("properties", one, fine, **ids)
        if reply.status == answers["large"]:
            query = "&".join(filter(None, (one, answers["force"])))
            number, reply = self._get("properties", query, FINE | {answers["later"]}, **ids)
        state = State.PENDING if reply.status == answers["later"] else State.DONE
        need(reply.json(self._title), dict, "the properties", self._title)
        return state, "", number


def _which_view(views: list[dict[str, Any]], fit: int, asked: str | None) -> RemoteError | UsageError:
    names = ", ".join(f"{v.get('name')} ({v.get('role')}, {v.get('guid')})" for v in views) or "none at all"
    if asked or fit:
        return UsageError(f"{fit} views fit; choose with --view one of: {names}")
    return RemoteError(f"the translation has no view in three dimensions; it has {names}", "absent")


def _messages(manifest: dict[str, Any]) -> str:
    """What the service says of a translation that went wrong."""
    said = []
    for derivative in manifest.get("derivatives") or []:
        for message in (derivative.get("messages") or []) if isinstance(derivative, dict) else []:
            if isinstance(message, dict):
                said.append(f"{message.get('code')}: {message.get('message')}")
    return "; ".join(said)[:300]
