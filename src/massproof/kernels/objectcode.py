"""Object code of compiled kernels: kept for each user and each kind of processor, run without numba.

A file of the cache is named after the kernel and a digest of everything that decides its machine code: the
sources of all kernels, the version of LLVM's door, the processor and its features. It begins with a digest
of the rest, so that a damaged one is compiled again instead of being run. The rest is an image (`image`) that
is copied to memory, or where there is none, as on another kind of processor, an object file that LLVM links:
importing LLVM's door and linking takes 40 ms, the image one. What an image calls of other libraries, such as sin,
is kept by name: where those lie in memory is another matter in each process.

A digest says nothing of who wrote it, and names can be known ahead: only what this user, or root, wrote is run, from a
folder in which nobody else can write.
"""

import ctypes
import hashlib
import mmap
import os
import stat
import struct
import sys
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from massproof.errors import InputError

_TYPES = {
    "u1": ctypes.c_uint8,
    "i4": ctypes.c_int32,
    "u4": ctypes.c_uint32,
    "i8": ctypes.c_int64,
    "u8": ctypes.c_uint64,
    "f4": ctypes.c_float,
    "f8": ctypes.c_double,
}

# Where images run: elsewhere LLVM knows better what a processor wants before it executes what was written.
_IMAGES = sys.platform == "linux" and os.uname().machine == "x86_64"
_ADDRESS = 8  # bytes that an image has for each
# Of the lines of /proc/cpuinfo, those that say what a processor can do; others change from moment to moment.
_ABLE = ("vendor_id", "cpu family", "model", "stepping", "flags")

_kept: list[object] = []  # what holds code that has been linked


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


def obstacle() -> str:
    """Why object code cannot be kept, and what to do; "" where it can."""
    import tempfile

    try:
        _make(folder())
        with tempfile.TemporaryFile(dir=folder()):
            return _danger(folder())
    except OSError:
        return f"cannot write to {folder()}; set MASSPROOF_CACHE to a folder that can be written"


def _make(path):
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _danger(path: Path) -> str:
    """Why code in a folder may be somebody else's, and what to do; "" where it is not, or there is no folder."""
    try:
        if _own(path.stat()):
            return ""
    except OSError:
        return ""
    return (
        f"others can write to {path}, and what they put there would be run: compiled kernels are neither kept there "
        "nor used; make it yours alone (chmod go-w), or set MASSPROOF_CACHE to a folder that is"
    )


def _own(status):
    """Whether nobody but this user, or root, can have written what has this status."""
    if os.name != "posix":  # where a folder of the user's is the user's alone
        return True
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@cache
def _safe(path):
    """Whether code in a folder can be run; if not, that is said, once."""
    danger = _danger(path)
    if danger and sys.stderr:
        sys.stderr.write(f"massproof: {danger}\n")
    return not danger


def path_of(entry):
    """The file that holds, or will hold, the object code of a kernel."""
    return folder() / f"{entry.name}-{_key()}.o"


def quick(entry):
    """Whether the kernel is kept as an image, which needs no linker."""
    path = path_of(entry)
    try:
        return _IMAGES and _own(path.stat()) and _safe(path.parent)
    except OSError:
        return False


def linked(entry):
    """A C function of the kernel: from the cache, or compiled now and kept if the cache can be written."""
    code = kept(entry)
    if code is None:
        from massproof.kernels import crew

        crew.compile_family(entry)
        code = kept(entry) or _parsed(compiled(entry))
    start = _placed(code.content, code.outside) if code.image else 0
    address = start + int(code.where) if code.image else _link(code.where, code.content)
    types = []
    for argument in entry.arguments:
        if argument.shape is None:
            types.append(_TYPES[argument.dtype])
        else:
            types += [ctypes.c_int64] * argument.shape.count(None) + [ctypes.c_void_p]
    return ctypes.CFUNCTYPE(ctypes.c_int64, *types)(address)


def kept(entry):
    """What the cache holds of a kernel; None when it is to be compiled."""
    code = _read(path_of(entry))
    return _parsed(code) if code else None


class _Kept(NamedTuple):
    image: bool  # or an object file
    where: str  # its function begins, or its name
    outside: list[int]  # addresses of what an image calls
    content: bytes


