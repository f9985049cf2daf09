"""Write the sample files and `truth.json`, then check each file: python data/make.py.

Needs numpy and CadQuery (`pip install massproof[step]`). Two runs with one CadQuery write the same
bytes. Lengths are millimetres here and metres in `truth.json`.

Closed forms are rational arithmetic with π and √3 to 50 digits, rounded once at the end; the value
of a mesh is the exact rational sum over its stored coordinates. Tetrahedron moments: as in Tonon,
Explicit Exact Formulas for the 3-D Tetrahedron Inertia Tensor, J. Math. Stat. 1 (2004), 8-11.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import cadquery as cq
import numpy as np
from OCP.BRepGProp import BRepGProp
from OCP.GProp import GProp_GProps
from OCP.Interface import Interface_Static
from OCP.STEPCAFControl import STEPCAFControl_Writer
from OCP.STEPControl import STEPControl_AsIs, STEPControl_Reader
from OCP.TCollection import TCollection_ExtendedString
from OCP.TDataStd import TDataStd_Name
from OCP.TDF import TDF_Label
from OCP.TDocStd import TDocStd_Document
from OCP.XCAFApp import XCAFApp_Application
from OCP.XCAFDoc import XCAFDoc_DocumentTool, XCAFDoc_ShapeTool

HERE = Path(__file__).parent
PI = Fraction("3.14159265358979323846264338327950288419716939937510")
SQRT3 = Fraction("1.73205080756887729352744634150587236694280525381038")
DIGITS = Context(prec=40)
MM = Fraction(1, 1000)
INCH = Fraction(254, 10)  # in mm

Vector = Sequence[Fraction]


class Truth(NamedTuple):
    """True values in mm, mm², mm³ and, for the inertia over density, mm⁵."""

    area: Fraction
    volume: Fraction  # the signed sum, when this is a mesh
    centre: tuple[Fraction, ...]
    inertia: tuple[tuple[Fraction, ...], ...] | None = None  # about the centre, divided by density


def total(bodies: Iterable[Truth]) -> Truth:
    """The sum of bodies and features; a feature may take away, a negative volume is a cut."""
    bodies = list(bodies)
    volume = sum((b.volume for b in bodies), Fraction(0))
    first = [sum((b.volume * b.centre[k] for b in bodies), Fraction(0)) for k in range(3)]
    area = sum((b.area for b in bodies), Fraction(0))
    return Truth(area, volume, tuple(m / volume for m in first))


def solid(area: Any, volume: Any, *centre: Any) -> Truth:
    """A body or feature with its centre of mass."""
    return Truth(Fraction(area), Fraction(volume), tuple(map(Fraction, centre)))


def diagonal(*moments: Fraction) -> tuple[tuple[Fraction, ...], ...]:
    """A diagonal tensor."""
    return tuple(tuple(m if i == k else Fraction(0) for k in range(3)) for i, m in enumerate(moments))


# --- closed forms -----------------------------------------------------------------------------

T, LENGTH, WIDTH, HEIGHT = 6, 80, 60, 50  # of the bracket: thickness, then along x, y, z
FILLET, CORNER = 8, 10
BORES = ((62, 15), (62, 45))  # x, y; each through with a counterbore from above
BORE, COUNTERBORE, DEPTH = Fraction("6.6"), 11, 3  # diameters and depth
PIN = (32, 12, 5)  # x, y, diameter; off the plane of symmetry, so that y counts too
WINDOW = (38, 32, 16)
WALL_HOLES = ((15, 30), (45, 30))  # y, z
WALL_HOLE = 9


def bracket() -> Truth:
    """Two plates that share an edge, a fillet, four rounded corners, six holes."""
    gap = 1 - PI / 4  # between a unit square and the quarter disc in it
    reach = 1 / (6 * gap)  # from the disc's centre to the gap's centre of mass, along x and along y
    f, c = FILLET, CORNER
    profile = T * LENGTH + T * (HEIGHT - T) + gap * f**2
    outline = 2 * LENGTH + 2 * HEIGHT - 2 * f + PI / 2 * f
    foot = T + f - reach * f
    middle = Fraction(WIDTH, 2)
    features = [
        solid(
            2 * profile + WIDTH * outline,
            T * LENGTH * WIDTH,
            Fraction(LENGTH, 2),
            middle,
            Fraction(T, 2),
        ),
        solid(0, T * (HEIGHT - T) * WIDTH, Fraction(T, 2), middle, Fraction(HEIGHT + T, 2)),
        solid(0, gap * f**2 * WIDTH, foot, middle, foot),
    ]
    round_area = -2 * gap * c**2 + (PI / 2 * c - 2 * c) * T
    for y in (c - reach * c, WIDTH - c + reach * c):
        cut = -gap * c**2 * T
        features.append(solid(round_area, cut, LENGTH - c + reach * c, y, Fraction(T, 2)))
        features.append(solid(round_area, cut, Fraction(T, 2), y, HEIGHT - c + reach * c))
    features += [hole(BORE, x, y, Fraction(T, 2)) for x, y in BORES]
    ring = PI / 4 * (COUNTERBORE**2 - BORE**2)
    side = PI * (COUNTERBORE - BORE) * DEPTH  # the shoulder replaces the ring that it took from the top
    features += [solid(side, -ring * DEPTH, x, y, T - Fraction(DEPTH, 2)) for x, y in BORES]
    features += [hole(d, x, y, Fraction(T, 2)) for x, y, d in (PIN, WINDOW)]
    features += [hole(WALL_HOLE, Fraction(T, 2), y, z) for y, z in WALL_HOLES]
    return total(features)


def hole(diameter: Any, *centre: Any) -> Truth:
    """A hole straight through the thickness T: its wall comes, its two discs go."""
    disc = PI / 4 * Fraction(diameter) ** 2
    return solid(PI * diameter * T - 2 * disc, -disc * T, *centre)


PLATE = (60, 40, 5)  # of the assembly
SHANK, REACH = 5, 16  # diameter, length of the bolt
FLATS, HEAD = 8, Fraction("3.5")  # width across flats, height of its head
CLEARANCE, TUBE, TUBE_LENGTH = Fraction("5.5"), 10, 6
HOLES = ((22, 12), (-18, -14), (22, -12), (-22, 12))  # no symmetry, so each place counts
PLACE, TILT = (100, 50, 25), 30  # of the carrier; the tilt is in degrees about x


def assembly() -> Truth:
    """A plate, four bolts (two from above, two from below), two spacers, then tilted and moved."""
    a, b, t = PLATE
    disc, bore = PI / 4 * SHANK**2, PI / 4 * CLEARANCE**2
    hexagon = SQRT3 / 2 * FLATS**2
    wall = PI * CLEARANCE * t - 2 * bore  # of a hole, less its two discs
    bodies = [solid(2 * (a * b + b * t + t * a), a * b * t, 0, 0, Fraction(t, 2))]
    bodies += [solid(wall, -bore * t, x, y, Fraction(t, 2)) for x, y in HOLES]
    for (x, y), up, seat in zip(HOLES, (1, 1, -1, -1), (t, t, 0, 0), strict=True):
        head = 2 * hexagon + 2 * SQRT3 * FLATS * HEAD
        bodies.append(solid(head, hexagon * HEAD, x, y, seat + up * HEAD / 2))
        bodies.append(solid(PI * SHANK * REACH, disc * REACH, x, y, seat - up * REACH / 2))
    ring = PI / 4 * (TUBE**2 - CLEARANCE**2)
    tube = 2 * ring + PI * (TUBE + CLEARANCE) * TUBE_LENGTH
    bodies += [solid(tube, ring * TUBE_LENGTH, x, y, -Fraction(TUBE_LENGTH, 2)) for x, y in HOLES[:2]]
    flat = total(bodies)
    x, y, z = flat.centre
    cos, sin = SQRT3 / 2, Fraction(1, 2)  # of TILT
    tilted = (x, cos * y - sin * z, sin * y + cos * z)
    return flat._replace(centre=tuple(p + q for p, q in zip(tilted, PLACE, strict=True)))


RADIUS, CENTRE = 10, (10, 20, 30)
RING, PIPE = 20, 5


def sphere() -> Truth:
    """A = 4πr², V = 4πr³/3, I/ρ = 2Vr²/5."""
    volume = 4 * PI * RADIUS**3 / 3
    inertia = diagonal(*[2 * volume * RADIUS**2 / 5] * 3)
    return solid(4 * PI * RADIUS**2, volume, *CENTRE)._replace(inertia=inertia)


def torus() -> Truth:
    """A = 4π²Rr, V = 2π²Rr², I/ρ = V(R² + 3r²/4) about the axis, V(R²/2 + 5r²/8) across it."""
    volume = 2 * PI**2 * RING * PIPE**2
    across = volume * (Fraction(RING**2, 2) + Fraction(5 * PIPE**2, 8))
    inertia = diagonal(across, across, volume * (RING**2 + Fraction(3 * PIPE**2, 4)))
    return solid(4 * PI**2 * RING * PIPE, volume, 0, 0, 0)._replace(inertia=inertia)


def box(a: Any, b: Any, c: Any, *centre: Any) -> Truth:
    """I/ρ = V(b² + c²)/12 about the axis along a, and so on."""
    volume = Fraction(a * b * c)
    inertia = diagonal(*(volume * (p * p + q * q) / 12 for p, q in ((b, c), (c, a), (a, b))))
    return solid(2 * (a * b + b * c + c * a), volume, *centre)._replace(inertia=inertia)


# --- STEP -------------------------------------------------------------------------------------


def bracket_shape() -> cq.Shape:
    """The bracket with the corner of its L at the origin."""
    plates = cq.Workplane().box(LENGTH, WIDTH, T, centered=False)
    plates = plates.union(cq.Workplane().box(T, WIDTH, HEIGHT, centered=False))
    inner = cq.selectors.BoxSelector((T - 1, -1, T - 1), (T + 1, WIDTH + 1, T + 1))
    rounded = plates.edges(inner).fillet(FILLET)
    rounded = rounded.edges("|Z and >X").fillet(CORNER).edges("|X and >Z").fillet(CORNER)
    holes = [cylinder(BORE, T, (x, y, 0)) for x, y in BORES]
    holes += [cylinder(COUNTERBORE, DEPTH, (x, y, T - DEPTH)) for x, y in BORES]
    holes += [cylinder(d, T, (x, y, 0)) for x, y, d in (PIN, WINDOW)]
    holes += [cylinder(WALL_HOLE, T, (0, y, z), (1, 0, 0)) for y, z in WALL_HOLES]
    return rounded.val().cut(*holes)


def cylinder(diameter: Any, length: Any, foot: Sequence[Any], axis: Sequence[Any] = (0, 0, 1)) -> cq.Solid:
    """A cylinder from the middle of its foot along `axis`."""
    return cq.Solid.makeCylinder(
        float(diameter) / 2, float(length), cq.Vector(*map(float, foot)), cq.Vector(*axis)
    )


def single(shape: cq.Shape, name: str) -> Callable[[XCAFDoc_ShapeTool], None]:
    """What puts one part called `name` into a document."""

    def fill(tool: XCAFDoc_ShapeTool) -> None:
        named(tool.AddShape(shape.wrapped, False), name)

    return fill


def carrier(tool: XCAFDoc_ShapeTool) -> None:
    """Four definitions, one of them an assembly itself, and their placed instances."""
    a, b, t = PLATE
    holes = [cylinder(CLEARANCE, t, (x, y, 0)) for x, y in HOLES]
    plate = cq.Workplane().box(a, b, t, centered=(True, True, False)).val().cut(*holes)
    corners = 2 * FLATS / math.sqrt(3)
    head = cq.Workplane().polygon(6, corners).extrude(float(HEAD)).val()
    bolt = head.fuse(cylinder(SHANK, REACH, (0, 0, -REACH)))
    tube = cylinder(TUBE, TUBE_LENGTH, (0, 0, 0)).cut(cylinder(CLEARANCE, TUBE_LENGTH, (0, 0, 0)))
    parts = {"plate": plate, "bolt": bolt, "spacer": tube}
    parts = {k: named(tool.AddShape(v.Solids()[0].wrapped, False), k) for k, v in parts.items()}

    standoff, whole, top = (named(tool.NewShape(), k) for k in ("standoff", "carrier", "assembly"))

    def place(into: TDF_Label, part: TDF_Label, name: str, location: cq.Location) -> None:
        named(tool.AddComponent(into, part, location.wrapped), name)

    place(standoff, parts["bolt"], "bolt", cq.Location())
    place(standoff, parts["spacer"], "spacer", cq.Location(0, 0, -t - TUBE_LENGTH))
    place(whole, parts["plate"], "plate", cq.Location())
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = HOLES
    place(whole, standoff, "standoff 1", cq.Location(x1, y1, t))
    place(whole, standoff, "standoff 2", cq.Location(x2, y2, t, 0, 0, 20))
    place(whole, parts["bolt"], "bolt 3", cq.Location(x3, y3, 0, 180, 0, 0))
    place(whole, parts["bolt"], "bolt 4", cq.Location(x4, y4, 0, 180, 0, 45))
    place(top, whole, "carrier", cq.Location(*PLACE, TILT, 0, 0))
    tool.UpdateAssemblies()


def named(label: TDF_Label, name: str) -> TDF_Label:
    """`label`, after giving it that name."""
    TDataStd_Name.Set_s(label, TCollection_ExtendedString(name))
    return label


def write_step(name: str, fill: Callable[[XCAFDoc_ShapeTool], None], unit: str = "MM") -> None:
    """Write what `fill` puts into a document, with a header that does not change between runs."""
    document = TDocStd_Document(TCollection_ExtendedString("XmlXCAF"))
    XCAFApp_Application.GetApplication_s().InitDocument(document)
    XCAFDoc_ShapeTool.SetAutoNaming_s(False)
    fill(XCAFDoc_DocumentTool.ShapeTool_s(document.Main()))
    writer = STEPCAFControl_Writer()  # it must exist before its settings do
    Interface_Static.SetCVal_s("xstep.cascade.unit", "MM")
    Interface_Static.SetCVal_s("write.step.unit", unit)
    writer.Transfer(document, STEPControl_AsIs)
    writer.Write(str(HERE / name))
    text = (HERE / name).read_text()
    fixed = f"FILE_NAME('{name}','2026-01-01T00:00:00',(''),(''),'','massproof sample data','');"
    text, found = re.subn(r"FILE_NAME\(.*?\);", fixed, text, count=1, flags=re.DOTALL)
    if not found:
        msg = f"{name} has no FILE_NAME in its header; this script expects one to replace"
        raise RuntimeError(msg)
    (HERE / name).write_text(text, newline="\n")


def write_stated(name: str, source: str) -> None:
    """Another file with what its exporter might state of it: an area with a wrong label among what is right."""
    text = (HERE / source).read_text().replace(f"'{source}'", f"'{name}'")
    product, length, context = (
        re.search(pattern, text, re.DOTALL)[1]  # type: ignore[index]
        for pattern in (
            r"#(\d+) = PRODUCT_DEFINITION\(",
            r"#(\d+) = \( LENGTH_UNIT\(\) NAMED_UNIT\(\*\) SI_UNIT\(\.MILLI",
            r"#(\d+) = \( GEOMETRIC_REPRESENTATION_CONTEXT\(3\)",
        )
    )
    lines: list[str] = []
    first = max(map(int, re.findall(r"^#(\d+) =", text, re.MULTILINE))) + 1

    def add(line: str) -> str:
        lines.append(f"#{first + len(lines)} = {line};\n")
        return f"#{first + len(lines) - 1}"

    def unit(*powers: tuple[str, int]) -> str:
        elements = [add(f"DERIVED_UNIT_ELEMENT({base},{power}.)") for base, power in powers]
        return add(f"DERIVED_UNIT(({','.join(elements)}))")

    def state(title: str, item: str, kind: str = "geometric validation property") -> None:
        shown = add(f"REPRESENTATION('{title}',({item}),#{context})")
        definition = add(f"PROPERTY_DEFINITION('{kind}','{title}',#{product})")
        add(f"PROPERTY_DEFINITION_REPRESENTATION({definition},{shown})")

    def measure(title: str, value: str, label: str) -> str:
        return add(f"MEASURE_REPRESENTATION_ITEM('{title} measure',{value},{label})")

    metre = add("( LENGTH_UNIT() NAMED_UNIT(*) SI_UNIT($,.METRE.) )")
    kilogram = add("( MASS_UNIT() NAMED_UNIT(*) SI_UNIT(.KILO.,.GRAM.) )")
    area, volume = f"AREA_MEASURE({float(torus().area):.9f})", f"VOLUME_MEASURE({float(torus().volume):.9f})"
    state("volume", measure("volume", volume, unit((f"#{length}", 3))))
    state("surface area", measure("surface area", area, unit((metre, 2))))
    state("centroid", add("CARTESIAN_POINT('centre point',(0.,0.,0.))"))
    density = measure("density", "POSITIVE_RATIO_MEASURE(7850.)", unit((kilogram, 1), (metre, -3)))
    state("density", density, "material property")
    steel = add("DESCRIPTIVE_REPRESENTATION_ITEM('Steel','Steel')")
    state("material name", steel, "material property")
    (HERE / name).write_text(
        text.replace("ENDSEC;\nEND-ISO", "".join(lines) + "ENDSEC;\nEND-ISO"), newline="\n"
    )


def measure_step(path: Path) -> Truth:
    """What OCCT integrates from the file, with a requested relative error of 1e-12."""
    reader = STEPControl_Reader()
    reader.ReadFile(str(path))
    reader.TransferRoots()
    shape = reader.OneShape()
    surface, volume = GProp_GProps(), GProp_GProps()
    BRepGProp.SurfaceProperties_s(shape, surface, 1e-12)
    BRepGProp.VolumeProperties_s(shape, volume, 1e-12, True)
    p = volume.CentreOfMass()
    return solid(surface.Mass(), volume.Mass(), p.X(), p.Y(), p.Z())


# --- meshes -----------------------------------------------------------------------------------

# Corner k of the box has bits x y z; each side is one quad, counter-clockwise seen from outside.
SIDES = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
MISSING = ((0, 1, 3), (0, 5, 1))  # two triangles, one of −x and one of −y, that meet at an edge


def corners(low: Sequence[float], high: Sequence[float]) -> np.ndarray:
    """The 8 corners of a box, in the order that SIDES counts them."""
    return np.array(list(product(*zip(low, high, strict=True))))


def fans(polygons: Iterable[Sequence[int]]) -> np.ndarray:
    """Each polygon cut into triangles from its first corner."""
    return np.array([(p[0], p[k], p[k + 1]) for p in polygons for k in range(1, len(p) - 1)])


def icosphere(subdivisions: int) -> np.ndarray:
    """Corners (F, 3, 3) of an icosahedron, each triangle cut into four `subdivisions` times.

    Square roots and divisions only, so the result does not depend on the machine's sine.
    """
    g = (1 + math.sqrt(5)) / 2
    points = [
        p[k:] + p[:k] for k in range(3) for p in ([0.0, i, j * g] for i in (-1.0, 1.0) for j in (-1.0, 1.0))
    ]
    ring = [(a, b, c) for a in range(12) for b in range(a) for c in range(b)]
    near = [t for t in ring if all(math.dist(points[i], points[j]) < 2.1 for i, j in pairs(t))]
    triangles = np.array([[points[i] for i in t] for t in near])
    inward = np.linalg.det(triangles) < 0
    triangles[inward] = triangles[inward, ::-1]
    for _ in range(subdivisions):
        a, b, c = (triangles[:, k] for k in range(3))
        ab, bc, ca = (a + b) / 2, (b + c) / 2, (c + a) / 2
        parts = ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))
        triangles = np.concatenate([np.stack(p, axis=1) for p in parts])
        triangles /= np.linalg.norm(triangles, axis=2, keepdims=True)
    return triangles / np.linalg.norm(triangles, axis=2, keepdims=True)


def pairs(t: Sequence[Any]) -> list[tuple[Any, Any]]:
    """The three directed edges of a triangle."""
    return [(t[0], t[1]), (t[1], t[2]), (t[2], t[0])]


def torus_grid(around: int, across: int) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Vertices on the torus and quads between them."""
    u, v = (2 * np.pi / n * np.arange(n) for n in (around, across))
    distance = RING + PIPE * np.cos(v)
    grid = [np.outer(np.cos(u), distance), np.outer(np.sin(u), distance)]
    vertices = np.stack([*grid, np.tile(PIPE * np.sin(v), (around, 1))], axis=2).reshape(-1, 3)
    quads = []
    for i, j in product(range(around), range(across)):
        p, q = i * across, (i + 1) % around * across
        k = (j + 1) % across
        quads.append((p + j, q + j, q + k, p + k))
    return vertices, quads


