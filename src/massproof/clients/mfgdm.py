"""Autodesk's Manufacturing Data Model: asking for the properties starts the work, asking again shows how far it is.

A job that failed is submitted again by every further question, so after a failure nothing is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from massproof.clients.port import Contract, Fetched, Part, Reply, Request, State, graphql_errors, need
from massproof.clients.session import Session
from massproof.errors import RemoteError, UsageError

KINDS = ("component-version", "model", "component")


def fetch(part: Part, of: Mapping[str, str], session: Session) -> Fetched:
    """The properties of one component version (v2), model or component (v3); raises UsageError, RemoteError."""
    contract = session.contract
    given = [kind for kind in KINDS if kind in of]
    if len(given) != 1:
        msg = f"say which one thing to ask for: --{', --'.join(KINDS[:-1])} or --{KINDS[-1]} with its id"
        raise UsageError(msg)
    query = contract["queries"][given[0]]
    headers = {"accept": "application/json"}
    if "region" in of:
        headers[contract["regions"]["header"]] = of["region"]
    text = query["text"] + contract["fragments"]["text"]
    body = {"query": text, "variables": {"id": of[given[0]]}}
    request = Request("POST", session.host + query["path"], headers, body)
    title = f"{contract.title}'s {given[0]} {of[given[0]]}"

    def look() -> tuple[State, str, int]:
        number, reply = session.line.send(request, again=lambda reply: passing(reply, contract))
        found = properties(reply, query["at"], contract, title)
        return contract.state(found.get("status"), title), "", number

    return Fetched(session.line.wait(title, look), {})


def passing(reply: Reply, contract: Contract) -> str:
    """What the service says of a fault that may pass, "" when there is none of that kind."""
    if reply.status != 200:
        return ""
    kinds = contract["passing"]
    for error in graphql_errors(reply.json(contract.title)):
        extensions = error.get("extensions")
        about = extensions if isinstance(extensions, dict) else {}
        if any(all(about.get(k) == v for k, v in kind.items()) for kind in kinds):
            return str(error.get("message"))
    return ""


def properties(reply: Reply, at: list[str], contract: Contract, of: str) -> dict[str, Any]:
    """The object with the status; raises RemoteError where the answer has none, and why."""
    document = need(reply.json(of), dict, "the answer", of)
    _check_errors(document, of)
    found, name = document.get("data"), "data"
    for step in (*at, contract["queries"]["properties"]):
        found = need(found, dict, name, of).get(step)
        name = step
        if found is None:
            msg = f"{of}: {step} is null, so there is nothing of that id, or it has no geometry; check the id"
            raise RemoteError(msg, "absent")
    return dict(need(found, dict, name, of))


def _check_errors(document: dict[str, Any], of: str) -> None:
    errors = graphql_errors(document)
    if not errors:
        return
    said = "; ".join(str(error.get("message")) for error in errors)[:300]
    paths = [error.get("path") for error in errors]
    if any(isinstance(path, list) and path[-1:] == ["status"] for path in paths):
        msg = f"{of}: the status is null, and with it the answer: {said}; try again, or later"
        raise RemoteError(msg, "null-status")
    msg = f"{of} was refused: {said}; check the id, the region, and what the token may see"
    raise RemoteError(msg, "refused")
