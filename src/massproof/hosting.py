"""One server on a port: Granian's processes around the application of `server`.

Settings reach the processes that answer as memory does when a process forks, or through the pipe of `multiprocessing`
where it does not: neither in an argument nor in the environment, where other users could read a token.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from massproof import dialects
from massproof.errors import InputError, MassproofError, MissingExtra, UsageError
from massproof.version import __version__

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from massproof.serving.service import Settings

_FORMATS = ("extended", "strict")
_COMMAND = "massproof serve"
_HEADERS = 128 << 10  # bytes of a request's headers: 431 beyond
_PATIENCE = 30  # seconds that running jobs have to finish when the server is told to stop
_STEP = 0.05  # seconds after which a worker that has started also listens
_WATCH = 1.0  # seconds between looks at whether the parent still lives
_UNUSABLE = 3  # exit code of a process whose folder or database cannot be used, as `output.UNREADABLE`

Say = Callable[[str], None]


def said(text: str) -> None:
    """Write a line to standard output at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def folder() -> Path:
    """Where a server keeps its files when nobody names a folder: a user's own data, by the customs of the system."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData/Local")) / "massproof" / "serve"
    if sys.platform == "darwin":
        return home / "Library/Application Support/massproof/serve"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local/share") / "massproof" / "serve"


def settings_of(said: dict[str, Any]) -> Settings:
    """Settings from what JSON or the command line says; raises UsageError for names and values that are none."""
    try:
        from massproof.serving.service import Settings
    except ModuleNotFoundError as error:
        raise MissingExtra(_COMMAND, "serve") from error
    known = {field.name: str(field.type) for field in fields(Settings)}
    if wrong := sorted(set(said) - set(known)):
        msg = f"a server has no setting {wrong[0]!r}; it has: {', '.join(known)}"
        raise UsageError(msg)
    values = {name: _typed(known[name], value) for name, value in said.items()}
    return Settings(**{"folder": folder()} | values)


def _typed(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind.startswith("tuple"):
        made = (value,) if isinstance(value, (str, Path)) else tuple(value)
        return tuple(map(Path, made)) if "Path" in kind else made
    return Path(value) if kind.startswith("Path") else value


def spelled(options: dict[str, Any]) -> dict[str, Any]:
    """What the command line says, by the names of settings; raises UsageError for a size or time that is none."""
    found = {_NAMES.get(name, name): value for name, value in options.items()}
    for name, table in _AMOUNTS.items():
        if name in found:
            found[name] = amount(found[name], table)
    return {"database": "sqlite"} | found


def amount(text: str, units: Mapping[str, int]) -> int:
    """Bytes of "512 MiB", or seconds of "7 d"; raises UsageError for anything else."""
    match = re.fullmatch(r"\s*(\d{1,15})\s*([a-z]*)\s*", text.lower())
    if not match or match[2] not in units:
        msg = f"{text!r} is no number with one of {', '.join(filter(None, units))}"
        raise UsageError(msg)
    return int(match[1]) * units[match[2]]


# Options of the command line that are called otherwise than the settings that they set.
_NAMES = {
    "name": "names",
    "fault": "faults",
    "hub": "hubs",
    "keep": "keep_seconds",
    "profile": "zoo_profile",
    "inline": "zoo_inline",
}
# Modules without which some requests fail: what is missing then.
_OPTIONAL = (
    ("PIL", "render", "", "thumbnails", "drawing"),
    ("OCP", "step", '"cadquery-ocp-novtk<8"', "pictures and conversions of STEP files", "that"),
)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3}
_BYTES = {f"{k}{b}": 1000**n for k, n in _POWERS.items() for b in ("b", "")}
_BYTES |= {f"{k}ib": 1024**n for k, n in _POWERS.items() if k}
_SECONDS = {"": 1, "s": 1, "min": 60, "h": 3600, "d": 86400}
_AMOUNTS = {"upload_limit": _BYTES, "zoo_inline": _BYTES, "keep_seconds": _SECONDS}


def run(settings: Settings, announced: Callable[[Settings], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; what is said when it listens is what `announced` does.

    Raises UsageError where the settings would let anybody on the network in, InputError for a port that is taken,
    MissingExtra without Granian, and what `meant` raises.
    """
    try:
        from granian.constants import HTTPModes, Interfaces
        from granian.http import HTTP1Settings
        from granian.server import Server
    except ModuleNotFoundError as error:
        raise MissingExtra(_COMMAND, "serve") from error
    checked(settings)
    meant(settings)
    settings = replace(settings, port=free_port(settings.host, settings.port))
    worker = partial(application, settings, announced or announce, Once(), os.getpid())
    Server(
        "massproof",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,  # its header limits are not those of HTTP/2
        http1_settings=HTTP1Settings(
            header_read_timeout=int(settings.header_seconds * 1000), max_buffer_size=_HEADERS
        ),
        websockets=False,
        workers=settings.workers,
        respawn_failed_workers=True,  # one that was killed; a second time within seconds ends the server
        workers_kill_timeout=_PATIENCE,
        log_enabled=False,  # it would name no request; `observing` does
    ).serve(target_loader=worker, wrap_loader=False)