def write_stl(name: str, triangles: np.ndarray) -> None:
    """Write binary STL: 80 bytes of text, a count, then normal and corners of each triangle."""
    triangles = np.asarray(triangles, np.float32)
    records = np.zeros(len(triangles), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("", "<u2")])
    records["normal"] = normals(triangles)
    records["corners"] = triangles
    head = b"binary STL, massproof sample data".ljust(80)
    (HERE / name).write_bytes(head + struct.pack("<I", len(triangles)) + records.tobytes())


def normals(triangles: np.ndarray) -> np.ndarray:
    """Unit normals by the right-hand rule."""
    a, b, c = (triangles[:, k].astype(float) for k in range(3))
    n = np.cross(b - a, c - a)
    return n / np.linalg.norm(n, axis=1, keepdims=True)


def write_ascii_stl(name: str, triangles: np.ndarray) -> None:
    """Write ASCII STL."""
    lines = ["solid box"]
    for n, t in zip(normals(triangles) + 0.0, triangles, strict=True):
        lines += ["  facet normal {} {} {}".format(*n.tolist()), "    outer loop"]
        lines += ["      vertex {} {} {}".format(*p.tolist()) for p in t]
        lines += ["    endloop", "  endfacet"]
    text = "\n".join([*lines, "endsolid box", ""])
    (HERE / name).write_text(text, newline="\n")


