"""Code that LLVM does not find by itself, generated instruction by instruction; only the compiler imports it."""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from massproof.kernels.wide import add_boundaries as add_boundaries
from massproof.kernels.wide import add_integrals as add_integrals
from massproof.kernels.wide import row

_FLOAT, _BYTE, _I32, _I64 = ir.FloatType(), ir.IntType(8), ir.IntType(32), ir.IntType(64)
_EIGHT = ir.VectorType(_FLOAT, 8)
_PAIRS_LOW, _PAIRS_HIGH = [0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15]
_FOURS_LOW, _FOURS_HIGH = [0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15]
_HALF_LOW, _HALF_HIGH = [0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7, 12, 13, 14, 15]


def _source(context, builder, signature, arguments):
    """Address of byte `at` of an array of bytes."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    return builder.gep(builder.bitcast(array.data, _BYTE.as_pointer()), [arguments[1]])


def _store(context, builder, signature, arguments, q, value):
    """Put float32, one or eight, into row q of the lanes from column j on; −0.0 becomes 0.0."""
    lanes = signature.args[2]
    zero = ir.Constant(value.type, 0.0 if value.type is _FLOAT else [0.0] * 8)
    value = builder.fadd(value, zero)
    if str(lanes.dtype) == "float64":
        double = ir.DoubleType()
        value = builder.fpext(value, double if value.type is _FLOAT else ir.VectorType(double, 8))
    place = row(context, builder, lanes, arguments[2], q, arguments[3])
    builder.store(value, builder.bitcast(place, value.type.as_pointer())).align = 4


def _load(builder, first, byte, kind):
    """What lies `byte` bytes after an address, aligned or not."""
    place = builder.gep(first, [ir.Constant(_I64, byte)])
    value = builder.load(builder.bitcast(place, kind.as_pointer()))
    value.align = 1
    return value


def _transposed(builder, rows):
    """Eight vectors of eight, transposed in registers: pairs, fours, halves."""

    def mixed(a, b, order):
        return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_I32, 8), order))

    pairs = [mixed(rows[q], rows[q + 1], m) for q in (0, 2, 4, 6) for m in (_PAIRS_LOW, _PAIRS_HIGH)]
    fours = [mixed(pairs[a], pairs[a + 2], m) for a in (0, 1, 4, 5) for m in (_FOURS_LOW, _FOURS_HIGH)]
    return [mixed(fours[k], fours[k + 4], m) for m in (_HALF_LOW, _HALF_HIGH) for k in range(4)]


@intrinsic
def eight_records(context, data, at, lanes, j):
    """Nine float32 of each of eight records of 50 bytes, from byte `at` on, to lanes[:, j:j+8].

    Eight rows of eight are transposed; the ninth is gathered. −0.0 becomes 0.0, so that equal positions
    have equal bits.
    """

    def generate(context, builder, signature, arguments):
        first = _source(context, builder, signature, arguments)
        ninth = ir.Constant(_EIGHT, ir.Undefined)
        for r in range(8):
            ninth = builder.insert_element(
                ninth, _load(builder, first, 50 * r + 32, _FLOAT), ir.Constant(_I32, r)
            )
        columns = _transposed(builder, [_load(builder, first, 50 * r, _EIGHT) for r in range(8)])
        for q, column in enumerate([*columns, ninth]):
            _store(context, builder, signature, arguments, q, column)
        return context.get_constant(types.int64, 0)

    return types.int64(data, types.intp, lanes, types.intp), generate


@intrinsic
def one_record(context, data, at, lanes, j):
    """Nine float32 from byte `at` on to lanes[:, j], −0.0 as 0.0."""

    def generate(context, builder, signature, arguments):
        first = _source(context, builder, signature, arguments)
        for q in range(9):
            _store(context, builder, signature, arguments, q, _load(builder, first, 4 * q, _FLOAT))
        return context.get_constant(types.int64, 0)

    return types.int64(data, types.intp, lanes, types.intp), generate


@intrinsic
def bits(context, x):
    """The 64 bits of a float64."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], _I64)

    return types.uint64(types.float64), generate


