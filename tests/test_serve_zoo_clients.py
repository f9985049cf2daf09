"""The vendor's own clients, as they are published, against a server: tests/clients/zoo, where they are installed.

MASSPROOF_CLIENTS is a folder with npm/ (npm install @kittycad/lib@4.5.2), py126/ (pip install --target, kittycad==1.2.6)
and mcp/ (a virtual environment with zoo-mcp==0.28.14). Without it nothing here runs; `kittycad` itself is asked in
test_serve_zoo_calls.py.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from massproof.testing import server

HOME = Path(os.environ.get("MASSPROOF_CLIENTS", "absent"))
SCRIPTS = Path(__file__).parent / "clients/zoo"
CASES = {
    "kittycad": ("", [sys.executable, "python_client.py"], {}),
    "kittycad 1.2.6": ("py126", [sys.executable, "python_client.py"], {"PYTHONPATH": "py126", "ZOO_UP": "y"}),
    "@kittycad/lib": ("npm", ["node", "lib_client.mjs"], {"LIB": "npm"}),
    "zoo-mcp": ("mcp", ["mcp/bin/python", "mcp_client.py", "mcp/bin/zoo-mcp"], {}),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("later", [False, True])
def test_a_client_that_knows_nothing_of_us(name, later, tmp_path):
    folder, (program, script, *rest), told = CASES[name]
    if not (HOME / folder).is_dir():
        pytest.skip(f"no client at {HOME / folder}: set MASSPROOF_CLIENTS")
    if later and name == "zoo-mcp":
        pytest.skip(
            "zoo-mcp 0.28.14 fails at any answer that is not complete: 'str' object has no attribute 'value'"
        )
    own = {key: str(HOME / value) if (HOME / value).exists() else value for key, value in told.items()}
    own["PYTHONPATH"] = os.pathsep.join(filter(None, (own.get("PYTHONPATH"), os.environ.get("PYTHONPATH"))))
    expected = tmp_path / "expected.json"
    expected.write_text(run([sys.executable, SCRIPTS / "expected.py"], {}))
    profile = "zoo-2026-04" if "ZOO_UP" in told else ""
    with server(force_async=later, zoo_profile=profile) as served:
        program = str(HOME / program) if (HOME / program).exists() else program
        rest = [str(HOME / one) for one in rest]
        said = run(
            [program, SCRIPTS / script, *rest], {**own, "ZOO_HOST": served.url, "EXPECTED": str(expected)}
        )

    assert "WRONG" not in said
    assert said.strip().endswith("are as they should be")


def run(command, told):
    done = subprocess.run(
        [str(one) for one in command], env={**os.environ, **told}, capture_output=True, text=True, timeout=300, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