def write_obj(name: str, vertices: np.ndarray, polygons: Iterable[Sequence[int]]) -> None:
    """Write OBJ with six decimals, as most exporters do."""
    lines = [f"# massproof sample data, {name}: OBJ has no unit, read it as millimetres"]
    lines += ["v {:.6f} {:.6f} {:.6f}".format(*(np.round(p, 6) + 0.0)) for p in vertices]
    lines += ["f " + " ".join(str(i + 1) for i in p) for p in polygons]
    (HERE / name).write_text("\n".join([*lines, ""]), newline="\n")


def read_mesh(path: Path) -> np.ndarray:
    """Corners (F, 3, 3) as the file stores them; polygons are cut from their first corner."""
    if path.suffix == ".obj":
        words = [line.split() for line in path.read_text().splitlines()]
        vertices = np.array([[float(x) for x in w[1:]] for w in words if w[0] == "v"])
        return vertices[fans([[int(i) - 1 for i in w[1:]] for w in words if w[0] == "f"])]
    content = path.read_bytes()
    if content.startswith(b"solid"):
        found = re.findall(r"vertex (\S+) (\S+) (\S+)", content.decode())
        return np.array(found, float).reshape(-1, 3, 3)
    records = np.frombuffer(content, "V12, (3,3)<f4, V2", offset=84)
    return records["f1"].astype(float)


