"""Types of entities that are read, with the arguments that each declares.

The table follows ISO 10303-42:2019 (geometry, topology, tessellations) and ISO 10303-21:2016 (how they are written).
"""

import numpy as np

from massproof.kernels.tokens import FIRST_CODE

# Type, its class, its arguments. Of an argument: `name`: one token; `any`: one value; `number`, `count`: a
# whole number that is not negative; `flag`: .T. or .F.; `word`: any enumeration; a class: a reference to one
# of it, with ? or $; followed by * a list, by ** a list of lists.
_SCHEMA = """
CARTESIAN_POINT point name number*
DIRECTION direction name number*
VECTOR vector name direction number
AXIS1_PLACEMENT axis name point direction?
AXIS2_PLACEMENT_3D frame name point direction? direction?
VERTEX_POINT vertex name point

LINE curve name point vector
CIRCLE curve name frame number
ELLIPSE curve name frame number number
PARABOLA curve name frame number
HYPERBOLA curve name frame number number
B_SPLINE_CURVE_WITH_KNOTS curve name count point* word word word count* number* word
BEZIER_CURVE curve name count point* word word word
UNIFORM_CURVE curve name count point* word word word
QUASI_UNIFORM_CURVE curve name count point* word word word
SPLINE_OF_PARTS curve
POLYLINE curve name point*
COMPOSITE_CURVE curve name segment* word
TRIMMED_CURVE curve name curve any any flag word
SURFACE_CURVE curve name curve any word
SEAM_CURVE curve name curve any word
INTERSECTION_CURVE curve name curve any word
BOUNDED_SURFACE_CURVE curve name curve any word
OFFSET_CURVE_3D curve name curve number word direction
CURVE_REPLICA curve name curve any
COMPOSITE_CURVE_SEGMENT segment word flag curve

PLANE surface name frame
CYLINDRICAL_SURFACE surface name frame number
CONICAL_SURFACE surface name frame number number
SPHERICAL_SURFACE surface name frame number
TOROIDAL_SURFACE surface name frame number number
DEGENERATE_TOROIDAL_SURFACE surface name frame number number flag
SURFACE_OF_LINEAR_EXTRUSION surface name curve vector
SURFACE_OF_REVOLUTION surface name curve axis
OFFSET_SURFACE surface name surface number word
B_SPLINE_SURFACE_WITH_KNOTS surface name count count point** word word word word count* count* number* number* word
BEZIER_SURFACE surface name count count point** word word word word
UNIFORM_SURFACE surface name count count point** word word word word
QUASI_UNIFORM_SURFACE surface name count count point** word word word word
SURFACE_OF_PARTS surface
SURFACE_REPLICA surface name surface any
RECTANGULAR_TRIMMED_SURFACE surface name surface number number number number flag flag
CURVE_BOUNDED_SURFACE surface name surface any word

EDGE_CURVE edge name vertex vertex curve flag
ORIENTED_EDGE use name any any edge flag
EDGE_LOOP loop name use*
VERTEX_LOOP loop name vertex
POLY_LOOP loop name point*
FACE_BOUND bound name loop flag
FACE_OUTER_BOUND bound name loop flag
ADVANCED_FACE face name bound* surface flag
FACE_SURFACE face name bound* surface flag
FACE face name bound*
ORIENTED_FACE turned name any face flag
CLOSED_SHELL shell name face/turned*
OPEN_SHELL shell name face/turned*
CONNECTED_FACE_SET shell name face/turned*
ORIENTED_CLOSED_SHELL turned_shell name any shell flag
ORIENTED_OPEN_SHELL turned_shell name any shell flag
MANIFOLD_SOLID_BREP solid name shell/turned_shell
FACETED_BREP solid name shell/turned_shell
BREP_WITH_VOIDS solid name shell/turned_shell shell/turned_shell*
SOLID_OF_PARTS solid
SHELL_BASED_SURFACE_MODEL surfaces name shell/turned_shell*
FACE_BASED_SURFACE_MODEL surfaces name shell/turned_shell*

COORDINATES_LIST coordinates name count number**
TRIANGULATED_FACE triangles name coordinates count number** any count* count**
COMPLEX_TRIANGULATED_FACE triangles name coordinates count number** any count* count** count**
TRIANGULATED_SURFACE_SET triangles name coordinates count number** count* count**
COMPLEX_TRIANGULATED_SURFACE_SET triangles name coordinates count number** count* count** count**
"""
# The same for the parts of a complex instance, which have no arguments of other parts.
_PARTS = """
B_SPLINE_CURVE - count point* word word word
B_SPLINE_CURVE_WITH_KNOTS - count* number* word
RATIONAL_B_SPLINE_CURVE - number*
B_SPLINE_SURFACE - count count point** word word word word
B_SPLINE_SURFACE_WITH_KNOTS - count* count* number* number* word
RATIONAL_B_SPLINE_SURFACE - number**
"""
# What a complex instance is called when it has one of these parts. Nothing is written under these names.
OF_PARTS = {
    "SPLINE_OF_PARTS": "B_SPLINE_CURVE",
    "SURFACE_OF_PARTS": "B_SPLINE_SURFACE",
    "SOLID_OF_PARTS": "MANIFOLD_SOLID_BREP",
    "CONTEXT_OF_PARTS": "GEOMETRIC_REPRESENTATION_CONTEXT",
    "REPRESENTATION_OF_PARTS": "REPRESENTATION",
    "RELATIONSHIP_OF_PARTS": "REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION",
    "TESSELLATION_OF_PARTS": "TESSELLATED_ITEM",
}
# Known for other reasons: what products, units and properties are read from, what is recognised and not
# measured, and what is frequent and of no use here, so that its name is found at once.
_NAMES = """
AXIS2_PLACEMENT_2D PCURVE DEFINITIONAL_REPRESENTATION DEGENERATE_PCURVE
STYLED_ITEM OVER_RIDING_STYLED_ITEM PRESENTATION_STYLE_ASSIGNMENT SURFACE_STYLE_USAGE SURFACE_SIDE_STYLE
SURFACE_STYLE_FILL_AREA FILL_AREA_STYLE FILL_AREA_STYLE_COLOUR COLOUR_RGB DRAUGHTING_PRE_DEFINED_COLOUR CURVE_STYLE
DRAUGHTING_PRE_DEFINED_CURVE_FONT POINT_STYLE PRESENTATION_LAYER_ASSIGNMENT ANNOTATION_OCCURRENCE
MECHANICAL_DESIGN_GEOMETRIC_PRESENTATION_REPRESENTATION SURFACE_STYLE_RENDERING_WITH_PROPERTIES
SURFACE_STYLE_TRANSPARENT SURFACE_STYLE_BOUNDARY INVISIBILITY CONTEXT_DEPENDENT_OVER_RIDING_STYLED_ITEM
HEADER ENDSEC DATA FILE_DESCRIPTION FILE_NAME FILE_SCHEMA ISO-10303-21 ANCHOR REFERENCE SIGNATURE
GEOMETRIC_REPRESENTATION_CONTEXT GLOBAL_UNIT_ASSIGNED_CONTEXT GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT
PARAMETRIC_REPRESENTATION_CONTEXT REPRESENTATION_CONTEXT
UNCERTAINTY_MEASURE_WITH_UNIT LENGTH_UNIT PLANE_ANGLE_UNIT SOLID_ANGLE_UNIT MASS_UNIT AREA_UNIT VOLUME_UNIT
NAMED_UNIT SI_UNIT CONVERSION_BASED_UNIT DERIVED_UNIT DERIVED_UNIT_ELEMENT DIMENSIONAL_EXPONENTS
LENGTH_MEASURE_WITH_UNIT PLANE_ANGLE_MEASURE_WITH_UNIT MASS_MEASURE_WITH_UNIT MEASURE_WITH_UNIT
AREA_MEASURE_WITH_UNIT VOLUME_MEASURE_WITH_UNIT
PRODUCT PRODUCT_DEFINITION PRODUCT_DEFINITION_WITH_ASSOCIATED_DOCUMENTS PRODUCT_DEFINITION_FORMATION
PRODUCT_DEFINITION_FORMATION_WITH_SPECIFIED_SOURCE PRODUCT_DEFINITION_SHAPE SHAPE_ASPECT
SHAPE_DEFINITION_REPRESENTATION NEXT_ASSEMBLY_USAGE_OCCURRENCE CONTEXT_DEPENDENT_SHAPE_REPRESENTATION
ITEM_DEFINED_TRANSFORMATION CARTESIAN_TRANSFORMATION_OPERATOR_3D MAPPED_ITEM REPRESENTATION_MAP
SHAPE_REPRESENTATION_RELATIONSHIP REPRESENTATION_RELATIONSHIP
REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION
REPRESENTATION SHAPE_REPRESENTATION ADVANCED_BREP_SHAPE_REPRESENTATION FACETED_BREP_SHAPE_REPRESENTATION
MANIFOLD_SURFACE_SHAPE_REPRESENTATION GEOMETRICALLY_BOUNDED_SURFACE_SHAPE_REPRESENTATION
GEOMETRICALLY_BOUNDED_WIREFRAME_SHAPE_REPRESENTATION TESSELLATED_SHAPE_REPRESENTATION
EDGE_BASED_WIREFRAME_SHAPE_REPRESENTATION SHELL_BASED_WIREFRAME_SHAPE_REPRESENTATION CSG_SHAPE_REPRESENTATION
PROPERTY_DEFINITION PROPERTY_DEFINITION_REPRESENTATION GENERAL_PROPERTY GENERAL_PROPERTY_ASSOCIATION
MEASURE_REPRESENTATION_ITEM DESCRIPTIVE_REPRESENTATION_ITEM
TESSELLATED_ITEM TESSELLATED_SOLID TESSELLATED_SHELL TESSELLATED_GEOMETRIC_SET CUBIC_BEZIER_TRIANGULATED_FACE
GEOMETRIC_CURVE_SET GEOMETRIC_SET
CSG_SOLID BOOLEAN_RESULT BLOCK SPHERE RIGHT_CIRCULAR_CYLINDER RIGHT_CIRCULAR_CONE TORUS RIGHT_ANGULAR_WEDGE
EXTRUDED_AREA_SOLID REVOLVED_AREA_SOLID SOLID_REPLICA EXTRUDED_FACE_SOLID REVOLVED_FACE_SOLID
LENGTH_MEASURE POSITIVE_LENGTH_MEASURE PLANE_ANGLE_MEASURE PARAMETER_VALUE MASS_MEASURE AREA_MEASURE
VOLUME_MEASURE POSITIVE_RATIO_MEASURE RATIO_MEASURE COUNT_MEASURE
BOUNDED_CURVE CURVE BOUNDED_SURFACE SURFACE GEOMETRIC_REPRESENTATION_ITEM REPRESENTATION_ITEM
TOPOLOGICAL_REPRESENTATION_ITEM SOLID_MODEL MAKE_FROM_USAGE_OPTION
"""
_ROWS = [line.split() for line in _SCHEMA.split("\n") if line]
_PART_ROWS = [line.split() for line in _PARTS.split("\n") if line]
# Code of each type. Those of a class follow each other, since they do in the table.
TYPES = {row[0]: FIRST_CODE + i for i, row in enumerate(_ROWS)}
for _name in [*(row[0] for row in _PART_ROWS), *_NAMES.split(), *OF_PARTS]:
    TYPES.setdefault(_name, FIRST_CODE + len(TYPES))
