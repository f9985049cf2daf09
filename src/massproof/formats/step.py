"""STEP, ISO 10303-21: what its parts are made of and where they are placed; meshes are written as faceted solids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple

import numpy as np

from massproof import shells, stepfile, units
from massproof.brep import Drawn
from massproof.errors import FormatError, UsageError
from massproof.kernels import weld
from massproof.mesh import Corners, Floats, Integers
from massproof.scene import Colour, Files, Placed, Scene
from massproof.version import __version__

SUFFIXES = (".step", ".stp")

_START = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|/\*.*?\*/)*ISO-10303-21\b", re.DOTALL)

# Schema, application, name in the protocol's definition and year of each application protocol. Of AP203 the second
# edition: the first knows no colours and wants to be told who approved a part.
PROTOCOLS = {
    "AP203": (
        "AP203_CONFIGURATION_CONTROLLED_3D_DESIGN_OF_MECHANICAL_PARTS_AND_ASSEMBLIES_MIM_LF { 1 0 10303 403 2 1 2 }",
        "configuration controlled 3d designs of mechanical parts and assemblies",
        "ap203_configuration_controlled_3d_design_of_mechanical_parts_and_assemblies",
        2011,
    ),
    "AP214": (
        "AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }",
        "core data for automotive mechanical design processes",
        "automotive_design",
        2000,
    ),
    "AP242": (
        "AP242_MANAGED_MODEL_BASED_3D_ENGINEERING_MIM_LF { 1 0 10303 442 1 1 4 }",
        "managed model based 3d engineering",
        "ap242_managed_model_based_3d_engineering",
        2013,
    ),
}
MAX_TRIANGLES = 1_000_000  # which take 370 to 460 bytes each, and 11 000 in Open CASCADE when it reads them
_PIECE = 1 << 15  # triangles whose text is in memory: 13 MB
_PER_FACE = 7  # instances
_IN_LINE = 16  # references
_NEAR = 1e-12  # of the largest coordinate: points that are nearer are one
_FLAT = (
    1e-13  # height of a triangle over its longest side, of which the normal would be made of rounding errors
)
_SHADE, _FILL = "FILL_AREA_STYLE_COLOUR('',#{})", "FILL_AREA_STYLE('',(#{}))"
_SI = {"m": "$", "dm": ".DECI.", "cm": ".CENTI.", "mm": ".MILLI.", "um": ".MICRO.", "km": ".KILO."}


def sniff(data: memoryview) -> bool:
    """Whether `data` looks like STEP, from its first bytes only."""
    return bool(_START.match(bytes(data[:4096])))


def read(data: memoryview) -> Drawn:
    """Read a STEP file; what is measured of it is in millimetres, if it states its unit.

    Raises FormatError when it is no STEP file, cut short, not well-formed, refers to what it does not define,
    contains itself, or holds nothing that has an area.
    """
    if not sniff(data):
        msg = f"not a STEP file: it begins with {bytes(data[:16])!r}, expected ISO-10303-21; check what was exported"
        raise FormatError(msg)
    model = stepfile.read(data)
    return Drawn(model, "mm" if model.unit else None, model.declared, model.notes)


def known(protocol: str) -> str:
    """The name of an application protocol; raises UsageError for one that is not written."""
    name = f"AP{protocol.strip().upper().removeprefix('AP')}"
    if name not in PROTOCOLS:
        msg = f"STEP can be written in the protocols {', '.join(PROTOCOLS)}, not in {protocol!r}"
        raise UsageError(msg)
    return name


def write(scene: Scene, name: str, files: Files, *, protocol: str = "AP214", created: str = "") -> None:
    """Write the triangles of a scene where they stand as plane faces of solids, which the file says of itself.

    protocol : AP203, AP214 or AP242;  created : time that the header tells; now, without one

    What closes is a solid, with its hollows; what does not is a surface model. Coordinates keep all their digits.

    Raises UsageError for another protocol, for more than MAX_TRIANGLES, and for coordinates that are not finite.
    """
    chosen, count = known(protocol), scene.triangles
    if count > MAX_TRIANGLES:
        msg = (
            f"{count} triangles would take {count * 4.5e-7:.2f} GB in STEP, whose limit here is {MAX_TRIANGLES}; "
            "simplify the mesh, or write STL or PLY"
        )
        raise UsageError(msg)
    with files(name) as out:
        _Writer(out, chosen).whole(scene, name.rpartition(".")[0] or name, created, count)


class _Net(NamedTuple):
    """A mesh while it is written."""

    name: str  # as the file writes it
    vertices: Floats  # all of which faces name
    faces: Corners
    first: int  # instance of the first vertex
    shades: Integers  # (F,) of each face its colour in `palette`
    palette: list[Colour | None]


class _Writer:
    """Instances, numbered as they are written."""

    def __init__(self, out: BinaryIO, protocol: str) -> None:
        self.out, self.protocol, self.last = out, protocol, 0
        self.hollow = False
        self.solids: list[int] = []
        self.surfaces: list[int] = []
        self.styled: list[int] = []
        self.styles: dict[Colour, int] = {}

    def add(self, text: str) -> int:
        """Write one instance; its number."""
        self.last += 1
        self.out.write(f"#{self.last}={text};\n".encode("ascii"))
        return self.last

    def whole(self, scene: Scene, stem: str, created: str, count: int) -> None:
        """Write the file."""
        time = created or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        what = f"faceted: {count} plane triangles of a mesh in place of its faces"
        self.out.write(
            f"ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION(({_text(what)}),'2;1');\n"
            f"FILE_NAME({_text(stem)},{_text(time)},(''),(''),'massproof {__version__}','massproof','');\n"
            f"FILE_SCHEMA(('{PROTOCOLS[self.protocol][0]}'));\nENDSEC;\nDATA;\n".encode("ascii")
        )
        reach = max([self.placed(placed) for placed in scene.placed()], default=0.0)
        self.product(f"{stem} (faceted)", scene.unit, reach)
        self.out.write(b"ENDSEC;\nEND-ISO-10303-21;\n")

    def placed(self, placed: Placed) -> float:
        """Write a mesh where it stands; its largest coordinate."""
        with np.errstate(over="ignore", invalid="ignore"):
            stand = placed.vertices()
        if not np.isfinite(stand).all():
            msg = f"{placed.path[-1]} has coordinates that are not finite in this unit; write another unit"
            raise UsageError(msg)
        vertices, faces = weld.welded(stand, placed.faces())
        proper = np.flatnonzero((faces != np.roll(faces, 1, axis=1)).all(axis=1))  # others bound nothing
        used, rows = np.unique(faces[proper], return_inverse=True)
        vertices, faces = vertices[used], rows.reshape(-1, 3).astype(np.int32)
        patches = placed.patches()
        shades = np.searchsorted([first for first, _ in patches], proper, side="right") - 1
        palette = [colour for _, colour in patches]
        net = _Net(_text(placed.path[-1]), vertices, faces, self.points(vertices), shades, palette)
        for part in shells.parts(vertices, faces):
            self.part(net, part)
        return float(np.abs(vertices).max(initial=0.0))

    def points(self, vertices: Floats) -> int:
        """Write points; the number of the first."""
        first = self.last + 1
        for start in range(0, len(vertices), _PIECE):
            x, y, z = (_reals(column) for column in vertices[start : start + _PIECE].T)
            numbers = range(first + start, first + len(vertices))
            rows = zip(numbers, x, y, z, strict=False)
            self.out.write(
                "".join(f"#{n}=CARTESIAN_POINT('',({a},{b},{c}));\n" for n, a, b, c in rows).encode("ascii")
            )
        self.last += len(vertices)
        return first

    def part(self, net: _Net, part: shells.Part) -> None:
        """Write a solid or a surface, with its colours."""
        first, written = self.last + 1, []
        for shell in part.shells:
            start = self.last + 1
            self.faces(net, net.faces[shell.rows][:, :: -1 if shell.turned else 1])
            members = _listed(range(start + _PER_FACE - 1, self.last + 1, _PER_FACE))
            written.append(self.add(f"{'CLOSED' if part.closed else 'OPEN'}_SHELL('',({members}))"))
        if part.closed:
            self.solids.append(item := self.solid(net.name, *written))
        else:
            self.surfaces.append(item := self.add(f"SHELL_BASED_SURFACE_MODEL({net.name},(#{written[0]}))"))
        shades = net.shades[np.concatenate([shell.rows for shell in part.shells])]
        if (shades == shades[0]).all():
            self.style(item, net.palette[shades[0]])
            return
        at = first + _PER_FACE - 1
        for number, shell in zip(written, part.shells, strict=True):
            for n, shade in zip(range(at, number, _PER_FACE), net.shades[shell.rows].tolist(), strict=True):
                self.style(n, net.palette[shade])
            at = number + _PER_FACE

    def faces(self, net: _Net, faces: Corners) -> None:
        """Write triangles, each of which takes _PER_FACE instances, the last of them the face."""
        for start in range(0, len(faces), _PIECE):
            piece = faces[start : start + _PIECE]
            corners = net.vertices[piece]
            names = (piece + np.int64(net.first)).tolist()
            frames = iter(_reals(np.concatenate(_frames(corners), axis=1).ravel()))
            numbers = range(self.last + 1, self.last + 1 + _PER_FACE * len(piece), _PER_FACE)
            rows = zip(numbers, names, zip(*[frames] * 6, strict=True), strict=True)
            self.out.write("".join(_face(*row) for row in rows).encode("ascii"))
            self.last += _PER_FACE * len(piece)

    def solid(self, name: str, outer: int, *hollows: int) -> int:
        """Write a faceted solid; its number."""
        if not hollows:
            return self.add(f"FACETED_BREP({name},#{outer})")
        self.hollow = True
        # Not an instance that is a FACETED_BREP as well: of that Open CASCADE drops the hollows.
        turned = [self.add(f"ORIENTED_CLOSED_SHELL('',*,#{one},.F.)") for one in hollows]
        return self.add(f"BREP_WITH_VOIDS({name},#{outer},({_listed(turned)}))")

    def style(self, item: int, colour: Colour | None) -> None:
        """Give an item a colour."""
        if colour is None:
            return
        if colour not in self.styles:
            red, green, blue = _reals(np.array(colour[:3]))
            one = self.add(f"COLOUR_RGB('',{red},{green},{blue})")
            looks = [
                self.add(f"SURFACE_STYLE_FILL_AREA(#{self.add(_FILL.format(self.add(_SHADE.format(one))))})")
            ]
            if colour[3] < 1:
                clear = self.add(f"SURFACE_STYLE_TRANSPARENT({_reals(np.array([1 - colour[3]]))[0]})")
                looks.append(self.add(f"SURFACE_STYLE_RENDERING_WITH_PROPERTIES($,#{one},(#{clear}))"))
            side = self.add(f"SURFACE_SIDE_STYLE('',({_listed(looks)}))")
            use = self.add(f"SURFACE_STYLE_USAGE(.BOTH.,#{side})")
            self.styles[colour] = self.add(f"PRESENTATION_STYLE_ASSIGNMENT((#{use}))")
        self.styled.append(self.add(f"STYLED_ITEM('',(#{self.styles[colour]}),#{item})"))

    def product(self, name: str, unit: str, reach: float) -> None:
        """Write the product that all of this is the shape of."""
        _, application, definition, year = PROTOCOLS[self.protocol]
        name = _text(name)
        whole = self.add(f"APPLICATION_CONTEXT('{application}')")
        self.add(f"APPLICATION_PROTOCOL_DEFINITION('international standard','{definition}',{year},#{whole})")
        field = self.add(f"PRODUCT_CONTEXT('',#{whole},'mechanical')")
        product = self.add(f"PRODUCT({name},{name},'',(#{field}))")
        self.add(f"PRODUCT_RELATED_PRODUCT_CATEGORY('part',$,(#{product}))")
        version = self.add(f"PRODUCT_DEFINITION_FORMATION('','',#{product})")
        stage = self.add(f"PRODUCT_DEFINITION_CONTEXT('part definition',#{whole},'design')")
        design = self.add(f"PRODUCT_DEFINITION('design','',#{version},#{stage})")
        shape = self.add(f"PRODUCT_DEFINITION_SHAPE('','',#{design})")
        context = self.context(unit, reach)
        items = [self.origin(), *self.solids, *self.surfaces]
        kind = "MANIFOLD_SURFACE_" if not self.solids else ""
        if not (self.surfaces or self.hollow):
            kind = "FACETED_BREP_"
        drawn = self.add(f"{kind}SHAPE_REPRESENTATION({name},({_listed(items)}),#{context})")
        self.add(f"SHAPE_DEFINITION_REPRESENTATION(#{shape},#{drawn})")
        if self.styled:
            kind, listed = "MECHANICAL_DESIGN_GEOMETRIC_PRESENTATION_REPRESENTATION", _listed(self.styled)
            self.add(f"{kind}('',({listed}),#{context})")

    def origin(self) -> int:
        """Write the frame of everything; its number."""
        at = self.add("CARTESIAN_POINT('',(0.,0.,0.))")
        up, along = self.add("DIRECTION('',(0.,0.,1.))"), self.add("DIRECTION('',(1.,0.,0.))")
        return self.add(f"AXIS2_PLACEMENT_3D('',#{at},#{up},#{along})")

    def context(self, unit: str, reach: float) -> int:
        """Write units, and how near points must be to be one; the number of the context."""
        length = self.length(unit)
        angle = self.add("(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))")
        solid = self.add("(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())")
        size = _reals(np.array([max(reach, 1e-200) * _NEAR]))[0]
        near = self.add(
            f"UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE({size}),#{length},'distance_accuracy_value','')"
        )
        return self.add(
            f"(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT((#{near}))"
            f"GLOBAL_UNIT_ASSIGNED_CONTEXT((#{length},#{angle},#{solid}))REPRESENTATION_CONTEXT('',''))"
        )

    def length(self, name: str) -> int:
        """Write a unit of length; its number."""
        unit = units.unit(name, "length")
        if unit.symbol in _SI:
            return self.add(f"(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT({_SI[unit.symbol]},.METRE.))")
        metre = self.add("(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT($,.METRE.))")
        size = self.add("DIMENSIONAL_EXPONENTS(1.,0.,0.,0.,0.,0.,0.)")
        factor = self.add(f"LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE({float(unit.factor)!r}),#{metre})")
        called = unit.aliases[0] if unit.symbol != "mil" else unit.symbol
        return self.add(
            f"(CONVERSION_BASED_UNIT('{called.upper()}',#{factor})LENGTH_UNIT()NAMED_UNIT(#{size}))"
        )


def _face(number: int, corners: list[int], frame: tuple[str, ...]) -> str:
    """The instances of a triangle from `number` on; its corners, its normal and a direction along it."""
    (a, b, c), (x, y, z, u, v, w) = corners, frame
    return (
        f"#{number}=DIRECTION('',({x},{y},{z}));\n#{number + 1}=DIRECTION('',({u},{v},{w}));\n"
        f"#{number + 2}=AXIS2_PLACEMENT_3D('',#{a},#{number},#{number + 1});\n"
        f"#{number + 3}=PLANE('',#{number + 2});\n#{number + 4}=POLY_LOOP('',(#{a},#{b},#{c}));\n"
        f"#{number + 5}=FACE_OUTER_BOUND('',#{number + 4},.T.);\n"
        f"#{number + 6}=FACE_SURFACE('',(#{number + 5}),#{number + 3},.T.);\n"
    )


def _reals(numbers: Floats) -> list[str]:
    """Numbers with all their digits, each with a point, as Part 21 wants them."""
    return [text if "e" not in text else _scientific(text) for text in map(repr, numbers.tolist())]


def _listed(numbers: Sequence[int]) -> str:
    """References to instances, some to a line: not all readers take lines of any length."""
    rows = (numbers[k : k + _IN_LINE] for k in range(0, len(numbers), _IN_LINE))
    return ",\n".join(",".join(f"#{n}" for n in row) for row in rows)


def _scientific(text: str) -> str:
    digits, _, power = text.partition("e")
    return f"{digits}{'' if '.' in digits else '.'}E{power}"


def _text(text: str) -> str:
    """A string as Part 21 writes it: what is not ASCII by its code."""
    pieces = re.split(r"([^ -~]+)", text)
    for k in range(1, len(pieces), 2):
        pieces[k] = f"\\X4\\{pieces[k].encode('utf-32-be', 'replace').hex().upper()}\\X0\\"
    pieces[::2] = [one.replace("\\", "\\\\").replace("'", "''") for one in pieces[::2]]
    return f"'{''.join(pieces)}'"


def _frames(corners: Floats) -> tuple[Floats, Floats]:
    """Unit normals and, along the longest side of each, directions of triangles (n, 3, 3)."""
    sides = np.roll(corners, -1, axis=1) - corners
    sides /= np.abs(sides).max(axis=(1, 2), keepdims=True)  # whose squares may underflow
    each, longest = np.arange(len(sides)), np.linalg.norm(sides, axis=2).argmax(axis=1)
    along = sides[each, longest]
    normal = np.cross(along, sides[each, longest - 2])
    flat = np.linalg.norm(normal, axis=1) < _FLAT  # any plane through its longest side does
    normal[flat] = np.cross(along[flat], np.eye(3)[np.abs(along[flat]).argmin(axis=1)])
    return tuple(vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (normal, along))