def measure_mesh(triangles: np.ndarray) -> Truth:
    """Exact sums; the area, a sum of roots, to 40 digits. The centre is a lie for an open mesh.

    With d = a·(b×c) and s = a + b + c of the tetrahedron (0, a, b, c):

        ∫1 = d/6    ∫x = d sx/24    ∫xy = d (sx sy + ax ay + bx by + cx cy)/120
    """
    volume, area = Fraction(0), Decimal(0)
    first = [Fraction(0)] * 3
    second = [[Fraction(0)] * 3 for _ in range(3)]
    for t in triangles.tolist():
        a, b, c = ([Fraction(x) for x in p] for p in t)
        n = cross(minus(b, a), minus(c, a))
        area = DIGITS.add(area, root(sum(x * x for x in n)) / 2)
        d = sum(p * q for p, q in zip(a, cross(b, c), strict=True))
        s = [sum(x) for x in zip(a, b, c, strict=True)]
        volume += d / 6
        for i in range(3):
            first[i] += d * s[i] / 24
            for k in range(3):
                second[i][k] += d * (s[i] * s[k] + a[i] * a[k] + b[i] * b[k] + c[i] * c[k]) / 120
    if not volume:
        return Truth(Fraction(area), volume, (), None)
    centre = tuple(m / volume for m in first)
    return Truth(Fraction(area), volume, centre, inertia(volume, centre, second))


