"""Vector code of `formulas`, traced into LLVM's language; only the compiler imports it.

The compiler vectorises loops by itself, but keeps their sums in memory: seventeen loads and stores for eight
triangles, a third of the time. Here the sums of a chunk stay in registers.
"""

from llvmlite import ir
from numba import types
from numba.core.cgutils import get_or_insert_function
from numba.extending import intrinsic

from massproof.kernels import FIELDS, WIDTH, formulas

_I64 = ir.IntType(64)
_KINDS = {
    "float32": ir.VectorType(ir.FloatType(), WIDTH),
    "float64": ir.VectorType(ir.DoubleType(), WIDTH),
    "uint64": ir.VectorType(_I64, WIDTH),
}
_BITS = {"float32": ir.VectorType(ir.IntType(32), WIDTH), "float64": _KINDS["uint64"]}
_DOUBLES, _WORDS = _KINDS["float64"], _KINDS["uint64"]


class _Vector:
    """A vector register that computes with operators, as a numpy array does."""

    __slots__ = ("builder", "value")

    def __init__(self, builder, value):
        self.builder, self.value = builder, value

    def _of(self, other):
        """The other operand, spread over all lanes when it is a number."""
        if isinstance(other, _Vector):
            return other.value
        return ir.Constant(self.value.type, [other] * WIDTH)

    def _is_float(self):
        return not isinstance(self.value.type.element, ir.IntType)

    def _made(self, floats, integers, other):
        operation = getattr(self.builder, floats if self._is_float() else integers)
        return _Vector(self.builder, operation(self.value, self._of(other)))

    def __add__(self, other):
        return self._made("fadd", "add", other)

    def __sub__(self, other):
        return self._made("fsub", "sub", other)

    def __mul__(self, other):
        return self._made("fmul", "mul", other)

    def __xor__(self, other):
        return self._made("", "xor", other)

    def __or__(self, other):
        return self._made("", "or_", other)

    def __rshift__(self, bits):
        return self._made("", "lshr", bits)

    def __lshift__(self, bits):
        return self._made("", "shl", bits)

    def __abs__(self):
        return _called("llvm.fabs", self)


def _called(name, *vectors):
    """What an LLVM intrinsic makes of vectors of float64."""
    builder, kind = vectors[0].builder, vectors[0].value.type
    signature = ir.FunctionType(kind, [kind] * len(vectors))
    function = get_or_insert_function(builder.module, signature, f"{name}.v{WIDTH}f64")
    return _Vector(builder, builder.call(function, [v.value for v in vectors]))


def _chosen(sign, a, b):
    """The one of a and b that compares so; of numbers, one machine instruction."""
    builder = a.builder
    return _Vector(builder, builder.select(builder.fcmp_ordered(sign, a.value, b.value), a.value, b.value))


class _Functions:
    """The `m` of `formulas`; `narrow` when a coordinate is stored in 32 bits."""

    def __init__(self, narrow):
        self.narrow = narrow

    @staticmethod
    def sqrt(a):
        return _called("llvm.sqrt", a)

    @staticmethod
    def least(a, b):
        return _chosen("<", a, b)

    @staticmethod
    def most(a, b):
        return _chosen(">", a, b)


def row(context, builder, kind, value, q, at=None):
    """Address, as a vector's, of row q of an array from column `at` on."""
    array = context.make_array(kind)(context, builder, value)
    stride = builder.extract_value(array.strides, 0)
    first = builder.gep(
        builder.bitcast(array.data, ir.IntType(8).as_pointer()),
        [builder.mul(stride, ir.Constant(_I64, q))],
    )
    place = builder.bitcast(first, _KINDS[str(kind.dtype)].element.as_pointer())
    if at is not None:
        place = builder.gep(place, [at])
    return builder.bitcast(place, _KINDS[str(kind.dtype)].as_pointer())


def _loaded(builder, place):
    value = builder.load(place)
    value.align = 4
    return _Vector(builder, value)


