"""Object code laid out as it will lie in memory: no linker is needed to run it.

Sections follow each other as in a shared library, and references between them are relative, so the bytes run at
any address that begins a page. Functions of other libraries, such as sin, are called by a jump that takes its
address from a table, as a shared library does: the table ends the image, and is filled in where it is run.

Source: System V Application Binary Interface, AMD64 Architecture Processor Supplement, version 1.0, 2024,
section 4.4 (relocations); System V Application Binary Interface, 2013, chapter 4 (object files).
"""

import struct
from typing import NamedTuple

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")

_ELF = b"\x7fELF\x02\x01\x01"  # 64 bits, little-endian, version 1
_X86_64 = 62
_PROGRAM, _SYMBOLS, _RELOCATIONS = 1, 2, 4  # types of sections
_WRITABLE, _IN_MEMORY = 1, 2  # their flags
_CALL = 4  # R_X86_64_PLT32: a function, which may lie elsewhere
_RELATIVE = (2, _CALL)  # or R_X86_64_PC32: what is referred to, minus where from, in 32 bits
_JUMP = struct.Struct("<HiH")  # jmp *[next instruction + i], as long as an address
_JMP, _FILL = 0x25FF, 0xCCCC
_UNWINDING = ".eh_frame"  # how to unwind the stack: kernels raise nothing


class Image(NamedTuple):
    """Code that runs once the addresses of `outside` are written to its end, 8 bytes each."""

    content: bytes
    start: int  # where its function begins
    outside: tuple[str, ...]  # functions of other libraries that it calls


class _Section:
    def __init__(self, binary, fields, names):
        name, self.kind, self.flags, _, offset, size, self.link, self.info, self.alignment, _ = fields
        self.content = binary[offset : offset + size]
        self.name = _name(names, name) if names else ""
        self.start = None  # where it begins in the image; None: it is not there


def flat(binary: bytes, name: str) -> Image | None:
    """The image of an ELF object for x86-64 that holds the function `name`.

    None for another kind of object, and for one that has variables or uses those of other libraries.
    """
    if not binary.startswith(_ELF) or len(binary) < _HEADER.size or _HEADER.unpack_from(binary)[2] != _X86_64:
        return None
    sections = _sections(binary)
    image = _laid_out(sections)
    symbols = next((section for section in sections if section.kind == _SYMBOLS), None)
    if image is None or symbols is None:
        return None
    places = list(_places(symbols.content, sections))
    references = [
        one for one in sections if one.kind == _RELOCATIONS and sections[one.info].start is not None
    ]
    outside = _called(references, places)
    _append_jumps(image, outside, places)
    for section in references:
        if not _resolved(image, section.content, sections[section.info].start, places):
            return None
    names = [_name(sections[symbols.link].content, row[0]) for row in _SYMBOL.iter_unpack(symbols.content)]
    return Image(bytes(image), places[names.index(name)], tuple(names[number] for number in outside))


def _name(names, at):
    return names[at : names.index(b"\0", at)].decode("ascii")


def _sections(binary):
    header = _HEADER.unpack_from(binary)
    start, count, named = header[6], header[12], header[13]
    if named >= count:  # no sections, or so many that they are counted elsewhere
        return []
    rows = [_SECTION.unpack_from(binary, start + k * _SECTION.size) for k in range(count)]
    names = _Section(binary, rows[named], b"").content
    return [_Section(binary, row, names) for row in rows]


def _laid_out(sections):
    """The content of all sections that a running program needs; None if it could write to one, or may lie anywhere."""
    image = bytearray()
    for section in sections:
        if not section.flags & _IN_MEMORY or section.name == _UNWINDING or not section.content:
            continue
        if section.flags & _WRITABLE or section.kind != _PROGRAM or not section.alignment:
            return None
        image += bytes(-len(image) % section.alignment)
        section.start = len(image)
        image += section.content
    return image


def _places(symbols, sections):
    """Where in the image each symbol lies; None for those that lie elsewhere."""
    for _, _, _, number, value, _ in _SYMBOL.iter_unpack(symbols):
        start = sections[number].start if 0 < number < len(sections) else None
        yield None if start is None else start + value


def _called(references, places):
    """Numbers of the symbols that lie elsewhere and are called, in ascending order."""
    return sorted(
        {
            which >> 32
            for section in references
            for _, which, _ in _RELOCATION.iter_unpack(section.content)
            if which & 0xFFFFFFFF == _CALL and places[which >> 32] is None
        }
    )


def _append_jumps(image, outside, places):
    """Append a jump to each function outside, and the table of their addresses; enter where the jumps are."""
    image += bytes(-len(image) % _JUMP.size)
    for number in outside:
        places[number] = len(image)
        image += _JUMP.pack(_JMP, _JUMP.size * len(outside) - 6, _FILL)
    image += bytes(_JUMP.size * len(outside))


def _resolved(image, relocations, start, places):
    """Enter all references of one section that begins at `start`; False for one that leads elsewhere."""
    for offset, which, addend in _RELOCATION.iter_unpack(relocations):
        place = places[which >> 32]
        if place is None or which & 0xFFFFFFFF not in _RELATIVE:
            return False
        struct.pack_into("<i", image, start + offset, place + addend - start - offset)
    return True