def inertia(volume: Fraction, centre: Vector, second: Sequence[Vector]) -> tuple[tuple[Fraction, ...], ...]:
    """I/ρ = tr(M) 1 − M with M the second moment about the centre."""
    m = [[second[i][k] - volume * centre[i] * centre[k] for k in range(3)] for i in range(3)]
    trace = m[0][0] + m[1][1] + m[2][2]
    return tuple(tuple((trace if i == k else 0) - m[i][k] for k in range(3)) for i in range(3))


def minus(a: Vector, b: Vector) -> list[Fraction]:
    """a − b."""
    return [p - q for p, q in zip(a, b, strict=True)]


def cross(a: Vector, b: Vector) -> list[Fraction]:
    """a × b."""
    return [a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)]


def root(x: Fraction) -> Decimal:
    """√x to 40 digits."""
    return DIGITS.sqrt(DIGITS.divide(Decimal(x.numerator), Decimal(x.denominator)))


def is_closed(triangles: np.ndarray) -> bool:
    """Whether each edge is used once in each direction."""
    edges = Counter(e for t in triangles.tolist() for e in pairs([tuple(p) for p in t]))
    return all(edges[a, b] == 1 == edges[b, a] for a, b in edges)


# --- the files --------------------------------------------------------------------------------


class Sample(NamedTuple):
    """A file and what is known about it."""

    ideal: Truth  # of the solid that the file stands for
    form: str  # the closed form, for a reader
    unit: str = "mm"
    curved: bool = False  # a mesh of a curved solid: its own values differ from the solid's
    union: bool = False  # bodies overlap: the sum over the triangles is not the volume


