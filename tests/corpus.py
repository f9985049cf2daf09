"""Adapter from massproof to the corpus of real files: one JSON object a line, as its scorer reads them.

    python tests/corpus.py truth.json > results.jsonl

Numbers are in the unit of the file (STEP: millimetres), inertia is of unit density. A warning is a finding
about the geometry; what the adapter itself decides (unit, density) is given and so is none.
"""

import json
import sys
from pathlib import Path

import massproof as mp
from massproof import units

TOLD = {"unit-declared"}  # the adapter gives a unit to every file


def answer(path, record):
    """What massproof says about one file, in the form of the scorer."""
    brep = record["kind"] == "brep"
    try:
        r = mp.measure(path, unit="m", density="1 kg/m^3")
    except mp.MassproofError as error:
        return {
            "file": record["file"],
            "status": "error",
            "error_type": type(error).__name__,
            "message": str(error),
        }
    length = "mm" if brep else "m" if r.source.unit == "m" else r.source.unit
    k = float(1 / units.unit(length).factor)
    box = r.bounding_box
    return {
        "file": record["file"],
        "status": "ok",
        "verdict": r.verdict.value,
        "warnings": [f.code for f in r.findings if f.code not in TOLD],
        "area": r.area.value * k**2,
        "volume": r.volume and r.volume.value * k**3,
        "volume_interval": r.volume and [x * k**3 for x in r.volume.interval],
        "centroid": r.center_of_mass and [q.value * k for q in r.center_of_mass],
        "inertia": r.inertia and [[x * k**5 for x in row] for row in r.inertia.matrix()],
        "bbox": [[q.value * k for q in corner] for corner in (box.min, box.max)],
        "watertight": r.volume is not None,
    }


def main():
    truth = Path(sys.argv[1])
    for record in json.loads(truth.read_text())["files"]:
        print(json.dumps(answer(truth.parent / record["file"], record)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