NAMES = {code: name for name, code in TYPES.items()}
CLASSES = tuple(dict.fromkeys(row[1] for row in _ROWS))
OF_CLASS = {name: tuple(row[0] for row in _ROWS if row[1] == name) for name in CLASSES}
# What an argument must be, as `verify` sees it: in the lowest four bits one of these, then whether it may be
# $, how deep its lists are, and from bit 8 on the classes that are referred to.
NAME, ANY, NUMBERS, COUNT, FLAG, ENUMERATION, REFERENCES = range(7)
_WORDS = {"name": NAME, "any": ANY, "number": NUMBERS, "count": COUNT, "flag": FLAG, "word": ENUMERATION}
OPTIONAL, LIST, DEEP, _CLASS = 16, 32, 64, 8
_MOST = 13  # arguments that a type has


def _argument(text):
    base = text.rstrip("*?")
    flags = OPTIONAL * text.endswith("?") + LIST * text.endswith("*") + DEEP * text.endswith("**")
    if base in _WORDS:
        return _WORDS[base] | flags
    return REFERENCES | flags | sum(1 << _CLASS + CLASSES.index(one) for one in base.split("/"))


def _signatures(rows):
    """For each code how many arguments it has, −1 if that is not known, and what they must be."""
    table = np.full((FIRST_CODE + len(TYPES), _MOST + 1), -1, np.int64)
    for name, _, *arguments in rows:
        table[TYPES[name], 0] = len(arguments)
        table[TYPES[name], 1 : 1 + len(arguments)] = [_argument(text) for text in arguments]
    return table


SIGNATURES = _signatures(_ROWS)
PARTS = _signatures(_PART_ROWS)
for _name in OF_PARTS:
    SIGNATURES[TYPES[_name], 0] = -1
# The class of each code as a bit, 0 for those in none.
MEMBERS = np.zeros(len(SIGNATURES), np.int64)
for _row in _ROWS:
    MEMBERS[TYPES[_row[0]]] = 1 << _CLASS + CLASSES.index(_row[1])


def wanted(names, argument):
    """What argument `argument`, from 1 on, of a type or of the parts of one must be; "" if it has no more."""
    table = {row[0]: row[2:] for row in (_PART_ROWS if len(names) > 1 else _ROWS)}
    arguments = [one for name in names for one in table.get(name, ())]
    if argument > len(arguments):
        return ""
    text = arguments[argument - 1]
    base = text.rstrip("*?").replace("_", " ").replace("/", " or ")
    lists = {"*": "a list of ", "**": "lists of "}.get(text[len(text.rstrip("*")) :], "")
    return lists + {"flag": ".T. or .F.", "name": "a string", "count": "whole number"}.get(base, base)