BOX = box(1, 2, 3, 0, 0, 0)
TWO_CUBES = Truth(
    Fraction(8), Fraction(3, 2), (Fraction(3, 4), Fraction(1, 2), Fraction(1, 2))
)  # their union is a box of 1.5 × 1 × 1
SAMPLES = {
    "bracket.step": Sample(bracket(), "plates + fillet − corners − cylinders"),
    "bracket.stl": Sample(bracket(), "plates + fillet − corners − cylinders", curved=True),
    "assembly.step": Sample(assembly(), "plate, hexagon prisms, cylinders, tubes"),
    "sphere.step": Sample(sphere(), "4πr², 4πr³/3; r = 10"),
    "sphere.stl": Sample(sphere(), "4πr², 4πr³/3; r = 10", curved=True),
    "torus.step": Sample(torus(), "4π²Rr, 2π²Rr²; R = 20, r = 5"),
    "torus_stated.step": Sample(torus(), "4π²Rr, 2π²Rr²; R = 20, r = 5"),
    "torus.obj": Sample(torus(), "4π²Rr, 2π²Rr²; R = 20, r = 5", curved=True),
    "box.stl": Sample(BOX, "1 × 2 × 3"),
    "box_ascii.stl": Sample(BOX, "1 × 2 × 3"),
    "box.obj": Sample(BOX, "1 × 2 × 3"),
    "open_box.stl": Sample(BOX, "1 × 2 × 3 less two triangles"),
    "open_box_moved.stl": Sample(box(1, 2, 3, 100, 0, 0), "1 × 2 × 3 less two triangles"),
    "mixed_winding.stl": Sample(BOX, "1 × 2 × 3"),
    "inverted.stl": Sample(BOX, "1 × 2 × 3"),
    "overlapping.stl": Sample(TWO_CUBES, "1 + 1 − 1/2", union=True),
    "box_inch.step": Sample(
        box(*(k * INCH for k in (1, 2, 3)), *(k * INCH / 2 for k in (1, 2, 3))),
        "1 × 2 × 3 inch",
        unit="inch",
    ),
}

