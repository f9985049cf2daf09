"""STEP files for tests, from the lines of their DATA sections."""

HEADER = "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nENDSEC;\n"
END = "ENDSEC;\nEND-ISO-10303-21;\n"


def file(*lines, data="DATA;"):
    """A whole file: `#1=…` as they are given, with a semicolon after each."""
    return "".join([HEADER, data, "\n", *(line + ";\n" for line in lines), END]).encode()


class Lines(list):
    """Lines of a DATA section; what is added is numbered and gives its reference."""

    def __call__(self, text):
        self.append(f"#{len(self) + 1}={text}")
        return f"#{len(self)}"

    def point(self, x, y, z):
        return self(f"CARTESIAN_POINT('',({float(x)!r},{float(y)!r},{float(z)!r}))")

    def direction(self, x, y, z):
        return self(f"DIRECTION('',({float(x)!r},{float(y)!r},{float(z)!r}))")

    def frame(self, origin=(0, 0, 0), axis=(0, 0, 1), reference=(1, 0, 0)):
        return self(
            f"AXIS2_PLACEMENT_3D('',{self.point(*origin)},{self.direction(*axis)},{self.direction(*reference)})"
        )

    def vertex(self, *at):
        return self(f"VERTEX_POINT('',{self.point(*at)})")

    def line(self, start, along, size=1.0):
        vector = self(f"VECTOR('',{self.direction(*along)},{size!r})")
        return self(f"LINE('',{self.point(*start)},{vector})")

    def points(self, *rows):
        return "(" + ",".join(self.point(*row) for row in rows) + ")"

    def edge(self, curve, start=(0, 0, 0), end=(1, 0, 0), sense=".T."):
        first = self.vertex(*start)
        last = first if start == end else self.vertex(*end)
        return self(f"EDGE_CURVE('',{first},{last},{curve},{sense})")

    def loop(self, *edges):
        uses = [self(f"ORIENTED_EDGE('',*,*,{edge},.T.)") for edge in edges]
        return self(f"EDGE_LOOP('',({','.join(uses)}))")

    def face(self, surface, *loops, kind="ADVANCED_FACE", sense=".T."):
        bounds = [self(f"FACE_BOUND('',{loop},.T.)") for loop in loops]
        return self(f"{kind}('',({','.join(bounds)}),{surface},{sense})")

    def shell(self, *faces, kind="CLOSED_SHELL"):
        return self(f"{kind}('',({','.join(faces)}))")

    def solid(self, *faces):
        return self(f"MANIFOLD_SOLID_BREP('body',{self.shell(*faces)})")

    def disc(self, curve=None, surface=None):
        """A face with one closed edge, a circle of radius 1 unless it is given."""
        curve = curve or self(f"CIRCLE('',{self.frame()},1.)")
        surface = surface or self(f"PLANE('',{self.frame()})")
        return self.face(surface, self.loop(self.edge(curve, (1, 0, 0), (1, 0, 0))))

    def file(self):
        return file(*self)
