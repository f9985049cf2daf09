"""Compiles kernels with numba: the one place that imports it and spells its options.

No fastmath: it may reorder sums, and our error bounds count on the order as written.

Numba optimizes a function and makes machine code of it, then does the same to each function that it is inlined
into, and so on. Here each is translated only, and what a kernel needs is optimized once, all together: half the
time. Its own contexts keep such functions from those that the user compiles.
"""

import re
import threading
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from numba.core import cpu, registry
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.compiler_lock import global_compiler_lock
from numba.core.typing import Context

from massproof.kernels import objectcode, simd
from massproof.kernels.jit import APART, KERNELS

# A function of numba's runtime or Python's that assembly declares: what it returns, its name, its arguments.
_DECLARED = re.compile(r"^declare ([^@\n]*)@((?:numba|NRT|Py)_?\w+)\(([^\n]*)\)[^)\n]*$", re.MULTILINE)
_EXCEPTION = re.compile(r"^(@PyExc_\w+) = external global i8$", re.MULTILINE)
_DEFINED = re.compile(r"^(define [^@\n]*@.*\)(?: (?:local_)?unnamed_addr)?)( #\d+)? \{$", re.MULTILINE)
# What allocates, and the constants that describe what is raised.
_REFUSED = re.compile(r"@(NRT_Allocate|NRT_MemInfo_alloc|\.const\.picklebuf)")
_OPTIONS = {"nopython": True, "error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

_here = threading.local()  # whether this thread compiles kernels
_functions: dict[
    Callable[..., Any], Any
] = {}  # kernels that were translated, and numba's dispatchers of them


class _Library(JITCodeLibrary):
    """A function as numba translates it: neither optimized nor ever run."""

    def _optimize_functions(self, ll_module):
        ll_module.data_layout = self._codegen._data_layout

    def finalize(self):
        self._finalized = True

    def get_pointer_to_function(self, name):
        return 0

    def whole(self, name):
        """The module of function `name`, with all that it needs, optimized."""
        seen, waiting = {self}, [*self._linking_libraries]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting += one._linking_libraries
                self._final_module.link_in(one._final_module, preserve=True)
        apart = {
            done.fndesc.llvm_func_name
            for function in APART & _functions.keys()
            for done in _functions[function].overloads.values()
        }
        for function in self._final_module.functions:
            if not function.is_declaration and function.name != name:
                function.linkage = "internal"
                if function.name in apart:
                    function.add_function_attribute("noinline")
        self._optimize_final_module()
        return self._final_module


class _Codegen(JITCPUCodegen):
    _library_class = _Library

    def set_env(self, env_name, env):
        """Nothing: kernels know no Python."""


class _Context(cpu.CPUContext):
    def init(self):
        super().init()
        self._internal_codegen = _Codegen("massproof")


class _Target(registry.CPUTarget):
    """Numba's target, whose contexts are ours where kernels are compiled."""

    @property
    def target_context(self):
        return _contexts()[1] if getattr(_here, "compiling", False) else super().target_context

    @property
    def typing_context(self):
        return _contexts()[0] if getattr(_here, "compiling", False) else super().typing_context


class _Dispatcher(registry.CPUDispatcher):
    """A kernel in one version for all constants that it is called with."""

    def get_call_template(self, args, kws):
        return super().get_call_template(tuple(map(numba.types.unliteral, args)), kws)


@cache
def _contexts():
    types = Context()
    return types, _Context(types, "cpu")


registry.cpu_target.__class__ = _Target


def object_code(entry):
    """Name of the C function, and the object code that holds it.

    Raises RuntimeError for a kernel that allocates or raises: it would need numba at run time.
    """
    with global_compiler_lock:
        _here.compiling = True
        try:
            function = numba.cfunc(_signature(entry), error_model="numpy")(_with_arrays(entry))
            text = str(function._library.whole(function.native_name))
        finally:
            _here.compiling = False
    module = llvm.parse_assembly(_alone(text, entry))
    name, features = objectcode.processor()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=name, features=features, opt=3, reloc="pic", codemodel="default"
    )
    return function.native_name, machine.emit_object(module)


def _alone(text, entry):
    """Assembly that refers to nothing of numba or Python: what numba's wrapper calls after an error stops instead."""
    wrong = sorted(set(_REFUSED.findall(text)))
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
    scope = {"carray": numba.carray, "kernel": _jitted(entry.function)}
    exec(text, scope)
    return scope["wrapped"]


def _jitted(function):
    """Numba's dispatcher of `function`, with everything it calls replaced by theirs."""
    if function not in _functions:
        scope = dict(function.__globals__)
        for name in function.__code__.co_names:
            inner = scope.get(name)
            if isinstance(inner, FunctionType) and inner in KERNELS:
                replaced = KERNELS[inner]
                scope[name] = getattr(simd, replaced) if replaced else _jitted(inner)
        copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
        options = _OPTIONS | {"forceinline": function not in APART}
        _functions[function] = _Dispatcher(copy, targetoptions=options)
    return _functions[function]