OPEN = ("open_box.stl", "open_box_moved.stl", "mixed_winding.stl")
WRONG = {  # mm² and mm³ as summed over the stored triangles
    "open_box.stl": (17.5, 5.0),
    "open_box_moved.stl": (17.5, 105.0),
    "mixed_winding.stl": (22.0, 0.0),
    "inverted.stl": (22.0, -6.0),
    "overlapping.stl": (12.0, 2.0),
}
# STEP has lengths of 15 digits, and n float64 terms add up to within n × 1e-16: 1e-11 holds both.
# Relative for area and volume; in metres for the centre of mass.
TOLERANCE = {"area": 1e-11, "volume": 1e-11, "center_of_mass": 1e-12}
# Six decimals make the quads of the torus not quite plane, so the volume depends on the diagonal
# that splits each: by less than the sum of those 2048 flat tetrahedra, 2e-8 of the volume.
TWO_SPLITS = {"area": 1e-11, "volume": 3e-8, "center_of_mass": 1e-9}
CURVED = 0.01  # facets lose less than this; the torus, with 32 around its pipe, loses the most


def write_solids() -> None:
    """The STEP files, and the bracket's mesh by OCCT's mesher."""
    shape = bracket_shape()
    write_step("bracket.step", single(shape, "bracket"))
    vertices, faces = shape.tessellate(0.01, 0.1)
    write_stl("bracket.stl", np.array([p.toTuple() for p in vertices])[np.array(faces)])
    write_step("assembly.step", carrier)
    ball = cq.Solid.makeSphere(RADIUS, cq.Vector(*CENTRE), cq.Vector(0, 0, 1), -90, 90, 360)
    write_step("sphere.step", single(ball, "sphere"))
    write_step("torus.step", single(cq.Solid.makeTorus(RING, PIPE), "torus"))
    write_stated("torus_stated.step", "torus.step")
    block = cq.Solid.makeBox(*(float(k * INCH) for k in (1, 2, 3)))
    write_step("box_inch.step", single(block, "box"), "INCH")