@intrinsic
def prefetch(context, words, i):
    """Ask for words[i], which is read soon, to be brought near; any i is allowed."""

    def generate(context, builder, signature, arguments):
        source = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(source, [arguments[1]]), _BYTE.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _I32, _I32, _I32])
        function = builder.module.declare_intrinsic("llvm.prefetch", [_BYTE.as_pointer()], kind)
        builder.call(function, [place, *(ir.Constant(_I32, n) for n in (0, 3, 1))])  # read, keep, data
        return context.get_constant(types.int64, 0)

    return types.int64(words, types.intp), generate


def _bytes_from(context, builder, kind, array, at, target):
    """`target`, an LLVM type, read from the array's byte `at` on; no alignment is asked for."""
    source = context.make_array(kind)(context, builder, array).data
    place = builder.bitcast(builder.gep(source, [at]), target.as_pointer())
    value = builder.load(place)
    value.align = 1
    return value


@intrinsic
def byte(context, text, at):
    """text[at] as int64; `at` is trusted, where numba would ask whether it counts from the end."""

    def generate(context, builder, signature, arguments):
        value = _bytes_from(context, builder, signature.args[0], arguments[0], arguments[1], _BYTE)
        return builder.zext(value, _I64)

    return types.int64(text, types.intp), generate


@intrinsic
def word(context, text, at):
    """text[at:at+8] as one uint64, the first byte lowest."""

    def generate(context, builder, signature, arguments):
        return _bytes_from(context, builder, signature.args[0], arguments[0], arguments[1], _I64)

    return types.uint64(text, types.intp), generate


@intrinsic
def outside(context, text, at, low, high):
    """A bit for each of text[at:at+64], the first lowest: whether it is not one of low..high."""

    def generate(context, builder, signature, arguments):
        many = ir.VectorType(_BYTE, 64)
        values = _bytes_from(context, builder, signature.args[0], arguments[0], arguments[1], many)
        everywhere = ir.Constant(ir.VectorType(_I32, 64), [0] * 64)

        def spread(number):
            one = builder.trunc(number, _BYTE)
            vector = builder.insert_element(ir.Constant(many, ir.Undefined), one, ir.Constant(_I32, 0))
            return builder.shuffle_vector(vector, vector, everywhere)

        low, high = spread(arguments[2]), spread(arguments[3])
        found = builder.icmp_unsigned(">", builder.sub(values, low), builder.sub(high, low))
        return builder.bitcast(found, _I64)

    return types.uint64(text, types.intp, types.int64, types.int64), generate


def _count_zeros(name):
    """An intrinsic of one uint64; LLVM's second argument says that 0 has 64 zeros."""

    def typed(context, x):
        def generate(context, builder, signature, arguments):
            kind = ir.FunctionType(_I64, [_I64, ir.IntType(1)])
            function = builder.module.declare_intrinsic(name, [_I64], kind)
            return builder.call(function, [arguments[0], ir.Constant(ir.IntType(1), 0)])

        return types.int64(types.uint64), generate

    return intrinsic(typed)


trailing_zeros = _count_zeros("llvm.cttz")
leading_zeros = _count_zeros("llvm.ctlz")


@intrinsic
def ones(context, x):
    """How many bits of a uint64 are set."""

    def generate(context, builder, signature, arguments):
        function = builder.module.declare_intrinsic("llvm.ctpop", [_I64], ir.FunctionType(_I64, [_I64]))
        return builder.call(function, arguments)

    return types.int64(types.uint64), generate


@intrinsic
def high_product(context, a, b):
    """The upper 64 of the 128 bits of a product of two uint64."""

    def generate(context, builder, signature, arguments):
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(x, wide) for x in arguments))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), _I64)

    return types.uint64(types.uint64, types.uint64), generate


@intrinsic
def from_bits(context, x):
    """The float64 of these 64 bits."""

    def generate(context, builder, signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.uint64), generate


