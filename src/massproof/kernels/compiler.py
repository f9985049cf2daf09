"""Compiles kernels with numba: the one place that imports it and spells its options.

No fastmath: it may reorder sums, and our error bounds count on the order as written.
"""

import re
from types import FunctionType

import llvmlite.binding as llvm
import numba
import numpy as np

from massproof.kernels import objectcode, simd
from massproof.kernels.jit import KERNELS

# A function of numba's runtime or Python's that assembly declares: what it returns, its name, its arguments.
_DECLARED = re.compile(r"^declare ([^@\n]*)@((?:numba|NRT|Py)_?\w+)\(([^)\n]*)\)[^\n]*$", re.MULTILINE)
_EXCEPTION = re.compile(r"^(@PyExc_\w+) = external global i8$", re.MULTILINE)
_DEFINED = re.compile(r"^(define [^@\n]*@.*\)(?: local_unnamed_addr)?)( #\d+)? \{$", re.MULTILINE)
_REFUSED = ("NRT_Allocate", "NRT_MemInfo_alloc", "numba_do_raise")
_OPTIONS = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}


def object_code(entry):
    """Name of the C function, and the object code that holds it.

    Raises RuntimeError for a kernel that allocates or raises: it would need numba at run time.
    """
    function = numba.cfunc(_signature(entry), error_model="numpy")(_with_arrays(entry))
    module = llvm.parse_assembly(_alone(function._library.get_llvm_str(), entry))
    cpu, features = objectcode.processor()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features, opt=3, reloc="pic", codemodel="default"
    )
    return function.native_name, machine.emit_object(module)


def _alone(text, entry):
    """Assembly that refers to nothing of numba or Python: what numba's wrapper calls after an error stops instead."""
    needs = {name for _, name, _ in _DECLARED.findall(text)}
    wrong = sorted(name for name in needs if name.startswith(_REFUSED))
    if wrong:
        msg = f"kernel {entry.name} must not allocate or raise, and needs {', '.join(wrong)}"
        raise RuntimeError(msg)
    # Vectors that are put on the stack must not straddle two lines of the cache: some runs took half as long again.
    text = _DEFINED.sub(r"\1 alignstack(64)\2 {", text)
    stop = r"define internal \1@\2(\3) {\n  call void @llvm.trap()\n  unreachable\n}"
    text = _EXCEPTION.sub(r"\1 = internal constant i8 0", text)
    return _DECLARED.sub(stop, text) + "\ndeclare void @llvm.trap()\n"


def _signature(entry):
    types = []
    for argument in entry.arguments:
        plain = numba.from_dtype(np.dtype(argument.dtype))
        if argument.shape is None:
            types.append(plain)
        else:
            types += [numba.types.int64] * argument.shape.count(None) + [numba.types.CPointer(plain)]
    return numba.types.int64(*types)


def _with_arrays(entry):
    """A function of scalars and pointers that makes arrays of them and calls the kernel."""
    names, lines, call = [], [], []
    for i, argument in enumerate(entry.arguments):
        if argument.shape is not None:
            unknown = [f"n{i}_{k}" for k, n in enumerate(argument.shape) if n is None]
            shape = [f"n{i}_{k}" if n is None else str(n) for k, n in enumerate(argument.shape)]
            names += unknown
            lines.append(f"    a{i} = carray(p{i}, ({', '.join(shape)},))\n")
            names.append(f"p{i}")
            call.append(f"a{i}")
        else:
            names.append(f"a{i}")
            call.append(f"a{i}")
    text = f"def wrapped({', '.join(names)}):\n{''.join(lines)}    return kernel({', '.join(call)})\n"
    scope = {"carray": numba.carray, "kernel": _jitted(entry.function, {})}
    exec(text, scope)
    return scope["wrapped"]


def _jitted(function, done):
    """`function` compiled, with everything it calls compiled too."""
    if function not in done:
        scope = dict(function.__globals__)
        for name in function.__code__.co_names:
            inner = scope.get(name)
            if isinstance(inner, FunctionType) and inner in KERNELS:
                replaced = KERNELS[inner]
                scope[name] = getattr(simd, replaced) if replaced else _jitted(inner, done)
        copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
        done[function] = numba.njit(**_OPTIONS)(copy)
    return done[function]