def write_meshes() -> None:
    """The meshes that need no mesher."""
    write_stl("sphere.stl", RADIUS * icosphere(4) + np.array(CENTRE))
    write_obj("torus.obj", *torus_grid(64, 32))
    vertices = corners((-0.5, -1, -1.5), (0.5, 1, 1.5))
    triangles = vertices[fans(SIDES)]
    write_stl("box.stl", triangles)
    write_ascii_stl("box_ascii.stl", triangles)
    write_obj("box.obj", vertices, SIDES)
    left = vertices[[t for t in fans(SIDES).tolist() if tuple(t) not in MISSING]]
    write_stl("open_box.stl", left)
    write_stl("open_box_moved.stl", left + np.array([100, 0, 0]))
    mixed = triangles.copy()
    mixed[::2] = mixed[::2, ::-1]  # one of the two triangles of each side
    write_stl("mixed_winding.stl", mixed)
    write_stl("inverted.stl", triangles[:, ::-1])
    cubes = [corners((x, 0, 0), (x + 1, 1, 1))[fans(SIDES)] for x in (0, 0.5)]
    write_stl("overlapping.stl", np.concatenate(cubes))


def truth(name: str, sample: Sample) -> dict[str, Any]:
    """The true values of one file for `truth.json`, in SI; README.md explains the keys."""
    ideal, known = sample.ideal, {"unit": sample.unit, "closed_form": sample.form}
    if name.endswith(".step"):
        return known | {"closed": True} | values(ideal) | {"tolerance": TOLERANCE}
    triangles = read_mesh(HERE / name)
    mesh, closed = measure_mesh(triangles), is_closed(triangles)
    known |= {"closed": closed, "triangles": len(triangles)}
    if not closed:
        known |= {"area": float(mesh.area * MM**2), "volume": None, "center_of_mass": None}
    elif sample.union:
        known |= values(ideal._replace(area=mesh.area))
    else:
        known |= values(mesh)
    if closed and float(mesh.volume * MM**3) != known["volume"]:
        known["signed_volume"] = float(mesh.volume * MM**3)
    if not closed or sample.curved or sample.union:
        known["solid_area"] = float(ideal.area * MM**2)
        known["solid_volume"] = float(ideal.volume * MM**3)
    return known | {"tolerance": TWO_SPLITS if name == "torus.obj" else TOLERANCE}


def values(t: Truth) -> dict[str, Any]:
    """Area, volume, centre of mass and, where known, the inertia over density, in SI."""
    known: dict[str, Any] = {
        "area": float(t.area * MM**2),
        "volume": float(abs(t.volume) * MM**3),
        "center_of_mass": [float(x * MM) for x in t.centre],
    }
    if t.inertia:
        sign = 1 if t.volume > 0 else -1
        known["inertia_over_density"] = [[float(sign * x * MM**5) for x in row] for row in t.inertia]
    return known


def check(name: str, sample: Sample) -> bool:
    """Measure one file and print how far it is from the closed form."""
    path, ideal = HERE / name, sample.ideal
    if path.suffix == ".step":
        found, closed, limit = measure_step(path), True, TOLERANCE["volume"]
    else:
        triangles = read_mesh(path)
        found, closed = measure_mesh(triangles), is_closed(triangles)
        limit = CURVED if sample.curved else 0
    area = abs(float(found.area / ideal.area - 1))
    volume = abs(float(found.volume / ideal.volume - 1))
    off = (abs(float(p - q)) for p, q in zip(found.centre, ideal.centre, strict=False))
    centre = max(off, default=0.0)
    if name in WRONG:
        good = (float(found.area), float(found.volume)) == WRONG[name]
    else:
        good = max(area, volume, centre / RADIUS) <= limit
    size = path.stat().st_size
    good = good and size < 300_000 and closed == (name not in OPEN)
    print(
        f"{name:18} {size:6} bytes, {'closed' if closed else 'open'}: "
        f"area {float(found.area):.9g} ({area:.0e} off), "
        f"volume {float(found.volume):.9g} ({volume:.0e} off), centre {centre:.0e} off: "
        f"{('wrong on purpose' if name in WRONG else 'ok') if good else 'FAILED'}"
    )
    return good


def main() -> None:
    """Write everything, then check everything; exits with 1 when a check fails."""
    write_solids()
    write_meshes()
    known = {name: truth(name, sample) for name, sample in SAMPLES.items()}
    text = json.dumps(known, indent=1, ensure_ascii=False)
    text = re.sub(r"\[[^\[\]{}]*\]", lambda m: re.sub(r"\s+", " ", m[0]), text)
    (HERE / "truth.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    results = [check(name, sample) for name, sample in SAMPLES.items()]
    if not all(results):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