@intrinsic
def meeting(context, nodes, n, boxes, row):
    """A bit for each of the eight boxes of nodes[n] that meets boxes[row]."""

    def generate(context, builder, signature, arguments):
        many = ir.VectorType(_I32, 8)
        source = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        query = context.make_array(signature.args[2])(context, builder, arguments[2]).data
        first = builder.gep(source, [builder.mul(arguments[1], ir.Constant(_I64, 48))])
        query = builder.gep(query, [builder.mul(arguments[3], ir.Constant(_I64, 6))])
        everywhere = ir.Constant(ir.VectorType(_I32, 8), [0] * 8)

        def side(k):
            place = builder.gep(first, [ir.Constant(_I64, 8 * k)])
            value = builder.load(builder.bitcast(place, many.as_pointer()))
            value.align = 4
            return value

        def spread(k):
            one = builder.load(builder.gep(query, [ir.Constant(_I64, k)]))
            vector = builder.insert_element(ir.Constant(many, ir.Undefined), one, ir.Constant(_I32, 0))
            return builder.shuffle_vector(vector, vector, everywhere)

        found = None
        for k in range(3):
            begins = builder.icmp_signed("<=", side(k), spread(k + 3))
            ends = builder.icmp_signed(">=", side(k + 3), spread(k))
            both = builder.and_(begins, ends)
            found = both if found is None else builder.and_(found, both)
        return builder.zext(builder.bitcast(found, _BYTE), _I64)

    return types.int64(nodes, types.intp, boxes, types.intp), generate


@intrinsic
def lowest_bit(context, x):
    """Number of the lowest bit that is set in an int64 that is not 0."""

    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(_I64, [_I64, ir.IntType(1)])
        function = builder.module.declare_intrinsic("llvm.cttz", [_I64], kind)
        return builder.call(function, [arguments[0], ir.Constant(ir.IntType(1), 1)])

    return types.int64(types.int64), generate


@intrinsic
def unlike(context, text, at, other):
    """A bit for each of text[at:at+64], the first lowest: whether it is not what stands at text[other:]."""

    def generate(context, builder, signature, arguments):
        many = ir.VectorType(_BYTE, 64)
        here, there = (
            _bytes_from(context, builder, signature.args[0], arguments[0], place, many)
            for place in arguments[1:]
        )
        return builder.bitcast(builder.icmp_unsigned("!=", here, there), _I64)

    return types.uint64(text, types.intp, types.intp), generate


