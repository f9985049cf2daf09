"""STEP files for tests: a box as Open CASCADE writes it, and solids that both engines read."""

import re
import sys
from pathlib import Path

from test_products import MM, RADIAN, Products

from massproof import isolation

DATA = Path(__file__).parent.parent / "data"
UNITS = {
    "mm": b"SI_UNIT(.MILLI.,.METRE.)",
    "cm": b"SI_UNIT(.CENTI.,.METRE.)",
    "m": b"SI_UNIT($,.METRE.)",
}
END = b"ENDSEC;\nEND-ISO"
ROUND = "CIRCLE('',{frame},{radius})"
OFFSET = "OFFSET_CURVE_3D('',{wider},{back},.F.,{axis})"  # beside an ellipse that is a circle, as Open CASCADE alone reads it
BOX = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))  # from outside


def box(unit="mm"):
    """A box of 1 × 2 × 3 in any unit."""
    data = (DATA / "box_inch.step").read_bytes()
    if unit != "inch":
        inch = re.search(rb"#346 = \( CONVERSION.*?\) \);", data, re.DOTALL)[0]
        data = data.replace(inch, b"#346 = ( LENGTH_UNIT() NAMED_UNIT(*) %s );" % UNITS[unit])
    return data


class Solids(Products):
    """Lines of solids, and of representations that show and place them."""

    def box(self, size=(1.0, 2.0, 3.0), x=0.0, sides=6):
        """The corner i is where bit 2 of i is set in x, bit 1 in y, bit 0 in z; fewer sides leave it open."""
        corners = [(x + size[0] * (i >> 2 & 1), size[1] * (i >> 1 & 1), size[2] * (i & 1)) for i in range(8)]
        points = [self.vertex(*corner) for corner in corners]
        edges, faces = {}, []

        def use(a, b):
            low, high = min(a, b), max(a, b)
            if (low, high) not in edges:
                along = [corners[high][k] - corners[low][k] for k in range(3)]
                line = self.line(corners[low], along)
                edges[low, high] = self(f"EDGE_CURVE('',{points[low]},{points[high]},{line},.T.)")
            return self(f"ORIENTED_EDGE('',*,*,{edges[low, high]},.{'T' if a < b else 'F'}.)")

        for ring in BOX[:sides]:
            uses = [use(a, b) for a, b in zip(ring, (*ring[1:], ring[0]), strict=True)]
            loop = self(f"EDGE_LOOP('',({','.join(uses)}))")
            a, b, c = (corners[i] for i in ring[:3])
            u, v = ([q - p for p, q in zip(s, t, strict=True)] for s, t in ((a, b), (b, c)))
            normal = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
            faces.append(self.face(self(f"PLANE('',{self.frame(a, normal, u)})"), loop))
        return self.solid(*faces)

    def cylinder(self, radius=2.0, height=5.0, x=0.0, border=ROUND):
        """About the z axis through (x, 0), with a seam; border : how its two round edges are written."""
        low, high = self.vertex(x + radius, 0, 0), self.vertex(x + radius, 0, height)
        rings = []
        for vertex, z in ((low, 0.0), (high, height)):
            frame = self.frame((x, 0, z))
            names = {"frame": frame, "radius": radius}
            if border is OFFSET:
                wider = self(f"ELLIPSE('',{frame},{2 * radius!r},{2 * radius!r})")
                names |= {"wider": wider, "back": radius, "axis": self.direction(0, 0, 1)}
            rings.append(self(f"EDGE_CURVE('',{vertex},{vertex},{self(border.format(**names))},.T.)"))
        seam = self(f"EDGE_CURVE('',{low},{high},{self.line((x + radius, 0, 0), (0, 0, 1))},.T.)")

        def loop(*uses):
            used = [self(f"ORIENTED_EDGE('',*,*,{edge},.{sense}.)") for edge, sense in uses]
            return self(f"EDGE_LOOP('',({','.join(used)}))")

        side = loop((rings[0], "T"), (seam, "T"), (rings[1], "F"), (seam, "F"))
        return self.solid(
            self.face(self(f"CYLINDRICAL_SURFACE('',{self.frame((x, 0, 0))},{radius!r})"), side),
            self.face(self(f"PLANE('',{self.frame((x, 0, height))})"), loop((rings[1], "T"))),
            self.face(self(f"PLANE('',{self.frame((x, 0, 0))})"), loop((rings[0], "F")), sense=".F."),
        )

    def millimetres(self):
        return self.context(self(MM), self(RADIAN))

    def operator(self, matrix, offset=(0, 0, 0), scale=1.0):
        """The placement r → scale · matrix · r + offset; the matrix may mirror."""
        axes = [self.direction(*map(float, matrix[:, k])) for k in range(3)]
        at = self.point(*map(float, offset))
        return self(
            f"CARTESIAN_TRANSFORMATION_OPERATOR_3D('',$,$,{axes[0]},{axes[1]},{at},{float(scale)!r},{axes[2]})"
        )

    def placed(self, item, *operators):
        """A product whose representation holds `item` once for each operator."""
        context, origin = self.millimetres(), self.frame()
        source = self(f"REPRESENTATION_MAP({origin},{self.shape(context, item)})")
        items = [self(f"MAPPED_ITEM('',{source},{operator})") for operator in operators]
        self.product("whole", self.shape(context, *items))
        return self

    def shown(self, *items):
        """The items as one product, in millimetres."""
        self.product(
            "part", self.shape(self.millimetres(), *items, kind="ADVANCED_BREP_SHAPE_REPRESENTATION")
        )
        return self


def bomb(levels, fan=10):
    """An assembly of products whose every level holds the one below `fan` times."""
    f = Solids()
    context, axis = f.millimetres(), f.frame()
    shape = f.shape(context, f.box((1.0, 1.0, 1.0)), axis)
    product = f.product("leaf", shape)
    for level in range(levels):
        group = f.shape(context, axis)
        whole = f.product(f"level{level}", group)
        for i in range(fan):
            there = f.frame((2.0 * fan**level * i, 0, 0))
            f.place(f.use(whole, product), shape, group, f.between(axis, there))
        product, shape = whole, group
    return f.file()


def mapped_bomb(levels, fan=10):
    """A representation whose every level maps the one below `fan` times."""
    f = Solids()
    context, axis = f.millimetres(), f.frame()
    shape = f.shape(context, f.box((1.0, 1.0, 1.0)), axis)
    for level in range(levels):
        source = f"{f(f'REPRESENTATION_MAP({axis},{shape})')}"
        places = [f.frame((2.0 * fan**level * i, 0, 0)) for i in range(fan)]
        shape = f.shape(context, *(f(f"MAPPED_ITEM('',{source},{place})") for place in places))
    f.product("whole", shape)
    return f.file()


def without_ocp(monkeypatch, folder):
    """Neither this process nor a worker of it can import OCP."""
    (folder / "OCP").mkdir()
    (folder / "OCP/__init__.py").write_text("raise ImportError('not installed here')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "OCP"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(isolation, "_POOL", isolation._Pool())
