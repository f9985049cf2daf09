"""What comes before a translation of Autodesk's: a token for an application, and a file in its storage."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from massproof.clients.line import FINE
from massproof.clients.port import Part, Request, need
from massproof.clients.session import Session


def authorize(session: Session, scope: str) -> None:
    """Exchange an application's id and secret for a token, if that is how we log in; raises RemoteError."""
    if session.login.kind != "client":
        return
    token, title = session.contract["token"], session.contract.title
    headers = {
        "authorization": f"Basic {session.login.basic}",
        "content-type": "application/x-www-form-urlencoded",
        "accept": "application/json",
    }
    form = token["form"] + quote(token["scopes"][scope], safe="")
    _, reply = session.line.send(Request("POST", session.host + token["path"], headers, form, secret=True))
    found = need(reply.json(title), dict, "the token's answer", title)
    session.authorize(need(found.get("access_token"), str, "access_token", title))


def upload(part: Part, bucket: str, region: Mapping[str, str], session: Session) -> str:
    """Put a file into a bucket, which is made if need be; its id there. Raises RemoteError."""
    names, line, host = session.contract["upload"], session.line, session.host
    made = {"bucketKey": bucket, "policyKey": names["policy"]}
    line.send(Request("POST", host + names["buckets"], region, made), fine=FINE | {names["exists"]})
    key = quote(f"{part.sha256[:16]}-{part.name}", safe="")
    signed = host + names["signed"].format(bucket=quote(bucket, safe=""), object=key)
    _, reply = line.send(Request("GET", signed, secret=True))
    title = session.contract.title
    ways = need(reply.json(title), dict, "the upload's answer", title)
    urls = need(ways.get("urls"), list, "urls", title)
    secret = need(ways.get("uploadKey"), str, "uploadKey", title)
    line.tape.hide(secret)
    line.send(
        Request(
            "PUT", need((urls or [None])[0], str, "the first url", title), body=Path(part.path), secret=True
        )
    )
    _, reply = line.send(Request("POST", signed, body={"uploadKey": secret}))
    done = need(reply.json(title), dict, "the upload's end", title)
    return str(need(done.get("objectId"), str, "objectId", title))


def encoded(urn: str) -> str:
    """A urn as it stands in a path: base64 for URLs without padding; one that is so already stays."""
    if not urn.startswith("urn:"):
        return urn.rstrip("=")
    return base64.urlsafe_b64encode(urn.encode()).decode().rstrip("=")
