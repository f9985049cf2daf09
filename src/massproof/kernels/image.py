"""Object code that refers to nothing outside itself, laid out as it will lie in memory: no linker is needed to run it.

Sections follow each other as in a shared library, and references between them are relative, so the bytes run at
any address that begins a page.

Source: System V Application Binary Interface, AMD64 Architecture Processor Supplement, version 1.0, 2024,
section 4.4 (relocations); System V Application Binary Interface, 2013, chapter 4 (object files).
"""

import struct

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")

_ELF = b"\x7fELF\x02\x01\x01"  # 64 bits, little-endian, version 1
_X86_64 = 62
_PROGRAM, _SYMBOLS, _RELOCATIONS = 1, 2, 4  # types of sections
_WRITABLE, _IN_MEMORY = 1, 2  # their flags
_RELATIVE = (2, 4)  # R_X86_64_PC32, R_X86_64_PLT32: what is referred to, minus where from, in 32 bits
_UNWINDING = b".eh_frame"  # how to unwind the stack: kernels raise nothing


class _Section:
    def __init__(self, binary, fields, names):
        name, self.kind, self.flags, _, offset, size, self.link, self.info, self.alignment, _ = fields
        self.content = binary[offset : offset + size]
        self.name = names[name : names.index(b"\0", name)] if names else b""
        self.start = None  # where it begins in the image; None: it is not there


def flat(binary: bytes, name: str) -> tuple[bytes, int] | None:
    """The image of an ELF object for x86-64, and where its function `name` begins.

    None for another kind of object, and for one that refers to other libraries or has variables.
    """
    if not binary.startswith(_ELF) or len(binary) < _HEADER.size or _HEADER.unpack_from(binary)[2] != _X86_64:
        return None
    sections = _sections(binary)
    image = _laid_out(sections)
    symbols = next((section for section in sections if section.kind == _SYMBOLS), None)
    if image is None or symbols is None:
        return None
    places = list(_places(symbols.content, sections))
    for section in sections:
        start = sections[section.info].start if section.kind == _RELOCATIONS else None
        if start is not None and not _resolved(image, section.content, start, places):
            return None
    names = sections[symbols.link].content
    wanted = names.index(b"\0" + name.encode() + b"\0") + 1
    numbers = [row[0] for row in _SYMBOL.iter_unpack(symbols.content)]
    return bytes(image), places[numbers.index(wanted)]


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


def _resolved(image, relocations, start, places):
    """Enter all references of one section that begins at `start`; False for one that leads elsewhere."""
    for offset, which, addend in _RELOCATION.iter_unpack(relocations):
        place = places[which >> 32]
        if place is None or which & 0xFFFFFFFF not in _RELATIVE:
            return False
        struct.pack_into("<i", image, start + offset, place + addend - start - offset)
    return True