def _digits(builder, words):
    """Values of up to eight words of eight digits each: pairs, fours, eights; a byte of 0 is a digit 0."""
    kind = ir.VectorType(_I64, 8)
    found = builder.and_(_vector(builder, kind, words), ir.Constant(kind, [0x0F0F0F0F0F0F0F0F] * 8))
    for width, factor in ((16, 10), (32, 100)):
        narrow = ir.VectorType(ir.IntType(width), 512 // width)
        parts = builder.bitcast(found, narrow)
        parts = builder.mul(parts, ir.Constant(narrow, [(factor << width // 2) + 1] * narrow.count))
        parts = builder.lshr(parts, ir.Constant(narrow, [width // 2] * narrow.count))
        found = builder.bitcast(parts, kind)
    low = builder.and_(found, ir.Constant(kind, [0xFFFFFFFF] * 8))
    high = builder.lshr(found, ir.Constant(kind, [32] * 8))
    return builder.add(builder.mul(low, ir.Constant(kind, [10_000] * 8)), high)


def _vector(builder, kind, scalars):
    """A vector of these scalars, and zeros."""
    vector = ir.Constant(kind, [0.0 if kind.element == ir.DoubleType() else 0] * kind.count)
    for k, scalar in scalars.items():
        vector = builder.insert_element(vector, scalar, ir.Constant(_I32, k))
    return vector


def _joined(builder, eights):
    """Four numbers of which the first half of a vector is what is before the point, the other half 10⁸ fractions."""
    fours = ir.VectorType(_I64, 4)
    halves = (ir.Constant(ir.VectorType(_I32, 4), lanes) for lanes in ([0, 1, 2, 3], [4, 5, 6, 7]))
    whole, part = (builder.shuffle_vector(eights, eights, half) for half in halves)
    whole = builder.and_(whole, ir.Constant(fours, [0xFFFFFFFF] * 4))
    return builder.add(builder.mul(whole, ir.Constant(fours, [100_000_000] * 4)), part)


def _number_words(builder, load, begin, point, end):
    """Digits before a point, at the end of a word, and those after it, at the beginning of one; see `three_values`.

    load : of a byte after the first one, eight bytes
    """
    missing = builder.sub(ir.Constant(_I64, 8), builder.sub(point, begin))
    whole = builder.shl(load(begin), builder.shl(missing, ir.Constant(_I64, 3)))
    # The bytes of a word that are a fraction, when so many bytes are from the point on.
    masks = ir.Constant(ir.ArrayType(_I64, 10), [(1 << 8 * max(n - 1, 0)) - 1 for n in range(10)])
    kept = cgutils.global_constant(builder.module, "kept", masks)
    mask = builder.load(builder.gep(kept, [ir.Constant(_I64, 0), builder.sub(end, point)]))
    return whole, builder.and_(load(builder.add(point, ir.Constant(_I64, 1))), mask)


@intrinsic
def three_values(context, text, at, begins, points, ends, minus, divisors, values, place):
    """Three numbers to values.reshape(−1)[place:]; see `numbers.three_values`.

    All six words of eight digits are converted at once, and every number is then a multiple of 10⁻⁸.
    """
    three, kind = types.UniTuple(types.int64, 3), types.UniTuple(types.float64, 3)

    def generate(context, builder, signature, arguments):
        text, at, begins, points, ends, minus, divisors, values, place = arguments
        fours, doubles = ir.VectorType(_I64, 4), ir.VectorType(ir.DoubleType(), 4)

        def load(byte):
            return _bytes_from(context, builder, signature.args[0], text, builder.add(at, byte), _I64)

        words, signs, by = {}, {}, {3: ir.Constant(ir.DoubleType(), 1.0)}
        minus = builder.shl(minus, ir.Constant(_I64, 1))
        for k in range(3):
            begin, point, end = (builder.extract_value(x, k) for x in (begins, points, ends))
            words[k], words[k + 4] = _number_words(builder, load, begin, point, end)
            signs[k] = builder.shl(builder.lshr(minus, begin), ir.Constant(_I64, 63))
            by[k] = builder.extract_value(divisors, k)
        mantissa = _joined(builder, _digits(builder, words))
        value = builder.fdiv(builder.sitofp(mantissa, doubles), _vector(builder, doubles, by))
        value = builder.or_(builder.bitcast(value, fours), _vector(builder, fours, signs))
        first = context.make_array(signature.args[7])(context, builder, values).data
        for k in range(3):
            one = builder.extract_element(builder.bitcast(value, doubles), ir.Constant(_I32, k))
            builder.store(one, builder.gep(first, [builder.add(place, ir.Constant(_I64, k))]))
        return context.get_constant(types.int64, 0)

    return types.int64(
        text, types.intp, three, three, three, types.uint64, kind, values, types.intp
    ), generate


@intrinsic
def six_indices(context, text, at, befores, ends, total, corners, place):
    """Six numbers, each less 1, to corners[place:]; see `obj_text.six_indices`."""
    six = types.UniTuple(types.int64, 6)

    def generate(context, builder, signature, arguments):
        text, at, befores, ends, total, corners, place = arguments
        eights = ir.VectorType(_I64, 8)
        words = {}
        for k in range(6):
            before, end = builder.extract_value(befores, k), builder.extract_value(ends, k)
            first = builder.add(builder.add(at, before), ir.Constant(_I64, 1))
            word = _bytes_from(context, builder, signature.args[0], text, first, _I64)
            missing = builder.sub(ir.Constant(_I64, 9), builder.sub(end, before))
            words[k] = builder.shl(word, builder.shl(missing, ir.Constant(_I64, 3)))
        found = builder.sub(_digits(builder, words), ir.Constant(eights, [1] * 6 + [0] * 2))
        limits = _vector(builder, eights, dict.fromkeys(range(8), total))
        inside = builder.icmp_unsigned("<", found, limits)  # so are the two that are not used
        small = builder.trunc(found, ir.VectorType(_I32, 8))
        out = builder.gep(context.make_array(signature.args[5])(context, builder, corners).data, [place])
        for first, count in ((0, 4), (4, 2)):
            lanes = ir.Constant(ir.VectorType(_I32, count), list(range(first, first + count)))
            part = builder.shuffle_vector(small, small, lanes)
            target = builder.gep(out, [ir.Constant(_I64, first)])
            store = builder.store(part, builder.bitcast(target, part.type.as_pointer()))
            store.align = 4
        all_inside = builder.icmp_unsigned("==", builder.bitcast(inside, _BYTE), ir.Constant(_BYTE, 255))
        return builder.zext(all_inside, _I64)

    return types.int64(text, types.intp, six, six, types.int64, corners, types.intp), generate
