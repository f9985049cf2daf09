"""Open CASCADE made ready: what it does once, in a quarter of a second, before processes are forked from this one."""

from __future__ import annotations

import importlib
import sys

import numpy as np

from massproof import occt, occt_facets, occt_write
from massproof.errors import MissingExtra

_ENTITIES = """APPLICATION_CONTEXT('')
PRODUCT_CONTEXT('',#1,'')
PRODUCT_DEFINITION_CONTEXT('',#1,'design')
(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))
(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))
(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())
UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-7),#4,'','')
(GEOMETRIC_REPRESENTATION_CONTEXT(3)GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT((#7))GLOBAL_UNIT_ASSIGNED_CONTEXT((#4,#5,#6))REPRESENTATION_CONTEXT('',''))
CARTESIAN_POINT('',(0.,0.,0.))
DIRECTION('',(0.,0.,1.))
DIRECTION('',(1.,0.,0.))
AXIS2_PLACEMENT_3D('',#9,#10,#11)
SPHERICAL_SURFACE('',#12,1.)
CARTESIAN_POINT('',(0.,0.,1.))
VERTEX_POINT('',#14)
VERTEX_LOOP('',#15)
FACE_BOUND('',#16,.T.)
ADVANCED_FACE('',(#17),#13,.T.)
CLOSED_SHELL('',(#18))
MANIFOLD_SOLID_BREP('',#19)
ADVANCED_BREP_SHAPE_REPRESENTATION('',(#12,#20),#8)
PRODUCT('','','',(#2))
PRODUCT_DEFINITION_FORMATION('','',#22)
PRODUCT_DEFINITION('','',#23,#3)
PRODUCT_DEFINITION_SHAPE('','',#24)
SHAPE_DEFINITION_REPRESENTATION(#25,#21)"""
_SOLID, _SHELL = 20, 19


def ball() -> bytes:
    """A STEP file of a sphere of radius 1 mm: one face, no edge."""
    rows = "\n".join(f"#{n}={one};" for n, one in enumerate(_ENTITIES.splitlines(), 1))
    text = f"""ISO-10303-21;
HEADER;
FILE_DESCRIPTION((''),'2;1');
FILE_NAME('','',(''),(''),'','','');
FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));
ENDSEC;
DATA;
{rows}
ENDSEC;
END-ISO-10303-21;
"""
    return text.encode()


def warm(name: str) -> None:
    """Do with a small file what a module is for.

    Raises MissingExtra without OCP, and then nothing finds it in this process any more, nor in its children, which may
    not look where it was looked for; but `warm` itself looks again.
    """
    if sys.modules.get("OCP", sys) is None:  # it may have been installed since
        del sys.modules["OCP"]
        importlib.invalidate_caches()
    try:
        if name == "massproof.occt_facets":
            occt_facets.facets(ball(), [[[_SOLID], [_SHELL]]], 0.1, None, [None], None)
        elif name == "massproof.occt_write":
            occt_write.rewritten(ball(), "mm", "AP214", np.eye(4).tolist(), "", "")
        else:
            occt.parts(ball(), [[[_SOLID], [_SHELL], [np.eye(3).tolist()]]])
    except MissingExtra:
        sys.modules["OCP"] = None  # type: ignore[assignment]
        raise