def _loop(builder, groups, places, step):
    """Run `step(at, values)` for each group of lanes; `values`, kept in registers, begin and end at `places`."""
    before, body, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    start = [_loaded(builder, place).value for place in places]
    builder.cbranch(builder.icmp_signed(">", groups, ir.Constant(_I64, 0)), body, after)
    builder.position_at_end(body)
    index = builder.phi(_I64)
    values = [builder.phi(value.type) for value in start]
    made = step(builder.mul(index, ir.Constant(_I64, WIDTH)), [_Vector(builder, value) for value in values])
    following = builder.add(index, ir.Constant(_I64, 1))
    end = builder.block
    builder.cbranch(builder.icmp_signed("<", following, groups), body, after)
    _joined(index, before, ir.Constant(_I64, 0), end, following)
    for phi, first, then in zip(values, start, made, strict=True):
        _joined(phi, before, first, end, then.value)
    builder.position_at_end(after)
    finals = [builder.phi(value.type) for value in start]
    for phi, first, then, place in zip(finals, start, made, places, strict=True):
        _joined(phi, before, first, end, then.value)
        builder.store(phi, place).align = 4


def _joined(phi, before, first, end, then):
    phi.add_incoming(first, before)
    phi.add_incoming(then, end)


def _spread(builder, number):
    """A vector of float64 that holds one number in every lane."""
    lane = ir.IntType(32)
    one = builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), number, ir.Constant(lane, 0))
    everywhere = ir.Constant(ir.VectorType(lane, WIDTH), [0] * WIDTH)
    return _Vector(builder, builder.shuffle_vector(one, one, everywhere))


class _Chunk:
    """What the loops over a chunk have in common: its lanes, and where its sums are kept."""

    def __init__(self, context, builder, signature, arguments):
        self.context, self.builder = context, builder
        self._kinds, self._values = signature.args, arguments
        self.dtype = str(self._kinds[0].dtype)

    def place(self, argument, q, at=None):
        """Address of a vector in row q of an argument."""
        return row(self.context, self.builder, self._kinds[argument], self._values[argument], q, at)

    def corners(self, at):
        """Nine vectors, as they are stored."""
        return [_loaded(self.builder, self.place(0, q, at)) for q in range(9)]

    def doubles(self, at):
        """Nine vectors of float64."""
        if self.dtype == "float64":
            return self.corners(at)
        return [_Vector(self.builder, self.builder.fpext(c.value, _DOUBLES)) for c in self.corners(at)]

    def origin(self):
        return [_spread(self.builder, number) for number in self._values[2:5]]

    def loop(self, places, step):
        _loop(self.builder, self._values[1], places, step)
        return self.context.get_constant(types.int64, 0)


@intrinsic
def add_integrals(context, lanes, groups, ox, oy, oz, sums):
    """`scan.add_integrals`."""

    def generate(*given):
        chunk = _Chunk(*given)
        origin, m = chunk.origin(), _Functions(narrow=False)

        def step(at, found):
            return formulas.integrals(m, chunk.doubles(at), origin, found)

        return chunk.loop([chunk.place(5, q) for q in range(len(FIELDS))], step)

    arguments = (lanes, types.intp, types.float64, types.float64, types.float64, sums)
    return types.int64(*arguments), generate


@intrinsic
def add_boundaries(context, lanes, groups, box, words):
    """`scan.add_boundaries`."""

    def generate(*given):
        chunk = _Chunk(*given)
        builder, m = chunk.builder, _Functions(chunk.dtype == "float32")

        def step(at, found):
            corners = chunk.corners(at)
            bits = [builder.bitcast(c.value, _BITS[chunk.dtype]) for c in corners]
            if m.narrow:
                bits = [builder.zext(b, _WORDS) for b in bits]
            stored = [_Vector(builder, b) for b in bits]
            return [*formulas.widened(m, corners, found[:6]), *formulas.boundary(m, stored, found[6:])]

        return chunk.loop([chunk.place(2, q) for q in range(6)] + [chunk.place(3, q) for q in range(2)], step)

    return types.int64(lanes, types.intp, box, words), generate
