"""What `massproof.measure` says of the files that the other clients send, as JSON: EXPECTED for them.

python tests/clients/zoo/expected.py > expected.json
"""

import json
from pathlib import Path

import massproof as mp

DATA = Path(__file__).resolve().parents[3] / "data"
FILES = {"stl": "bracket.stl", "obj": "torus.obj", "step": "bracket.step"}


def of(kind, name):
    result = mp.measure(DATA / name, unit=None if kind == "step" else "mm", density="2700 kg/m^3")
    box = result.bounding_box
    return {
        "path": str(DATA / name),
        "volume": result.volume.to("cm^3").value,
        "surface_area": result.area.to("mm^2").value,
        "mass": result.mass.to("g").value,
        "density": result.density.to("kg/m^3").value,
        "center_of_mass": dict(zip("xyz", result.center_of_mass.to("mm"), strict=True)),
        "center": {
            k: (q.to("mm").value + p.to("mm").value) / 2
            for k, q, p in zip("xyz", box.min, box.max, strict=True)
        },
        "dimensions": {
            k: q.to("mm").value for k, q in zip("xyz", (box.length, box.width, box.height), strict=True)
        },
    }


if __name__ == "__main__":
    print(json.dumps({kind: of(kind, name) for kind, name in FILES.items()}))
