"""A PostgreSQL of our own for tests, on a free port of this machine, without a password and without care for disks."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CARELESS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
_SMALL = {
    "shared_buffers": "16MB",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
    "logging_collector": "off",
}


def programs() -> Path | None:
    """The folder of initdb and postgres, None where there are none."""
    found = shutil.which("initdb")
    places = [*([Path(found).resolve().parent] if found else []), *Path("/usr/lib/postgresql").glob("*/bin")]
    return next(
        (place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None
    )


def _unprivileged() -> list[str]:
    """What runs a command as somebody else than root, whom PostgreSQL does not serve."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


def available() -> str:
    """Why there is none; "" where there is one."""
    if programs() is None:
        return "no PostgreSQL is installed here: neither initdb on PATH, nor /usr/lib/postgresql"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "PostgreSQL does not run as root, and there is no setpriv to be another"
    return ""


@contextmanager
def cluster(careful: bool = False) -> Iterator[str]:
    """The address of a running server, postgresql://postgres@127.0.0.1:<port>; careful : it syncs what it commits."""
    place = programs()
    assert place is not None
    folder = Path(tempfile.mkdtemp(prefix="massproof-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
    plain = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(
        [*_unprivileged(), place / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8"],
        check=True, capture_output=True, env=plain, timeout=60,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = _SMALL if careful else _SMALL | _CARELESS
    settings = [part for name, value in told.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*_unprivileged(), place / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder, *settings],
            stdout=log, stderr=log, env=plain,
        )  # fmt: skip
    try:
        _reached(port, server)
        yield f"postgresql://postgres@127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGQUIT)  # at once: nothing of it is needed any more
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _reached(port: int, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    until = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
        except psycopg.OperationalError:
            assert server.poll() is None and time.monotonic() < until
            time.sleep(0.02)
        else:
            return


def created(address: str, name: str) -> str:
    """The address of a new database on a server."""
    import psycopg

    with psycopg.connect(f"{address}/postgres", autocommit=True) as session:
        session.execute(f'CREATE DATABASE "{name}"')
    return f"{address}/{name}"


def emptied(address: str) -> str:
    """A database with all of its tables empty, but what says which they are; nobody is connected to it any more."""
    import psycopg

    with psycopg.connect(address, autocommit=True) as session:
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        tables = session.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables "
            "WHERE schemaname IN ('public', 'dbos') AND tablename <> 'dbos_migrations'"
        ).fetchall()
        session.execute(f"TRUNCATE {', '.join(name for (name,) in tables)}")
    return address
