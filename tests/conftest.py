import functools
import json
import os
from pathlib import Path

import pytest
import starlette.testclient
from hypothesis import HealthCheck, Phase, settings

# The first example of a test may pay for compiling a kernel, so no per-example deadline.
settings.register_profile(
    "default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
# A planted mistake need only be noticed, not explained.
settings.register_profile(
    "mutants",
    settings.get_profile("default"),
    max_examples=12,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
)
# What lets a change in or keeps it out must answer the same way twice: a branch that only a lucky example takes would
# make the coverage gate a lottery. `make check` asks for this; `make test` keeps looking for new examples.
settings.register_profile("gate", settings.get_profile("default"), derandomize=True)
settings.load_profile(os.environ.get("MASSPROOF_EXAMPLES", "default"))

# The server answers to its own address only, and the default of Starlette's client is the name "testserver".
_CLIENT = starlette.testclient.TestClient
_CLIENT.__init__ = functools.partialmethod(_CLIENT.__init__, base_url="http://127.0.0.1")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def data():
    """The folder of sample files that the project ships."""
    return ROOT / "data"


@pytest.fixture
def here(monkeypatch):
    """Ask Open CASCADE in this process, where coverage is taken; its answers go through JSON all the same."""

    from massproof import answering, isolation

    def asked(function, data, *limits, **arguments):
        request = {"function": function, "arguments": json.loads(json.dumps(arguments))}
        answer, numbers = isolation.answered(request, bytes(data))
        return answering.understood(json.dumps(answer).encode(), isolation.DEFAULT), numbers

    monkeypatch.setattr(isolation, "call_for_bytes", asked)


@pytest.fixture(scope="session")
def server_of_postgresql():
    """The address of a PostgreSQL that these tests started, with a database "ours" that has our tables."""
    import postgresql

    if reason := postgresql.available():
        pytest.skip(reason)
    with postgresql.cluster() as address:
        from massproof.operations.databases import Database
        from massproof.operations.durable import Durable
        from massproof.operations.sql_records import InDatabase

        made = Database(postgresql.created(address, "ours"))
        InDatabase(made)
        Durable(lambda job: None, made, threads=0).close()
        yield address


@pytest.fixture
def of_postgresql(server_of_postgresql):
    """The address of a database that holds nothing, and is for one test at a time."""
    import postgresql

    return postgresql.emptied(f"{server_of_postgresql}/ours")
