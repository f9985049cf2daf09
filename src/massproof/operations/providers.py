"""Where a program or a file for a prompt comes from: nowhere, a folder, the prompt itself, or a language model.

A provider is named by the operator, as "none", "replay:FOLDER", "program" or "openai:URL#MODEL". No shape is ever
invented here: what a provider does not give is a failure that says so.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from massproof.errors import MissingExtra, RemoteError, UsageError

NONE, REPLAY, PROGRAM, OPENAI = "none", "replay", "program", "openai"
KEY = "MASSPROOF_TEXT_TO_CAD_KEY"  # environment variable: what an endpoint wants to be shown
_SECONDS = 300.0  # that a model may think
_MOST = 1 << 20  # bytes of an answer: no program is as long
_FENCED = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_BRIEF = (
    "Write a CadQuery program in Python that makes the part which the user describes, in millimetres. "
    "Import cadquery as cq and leave the part in a variable named result. Answer with the program alone."
)


class ProviderError(RemoteError):
    """A provider did not answer: another try may succeed."""

    code = "PROVIDER_UNAVAILABLE"


def known(provider: str) -> tuple[str, str]:
    """The kind of a provider, and where it is.

    Raises UsageError for one that there is not, and for a folder or an address that is missing.
    """
    kind, _, where = provider.partition(":")
    if kind not in (NONE, REPLAY, PROGRAM, OPENAI):
        msg = f"unknown provider {provider!r}; use none, replay:FOLDER, program or openai:URL#MODEL"
        raise UsageError(msg)
    if kind in (REPLAY, OPENAI) and not where:
        msg = f"{kind} needs {'a folder, as replay:FOLDER' if kind == REPLAY else 'an address, as openai:URL#MODEL'}"
        raise UsageError(msg)
    if kind == OPENAI and not where.startswith(("http://", "https://")):
        msg = f"openai needs an address that begins with http:// or https://, got {where!r}"
        raise UsageError(msg)
    return kind, where


def saved(folder: str, prompt: str) -> dict[str, Path]:
    """Files that were saved for a prompt, by suffix: PROMPT.step and its siblings, PROMPT being `stem(prompt)`.

    Raises UsageError when there is none.
    """
    names = {stem(prompt), sha256(prompt.encode()).hexdigest()} - {""}
    try:
        found = [path for path in sorted(Path(folder).iterdir()) if path.stem in names and path.is_file()]
    except OSError as error:
        msg = f"the folder of saved answers cannot be read: {error.strerror}; start the server with another"
        raise UsageError(msg) from error
    if not found:
        name = stem(prompt) or "named by its SHA-256"
        msg = f"no answer to this prompt is saved; the folder needs a file {name}.step"
        raise UsageError(msg)
    return {path.suffix.lower(): path for path in found}


def stem(prompt: str) -> str:
    """What a file for a prompt is called: its words in small letters, joined by hyphens, 100 characters at most."""
    return re.sub(r"[^a-z0-9]+", "-", prompt.lower()).strip("-")[:100].strip("-")


def asked(where: str, prompt: str) -> str:
    """The program that a model writes for a prompt; `where` is URL#MODEL of a chat endpoint in OpenAI's form.

    Raises MissingExtra without httpx, ProviderError when there is no answer, RemoteError when it has no program.
    """
    try:
        import httpx
    except ImportError as error:
        what = "asking a model"
        raise MissingExtra(what, "remote") from error
    url, _, model = where.partition("#")
    body = {
        "model": model or "default",
        "temperature": 0,
        "messages": [{"role": "system", "content": _BRIEF}, {"role": "user", "content": prompt}],
    }
    key = os.environ.get(KEY)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        with httpx.Client(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client:
            reply = client.post(f"{url.rstrip('/')}/chat/completions", json=body, headers=headers)
    except httpx.HTTPError as error:
        msg = f"the model did not answer: {type(error).__name__}; see that its endpoint runs, and ask again"
        raise ProviderError(msg) from error
    if reply.status_code != 200:
        msg = f"the model answered with status {reply.status_code}; see that its endpoint takes chat completions"
        raise ProviderError(msg)
    return _program(reply.content)


def _program(content: bytes) -> str:
    """The program in what a model answered: its longest fenced part, else all of it."""
    import json

    try:
        text: Any = json.loads(content[:_MOST])["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        msg = "the model's answer has no choices[0].message.content; its endpoint must speak OpenAI's chat completions"
        raise RemoteError(msg) from error
    if not isinstance(text, str) or not text.strip():
        msg = "the model answered with no text; word the prompt as one part with its dimensions"
        raise RemoteError(msg)
    return max(_FENCED.findall(text), key=len, default=text).strip() + "\n"