def _parsed(code):
    """What is kept; None when that makes no sense, or calls what this process does not have."""
    head, line, content = code.partition(b"\n")
    kind, _, rest = head.decode("ascii", "replace").partition(" ")
    where, *names = rest.split(" ")
    if kind == "object" and where and line and content and not names:
        return _Kept(False, where, [], content)
    outside = [_address(name) for name in names]
    room = len(content) - _ADDRESS * len(names)
    if kind == "image" and _IMAGES and where.isdecimal() and int(where) < room and None not in outside:
        return _Kept(True, where, outside, content)
    return None


def _address(name):
    """Where a function lies of the libraries that Python itself uses; None when they have none of that name."""
    try:
        return ctypes.cast(_process()[name], ctypes.c_void_p).value
    except AttributeError:
        return None


@cache
def _process():
    """This process and the libraries it shows to all: where LLVM looks, too."""
    return ctypes.CDLL(None, use_errno=True)


def compiled(entry):
    """Compile a kernel and keep it; a terminal is told, since it takes seconds."""
    from massproof.kernels import compiler

    if sys.stderr and sys.stderr.isatty():
        sys.stderr.write(f"massproof: compiling {entry.name} for this processor, once (some seconds)\n")
    code = packed(*compiler.object_code(entry))
    _write(path_of(entry), code)
    return code


def packed(name, binary):
    """What is kept of a function `name` in an object file: a line that says how to run it, and the code."""
    from massproof.kernels import image

    found = image.flat(binary, name) if _IMAGES else None
    if found is None or None in map(_address, found.outside):
        return f"object {name}\n".encode() + binary
    return " ".join(("image", str(found.start), *found.outside)).encode() + b"\n" + found.content


def _read(path):
    """Content of a cache file, None when there is none, it is damaged, or another user can have written it."""
    try:
        with path.open("rb") as file:
            # The status of what was opened: a name may lead to another file by now.
            data = file.read() if _own(os.fstat(file.fileno())) and _safe(path.parent) else b""
    except OSError:
        return None
    return data[32:] if hashlib.sha256(data[32:]).digest() == data[:32] else None


def _write(path, code):
    """Keep `code`, all of it or nothing; a cache that cannot be written is done without."""
    import tempfile

    with suppress(OSError):
        _make(path.parent)
        if not _safe(path.parent):
            return
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                file.write(hashlib.sha256(code).digest() + code)
                file.close()
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise


def _placed(content, outside=()):
    """Address of a copy of an image, with the addresses of what it calls, that can be executed and no longer written.

    Raises InputError where the system forbids that, as LLVM could not link there either.
    """
    memory = mmap.mmap(-1, len(content), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(content[: len(content) - _ADDRESS * len(outside)])
    memory.write(struct.pack(f"={len(outside)}Q", *outside))
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    protect = _process().mprotect
    protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    if protect(address, len(content), mmap.PROT_READ | mmap.PROT_EXEC):
        why = os.strerror(ctypes.get_errno())
        msg = (
            f"this system lets no program make code executable ({why}); set NUMBA_DISABLE_JIT=1 to do without"
        )
        raise InputError(msg)
    _kept.append(memory)
    return address


def _link(name, binary):
    llvm = _llvm()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(binary))
    engine.finalize_object()
    _kept.append(engine)
    return engine.get_function_address(name)


@cache
def _llvm():
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@cache
def processor():
    """Name and features of this processor, as LLVM spells them."""
    llvm = _llvm()
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def _processor():
    """What `processor` depends on, without LLVM where the system says it."""
    try:
        # No further than the first of many processors: each takes its time.
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as text:
            lines = [line for line in takewhile(str.strip, text) if line.startswith(_ABLE)]
    except OSError:
        lines = []
    return "".join(lines if _IMAGES and lines else processor())


def _door():
    """What tells one version of LLVM's door from another, without importing it where its file can be read."""
    spec = find_spec("llvmlite")
    try:
        return Path(spec.origin).with_name("_version.py").read_bytes()
    except (AttributeError, TypeError, OSError):  # packed up in one file with all that a program needs
        import llvmlite

        return llvmlite.__version__.encode()


@cache
def _key():
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    for fact in (_door(), sys.platform.encode(), _processor().encode()):
        digest.update(fact + b"\0")
    return digest.hexdigest()[:24]
