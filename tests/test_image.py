"""Object files become bytes that run, and call what other libraries hold; those with variables are left to the linker."""

import ctypes
import errno
import math
from types import SimpleNamespace

import pytest

from massproof.errors import InputError
from massproof.kernels import image, objectcode

LINUX = pytest.mark.skipif(not objectcode._IMAGES, reason="images are for Linux on x86-64")
TABLE = "@table = internal constant [4 x i64] [i64 3, i64 5, i64 7, i64 11]\n"
LOOK_UP = TABLE + (
    "define i64 @other(i64 %i) noinline {\n"
    "  %p = getelementptr [4 x i64], ptr @table, i64 0, i64 %i\n  %v = load i64, ptr %p\n  ret i64 %v\n}\n"
    "define i64 @wanted(i64 %i) {\n  %v = call i64 @other(i64 %i)\n  %w = mul i64 %v, 2\n  ret i64 %w\n}\n"
)
OUTSIDE = TABLE + (
    "declare i64 @labs(i64)\ndeclare double @atan2(double, double)\ndeclare double @cos(double)\n"
    "define i64 @wanted(i64 %i) {\n  %n = call i64 @labs(i64 %i)\n  %x = sitofp i64 %n to double\n"
    "  %a = call double @atan2(double 1.0, double %x)\n  %c = call double @cos(double %a)\n"
    "  %d = fmul double %c, 1048576.0\n  %e = fptosi double %d to i64\n"
    "  %p = getelementptr [4 x i64], ptr @table, i64 0, i64 %n\n  %v = load i64, ptr %p\n"
    "  %w = add i64 %e, %v\n  ret i64 %w\n}\n"
)
UNKNOWN = OUTSIDE.replace("labs", "no_such_function")
FOREIGN = (
    "@environ = external global ptr\ndefine i64 @wanted(i64 %i) {\n  %p = load ptr, ptr @environ\n"
    "  %v = ptrtoint ptr %p to i64\n  ret i64 %v\n}\n"
)
VARIABLE = (
    "@count = global i64 4\ndefine i64 @wanted(i64 %i) {\n  %v = load i64, ptr @count\n  ret i64 %v\n}\n"
)


def built(text):
    llvm = objectcode._llvm()
    machine = llvm.Target.from_default_triple().create_target_machine(reloc="pic", codemodel="default")
    return machine.emit_object(llvm.parse_assembly(text))


def called(packed, argument):
    kept = objectcode._parsed(packed)
    address = objectcode._placed(kept.content, kept.outside) + int(kept.where)
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(argument)


@LINUX
def test_an_image_calls_its_own_functions_and_reads_its_own_constants():
    packed = objectcode.packed("wanted", built(LOOK_UP))

    assert packed.startswith(b"image ")
    assert [called(packed, i) for i in range(4)] == [6, 10, 14, 22]


@LINUX
def test_an_image_calls_functions_of_other_libraries():
    """By name: nothing that is kept says where they lie, which differs from process to process."""
    packed = objectcode.packed("wanted", built(OUTSIDE))
    expected = [int(math.cos(math.atan2(1, i)) * 2**20) + [3, 5, 7, 11][i] for i in range(4)]

    head, _, content = packed.partition(b"\n")
    assert sorted(head.split()[2:]) == [b"atan2", b"cos", b"labs"]
    assert content.endswith(bytes(3 * 8))
    assert [called(packed, i) for i in (0, -1, 2, -3)] == expected


@LINUX
def test_what_this_process_does_not_have_is_compiled_again():
    """Where it is kept by another installation: what is compiled here then is left to the linker."""
    packed = objectcode.packed("wanted", built(OUTSIDE))

    assert objectcode._parsed(packed.replace(b" labs", b" no_such_function", 1)) is None
    assert objectcode.packed("wanted", built(UNKNOWN)).startswith(b"object wanted\n")


@LINUX
@pytest.mark.parametrize("text", [VARIABLE, FOREIGN], ids=["its own", "of another library"])
def test_what_has_variables_is_no_image(text):
    binary = built(text)

    assert image.flat(binary, "wanted") is None
    assert objectcode.packed("wanted", binary) == b"object wanted\n" + binary


@LINUX
def test_code_for_another_kind_of_processor_is_no_image():
    binary = bytearray(built(LOOK_UP))
    binary[18:20] = (183).to_bytes(2, "little")  # AArch64

    assert image.flat(bytes(binary), "wanted") is None


HEADER = b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + b"\x3e\0"  # for x86-64


@pytest.mark.parametrize(
    "binary",
    [b"", b"\xcf\xfa\xed\xfe" + bytes(100), HEADER, HEADER.ljust(64, b"\0")],
    ids=["nothing", "Mach-O", "half a header", "no sections"],
)
def test_other_kinds_of_object_files_are_no_images(binary):
    assert image.flat(binary, "wanted") is None


@LINUX
def test_a_section_that_may_lie_anywhere_is_left_to_the_linker(monkeypatch):
    """Of all sections, alignment 1 and 0 mean the same to ELF, and LLVM writes neither for code."""
    binary, sections = built(LOOK_UP), image._sections

    def shifted(binary):
        found = sections(binary)
        next(one for one in found if one.name == ".text").alignment = 0
        return found

    monkeypatch.setattr(image, "_sections", shifted)
    assert image.flat(binary, "wanted") is None


def test_the_key_of_the_cache_needs_no_llvm_and_tells_processors_apart(monkeypatch):
    monkeypatch.setattr(objectcode, "processor", lambda: ("cpu", "+one,-two"))
    monkeypatch.setattr(objectcode, "_IMAGES", False)

    assert objectcode._processor() == "cpu+one,-two"
    monkeypatch.setattr(objectcode, "find_spec", lambda name: None)
    assert objectcode._door() == __import__("llvmlite").__version__.encode()


@LINUX
def test_a_system_that_makes_no_code_executable_is_an_error_that_says_so(monkeypatch):
    def refused(*arguments):
        ctypes.set_errno(errno.EACCES)
        return -1

    monkeypatch.setattr(objectcode, "_process", lambda: SimpleNamespace(mprotect=refused))
    with pytest.raises(InputError, match=r"no program make code executable \(Permission denied\)"):
        objectcode._placed(b"code")
