"""Onshape: two questions, what the tab is and what it weighs; both are answered at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from massproof.clients.port import Fetched, Part, Reply, Request, need
from massproof.clients.session import Session
from massproof.errors import RemoteError, UsageError

_LINK = re.compile(r"/documents/(?:d/)?([^/]+)/([wvm])/([^/]+)/e/([^/?#]+)")


def fetch(part: Part, of: Mapping[str, str], session: Session) -> Fetched:
    """Mass properties of a tab, or of one part in it; raises UsageError, RemoteError."""
    where = place(of, session)
    contract = session.contract
    query = {"configuration": of["configuration"]} if "configuration" in of else {}
    if "part" in of:
        path = contract["part"]["path"]
    else:
        kind = _kind(where, session)
        path = contract["types"][kind]
        query |= contract["query"].get(kind, {})
    url = session.host + path.format(**where) + ("?" + urlencode(query) if query else "")
    number, reply = _get(url, session)
    need(reply.json(contract.title), dict, "the answer", contract.title)
    return Fetched(number, {})


def place(of: Mapping[str, str], session: Session) -> dict[str, str]:
    """The ids that stand in a path, from options or from a link as the browser shows it; raises UsageError."""
    letters = session.contract["within"]
    document = of.get("document", "")
    if "://" in document:
        return _linked(of, session)
    within = [name for name in letters if name in of]
    if not document or "element" not in of or len(within) != 1:
        msg = (
            "say which tab to ask for: --document with the link that the browser shows, or its ids with --document, "
            f"--element and one of --{', --'.join(letters)}"
        )
        raise UsageError(msg)
    ids = {
        "document": document,
        "within": of[within[0]],
        "element": of["element"],
        "part": of.get("part", ""),
    }
    return {name: quote(one, safe="") for name, one in ids.items()} | {"letter": letters[within[0]]}


def _linked(of: Mapping[str, str], session: Session) -> dict[str, str]:
    link = of["document"]
    found = _LINK.search(urlsplit(link).path)
    extra = [name for name in (*session.contract["within"], "element") if name in of]
    if found is None or extra:
        why = (
            f"with a link leave out --{extra[0]}" if extra else "it names no tab: .../documents/ID/w/ID/e/ID"
        )
        msg = f"--document {link}: {why}"
        raise UsageError(msg)
    host = urlsplit(link).netloc
    if host != urlsplit(session.host).netloc:  # the keys are sent to one host only, whatever a link says
        msg = f"the link is to {host}, and the keys go to {session.host}; if that is right, set ONSHAPE_API=https://{host}"
        raise UsageError(msg)
    document, letter, within, element = found.groups()
    part = quote(of.get("part", ""), safe="")
    return {"document": document, "letter": letter, "within": within, "element": element, "part": part}


def _kind(where: dict[str, str], session: Session) -> str:
    contract = session.contract
    names = contract["elements"]
    _, reply = _get(session.host + names["path"].format(**where), session)
    listed: list[Any] = need(reply.json(contract.title), list, "the list of tabs", contract.title)
    kinds = [
        one.get(names["type"])
        for one in listed
        if isinstance(one, dict) and one.get(names["id"]) == where["element"]
    ]
    if not kinds or kinds[0] not in contract["types"]:
        what = f"a tab of type {kinds[0]!r}" if kinds else "not in the document"
        msg = f"element {where['element']} is {what}; give that of one of {', '.join(contract['types'])}"
        raise RemoteError(msg, "absent")
    return str(kinds[0])


def _get(url: str, session: Session) -> tuple[int, Reply]:
    return session.line.send(Request("GET", url, {"accept": "application/json"}))