def checked(settings: Settings) -> None:
    """Raises UsageError for a server that the network reaches and that wants no token, and for workers that share
    nothing.
    """  # fmt: skip
    if not settings.token and not is_loopback(settings.host):
        msg = (
            f"on {settings.host} others on the network can reach the server, and it would ask nobody for a token: "
            "set MASSPROOF_TOKEN or --token, or serve on 127.0.0.1"
        )
        raise UsageError(msg)
    if settings.workers > 1 and not settings.database.startswith("postgres"):
        msg = (
            f"{settings.workers} worker processes need a database that they share, and {settings.database} is none: "
            "name one with --database postgresql://..., or use one worker"
        )
        raise UsageError(msg)


def meant(settings: Settings) -> None:
    """Raises before anything is served what every request would fail for.

    UnitError, UnknownMaterial, UsageError for words that mean nothing, InputError for a hub that is no folder.
    """
    from massproof import materials, units

    if settings.unit:
        units.unit(settings.unit, "length")
    if settings.material:
        materials.material(settings.material)
    if settings.density:
        units.parse(settings.density, "density")
    if settings.formats not in _FORMATS:
        msg = f"formats are {' or '.join(_FORMATS)}, not {settings.formats!r}"
        raise UsageError(msg)
    if missing := [hub for hub in settings.hubs if not hub.is_dir()]:
        msg = f"{missing[0]} is no folder, so it cannot be a hub; name one that holds folders of files"
        raise InputError(msg)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def free_port(host: str, port: int) -> int:
    """The port, or a free one for 0; raises InputError when it cannot be had.

    Granian shares ports between processes, so that a second server would take every other request of the first.
    """
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
            if os.name != "nt":  # where it would let two servers have one port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
            return int(probe.getsockname()[1])
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        msg = f"cannot serve on port {port} of {host}: {why}; name another with --port, or 0 for a free one"
        raise InputError(msg) from error


class Once:
    """What one process of a server says, and the others do not repeat: whoever gets the lock says it."""

    def __init__(self) -> None:
        self.listening, self.unusable = get_context().Lock(), get_context().Lock()


def application(
    settings: Settings, announced: Callable[[Settings], None], once: Once, parent: int
) -> ASGIApp:
    """What one process of the server runs; a folder or database that cannot be used ends it with a message."""
    from massproof import server

    try:
        return server.app(settings, partial(_listening, settings, announced, once, parent))
    except MassproofError as error:
        if once.unusable.acquire(block=False):
            sys.stderr.write(f"error: {error}\n")
        raise SystemExit(_UNUSABLE) from None


def _listening(settings: Settings, announced: Callable[[Settings], None], once: Once, parent: int) -> None:
    """Say so, once a server; and end when the parent does, which would leave the port taken."""
    loop = asyncio.get_running_loop()
    if once.listening.acquire(block=False):
        loop.call_later(_STEP, announced, settings)
    _watch(loop, parent)


def _watch(loop: asyncio.AbstractEventLoop, parent: int) -> None:
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
    else:
        loop.call_later(_WATCH, _watch, loop, parent)


def url(settings: Settings) -> str:
    """Where clients on this machine reach the server."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def announce(settings: Settings) -> None:
    """Say where the server is, and how each service's own client finds it."""
    address = url(settings)
    said(f"massproof {__version__} serves at {address} until Ctrl-C; files are kept in {settings.folder}")
    for name in dialects.SERVED:
        said(f"  {name:<12}{dialects.ADDRESSES[name].format(url=address)}")
    for line in lacking():
        said(f"  {line}")


def lacking() -> list[str]:
    """What a server here cannot do, for want of an optional dependency: a line for each, with what to install."""
    return [
        f"no {what}: {MissingExtra(why, extra, instead)}"
        for module, extra, instead, what, why in _OPTIONAL
        if find_spec(module) is None
    ]


def tell(settings: Settings) -> None:
    """Say it to a program."""
    said(json.dumps({"url": url(settings), "port": settings.port}))


def main() -> None:
    """What `massproof.testing` starts: settings are a line of JSON on standard input, whose end stops the server."""
    try:
        settings = settings_of(json.loads(sys.stdin.readline()))
        threading.Thread(target=_stop_at_the_end, args=(sys.stdin.fileno(),), daemon=True).start()
        run(settings, tell)
    except MassproofError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(_UNUSABLE) from None


def _stop_at_the_end(stream: int) -> None:
    while os.read(stream, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def as_json(settings: dict[str, Any]) -> str:
    """Settings as `main` reads them."""
    return json.dumps(settings, default=str)
