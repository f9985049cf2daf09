"""Does the cloud agree: measure a file here, have a remote service measure it or what it was made from, compare.

Exit codes: 0 agrees · 1 disagrees, or nothing could be compared · 2 usage, credentials among it · 3 unreadable input,
or no answer from the service · 6 missing extra.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

from massproof import cassettes, clients, comparing, report
from massproof.answers import shown
from massproof.clients.waiting import seconds
from massproof.comparison import Comparison, compare
from massproof.errors import MassproofError, UsageError
from massproof.measure import measure
from massproof.output import say
from massproof.properties import Properties

_MEASURE = ("unit", "material", "density", "mass", "format")
_FORMS = comparing.Delivery._fields
_OWN = ("file", "against", "profile", "cassette", "replay", "deadline", *_FORMS, *_MEASURE)


class Wanted(NamedTuple):
    """What a command line asks for, by the names that `commands.check` gives its options."""

    file: str
    against: str | None = None
    profile: str | None = None
    cassette: str | None = None
    replay: str | None = None
    deadline: str = "10m"
    unit: str | None = None
    material: str | None = None
    density: str | None = None
    mass: str | None = None
    format: str | None = None
    as_json: bool = False
    as_table: bool = False
    junit: str | None = None
    html: str | None = None
    component_version: str | None = None
    model: str | None = None
    component: str | None = None
    urn: str | None = None
    object: str | None = None
    view: str | None = None
    upload: bool = False
    bucket: str | None = None
    region: str | None = None
    document: str | None = None
    workspace: str | None = None
    version: str | None = None
    microversion: str | None = None
    element: str | None = None
    part: str | None = None
    configuration: str | None = None

    def of(self) -> dict[str, str]:
        """Which thing of the service is meant, by the names that its contract has."""
        given = {k: v for k, v in self._asdict().items() if k not in _OWN and v}
        return {name.replace("_", "-"): "yes" if value is True else value for name, value in given.items()}


def run(wanted: Wanted) -> int:
    """Measure, ask, compare, print; the exit code."""
    try:
        return comparing.deliver(
            checked(wanted), comparing.Delivery(wanted.as_json, wanted.as_table, wanted.junit, wanted.html)
        )
    except MassproofError as error:
        return comparing.refused(error)


def checked(wanted: Wanted) -> Comparison:
    """The comparison that is asked for; raises UsageError, RemoteError, and what measuring raises."""
    deadline = seconds(wanted.deadline)
    _contradiction(wanted)
    replayed = cassettes.load(wanted.replay) if wanted.replay else None
    service = _service(wanted, replayed)
    here = measure(wanted.file, **{name: getattr(wanted, name) for name in _MEASURE})
    cassette = replayed or _recorded(service, here, wanted, deadline)
    answer = cassettes.answer(cassette)
    if replayed and answer.file.get("sha256") != here.source.sha256:
        name = report.printable(str(answer.file.get("name", "file")))
        say(
            f"note: {wanted.replay} was recorded for another {name}, or another state of it",
            to=sys.stderr,
        )
    return compare(here, cassettes.result(cassette), profile=wanted.profile)


def _contradiction(wanted: Wanted) -> None:
    given = [f"--{name}" for name in (*wanted.of(), *(["cassette"] if wanted.cassette else []))]
    if wanted.replay and given:
        msg = f"--replay asks nobody, so there is nothing for {' and '.join(given)} to say; leave it out"
        raise UsageError(msg)
    if not wanted.replay and not wanted.against:
        msg = f"say whom to ask with --against: {', '.join(clients.NAMES)}; or give a cassette with --replay"
        raise UsageError(msg)


def _service(wanted: Wanted, replayed: dict[str, Any] | None) -> str:
    service = str(wanted.against or (replayed or {}).get("dialect"))
    if wanted.against and replayed and replayed.get("dialect") != service:
        held = shown(replayed.get("dialect"))
        msg = f"{wanted.replay} holds an answer of {held}, not of {service}; leave out --against"
        raise UsageError(msg)
    return service


def _recorded(service: str, here: Properties, wanted: Wanted, deadline: float) -> dict[str, Any]:
    """Ask, and keep what was said where it is wanted, an error too."""
    cassette = clients.record(service, clients.part_of(wanted.file, here), wanted.of(), deadline=deadline)
    if wanted.cassette:
        cassettes.save(cassette, wanted.cassette)
    return cassette
