"""Object code of compiled kernels: kept for each user and each kind of processor, linked without numba.

A file of the cache is named after the kernel and a digest of everything that decides its machine code: the
sources of all kernels, the version of LLVM's door, the processor and its features. It begins with a digest
of the rest, so that a damaged one is compiled again instead of being run.
"""

import ctypes
import hashlib
import os
import platform
import sys
import tempfile
from functools import cache
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm

_TYPES = {
    "u1": ctypes.c_uint8,
    "i4": ctypes.c_int32,
    "u4": ctypes.c_uint32,
    "i8": ctypes.c_int64,
    "u8": ctypes.c_uint64,
    "f4": ctypes.c_float,
    "f8": ctypes.c_double,
}

_engines: list[llvm.ExecutionEngine] = []  # keep linked code alive


def folder() -> Path:
    """Where object code is kept: MASSPROOF_CACHE, or the user's cache."""
    own = os.environ.get("MASSPROOF_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "massproof"
    except RuntimeError:  # a user without a home: nothing can be kept
        return Path(os.devnull) / "massproof"


def writable() -> bool:
    """Whether object code can be kept."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder()):
            return True
    except OSError:
        return False


def path_of(entry):
    """The file that holds, or will hold, the object code of a kernel."""
    return folder() / f"{entry.name}-{_key()}.o"


def linked(entry):
    """A C function of the kernel: from the cache, or compiled now and kept if the cache can be written."""
    code = _read(path_of(entry))
    if code is None:
        code = compiled(entry)
    name, _, binary = code.partition(b"\n")
    address = _link(name.decode(), binary)
    types = []
    for argument in entry.arguments:
        if argument.shape is None:
            types.append(_TYPES[argument.dtype])
        else:
            types += [ctypes.c_int64] * argument.shape.count(None) + [ctypes.c_void_p]
    return ctypes.CFUNCTYPE(ctypes.c_int64, *types)(address)


def compiled(entry):
    """Compile a kernel and keep it; a terminal is told, since it takes seconds."""
    from massproof.kernels import compiler

    if sys.stderr.isatty():
        sys.stderr.write(f"massproof: compiling {entry.name} for this processor, once (some seconds)\n")
    code = compiler.object_code(entry)
    _write(path_of(entry), code)
    return code


def _read(path):
    """Content of a cache file, None when there is none or it is damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    return data[32:] if hashlib.sha256(data[32:]).digest() == data[:32] else None


def _write(path, code):
    """Keep `code`, all of it or nothing; a cache that cannot be written is done without."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(hashlib.sha256(code).digest() + code)
        Path(file.name).replace(path)
    except OSError:
        return


def _link(name, binary):
    _initialize()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(binary))
    engine.finalize_object()
    _engines.append(engine)
    return engine.get_function_address(name)


@cache
def _initialize():
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


@cache
def processor():
    """Name and features of this processor, as LLVM spells them."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


@cache
def _key():
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for fact in (llvmlite.__version__, platform.machine(), sys.platform, *processor()):
        digest.update(fact.encode() + b"\0")
    return digest.hexdigest()[:24]
