"""What massproof gives to pytest: fixtures `mass_of`, `cloud`, `massproof_server`; assertions that say why they fail.

pytest loads this by itself where massproof is installed: until a fixture is used it imports nothing that measures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from massproof.comparison import Comparison
    from massproof.expected import Within
    from massproof.properties import Properties, Quantity
    from massproof.testing import Server

_MEASURED = pytest.StashKey[list["Properties"]]()  # what the running test has been given
_ENOUGH = 60  # characters of a repr, which pytest shortens in the middle, that tell it from others


class Places:
    """Where a test's files lie: the folder of the test, then the root of the project."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        self.folders = folders

    def find(self, path: str | os.PathLike[str]) -> str:
        """The first that exists; raises massproof.InputError, which says where it was looked for."""
        from massproof.errors import InputError

        places = [Path(folder, path) for folder in self.folders]
        for place in places:
            if place.exists():
                return str(place)
        msg = f"there is no {os.fspath(path)}: looked for {' and '.join(map(str, dict.fromkeys(places)))}"
        raise InputError(msg)


class MassOf:
    """Measures a file of the test: `mass_of("bracket.step", material="6061")`."""

    def __init__(self, places: Places, measured: list[Properties]) -> None:
        self._places, self._measured = places, measured

    def __call__(self, path: str | os.PathLike[str], **options: Any) -> Properties:
        """The result of `massproof.measure`; options : those of it; raises what it raises."""
        from massproof.measure import measure

        found = measure(self._places.find(path), **options)
        self._measured.append(found)
        return found


class Service:
    """One service: what it answered once, or would answer in its own words and digits."""

    def __init__(self, dialect: str, places: Places, mass_of: MassOf) -> None:
        self.dialect, self._places, self._mass_of = dialect, places, mass_of

    def __call__(self, path: str | os.PathLike[str], **options: Any) -> Properties:
        """A result as partial and as rounded as the service tells it.

        path : of JSON, what was recorded: a cassette of `massproof check` or a saved answer; nobody is asked. Else a
            file, which is measured here, written in the service's form, and read back
        options : of a recorded answer `object`; else those of `massproof.measure`

        Raises UsageError for an answer of another service, and what `dialects.parse` and `measure` raise.
        """
        from massproof import dialects, sides
        from massproof.errors import UsageError

        if not os.fspath(path).lower().endswith(".json"):
            return dialects.parse(self.json(path, **options), self.dialect)
        found = sides.side(self._places.find(path), **options)
        if found.source.format != self.dialect:
            msg = f"{os.fspath(path)} holds an answer of {found.source.format}, not of {self.dialect}"
            raise UsageError(msg)
        return found

    def json(self, path: str | os.PathLike[str], **options: Any) -> Any:
        """What the service would answer of a file, as JSON: for a fake server. Raises what `measure` raises."""
        return self._mass_of(path, **options).to_dict(self.dialect)


class Cloud:
    """The services: `cloud.zoo("part.zoo.json")`, `cloud.onshape("part.step", material="Steel").volume`."""

    def __init__(self, places: Places, mass_of: MassOf) -> None:
        for name in ("zoo", "mfgdm", "derivative", "onshape"):
            setattr(self, name, Service(name, places, mass_of))

    if TYPE_CHECKING:
        zoo: Service
        mfgdm: Service
        derivative: Service
        onshape: Service


@pytest.fixture
def mass_of(request: pytest.FixtureRequest) -> Iterator[MassOf]:
    """Measure a file: mass_of("part.step", material="Steel"), its path from the folder of the test or the root."""
    from massproof.comparison import FOLDERS

    places, measured = _places(request), list["Properties"]()
    request.config.stash[_MEASURED] = measured
    before = FOLDERS.get()
    FOLDERS.set(places.folders)
    yield MassOf(places, measured)
    FOLDERS.set(before)
    measured.clear()


@pytest.fixture
def cloud(request: pytest.FixtureRequest, mass_of: MassOf) -> Cloud:
    """Answers of services, recorded or in their form: cloud.zoo("part.zoo.json"), cloud.onshape("part.step")."""
    return Cloud(_places(request), mass_of)


@pytest.fixture(scope="session")
def massproof_settings() -> dict[str, Any]:
    """Settings of `massproof_server`: override it in your conftest.py, with the scope "session" as well."""
    return {}


@pytest.fixture(scope="session")
def _massproof_process(massproof_settings: dict[str, Any]) -> Iterator[Server]:
    from massproof import testing

    with testing.server(**massproof_settings) as running:
        yield running


@pytest.fixture
def massproof_server(_massproof_process: Server) -> Iterator[Server]:
    """A local server that speaks the services' APIs, one for all tests: its `url`, and `fault("status=503")`."""
    yield _massproof_process
    _massproof_process.heal()


def _places(request: pytest.FixtureRequest) -> Places:
    return Places((str(request.path.parent), str(request.config.rootpath)))


def pytest_assertrepr_compare(
    config: pytest.Config, op: str, left: object, right: object
) -> list[str] | None:
    """Of `assert part.mass == within(...)`: both values, the difference, the tolerance, the cause."""
    if op != "==":
        return None
    from massproof.expected import Within

    if isinstance(left, Within):
        left, right = right, left
    if not isinstance(right, Within):
        return None
    return _explained(left, right, config.stash.get(_MEASURED, []))


def _explained(found: object, expected: Within, measured: list[Properties]) -> list[str]:
    from massproof import explained
    from massproof.properties import Quantity

    if not isinstance(found, Quantity):
        return [f"{found!r} == {expected!r}", expected.judge(None).why]
    return explained.lines(found, expected, *_owner(found, measured))


def _owner(found: Quantity, measured: list[Properties]) -> tuple[Properties | None, str]:
    """The result that has this very number, and which property it is."""
    from massproof import figures

    for result in reversed(measured):
        for name, quantity in figures.quantities(result).items():
            if quantity is found:
                return result, name
    return None, ""


# Neither first nor last: unittest's comes before, which brings the exception, and pytest's after, which prints it.
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> None:
    """Below `assert part.agrees_with(...)`, and below any other false Comparison: the table, and the cause."""
    if call.excinfo is None or not isinstance(call.excinfo.value, AssertionError):
        return
    from massproof import beside

    for comparison in _false(call.excinfo.value):
        call.excinfo.value.add_note("\n".join(beside.plain(beside.lines(comparison))))


def _false(error: AssertionError) -> list[Comparison]:
    """False comparisons that the failed assertion shows: values of the frame that it stands in."""
    from massproof.comparison import Comparison

    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    values = {id(value): value for value in (trace.tb_frame.f_locals.values() if trace else ())}
    said = str(error)
    return [
        value
        for value in values.values()
        if isinstance(value, Comparison) and not value and repr(value)[:_ENOUGH] in said
    ]
