"""Published clients of Model Derivative, storage and tokens against a server, where they are installed.

MASSPROOF_CLIENTS is a folder with npm/ (npm install @aps_sdk/authentication@1.0.1 @aps_sdk/oss@1.3.3
@aps_sdk/model-derivative@1.2.1 @aps_sdk/autodesk-sdkmanager@1.0.1 aps-sdk-node@10.0.1). Without it nothing here runs.
"""

import os
import subprocess
from pathlib import Path

import pytest

from massproof.testing import server

HOME = Path(os.environ.get("MASSPROOF_CLIENTS", "absent")) / "npm"
SCRIPTS = Path(__file__).parent / "clients/derivative"


@pytest.mark.parametrize("name", ["box.stl", "assembly.step", "torus.obj"])
@pytest.mark.parametrize(
    ("package", "script"), [("@aps_sdk", "official.mjs"), ("aps-sdk-node", "unofficial.cjs")]
)
def test_a_client_that_knows_nothing_of_us(data, package, script, name):
    if not (HOME / "node_modules" / package).is_dir():
        pytest.skip(f"no client at {HOME}/node_modules/{package}: set MASSPROOF_CLIENTS")
    with server(database="sqlite", material="steel") as served:
        done = subprocess.run(
            ["node", SCRIPTS / script, data / name, HOME], env={**os.environ, "HOST": served.url}, capture_output=True, text=True, timeout=300, check=False
        )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout
