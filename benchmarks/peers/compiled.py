"""C and C++ libraries, called through ctypes: the time is theirs, not Python's."""

# ruff: noqa: D102 - the methods are those of Peer
from __future__ import annotations

import ctypes
import ctypes.util
from typing import Any

import native
import numpy as np

from peers import Answer, Peer, answer


class _Statistics(ctypes.Structure):
    """`stl_stats` of admesh/stl.h 0.98."""

    _fields_ = [
        ("header", ctypes.c_char * 81),
        ("type", ctypes.c_int),
        ("number_of_facets", ctypes.c_int),
        ("box", ctypes.c_float * 9),
        ("bounding_diameter", ctypes.c_float),
        ("shortest_edge", ctypes.c_float),
        ("volume", ctypes.c_float),
        ("number_of_blocks", ctypes.c_uint),
        ("connected_edges", ctypes.c_int),
        ("connected_facets_1_edge", ctypes.c_int),
        ("connected_facets_2_edge", ctypes.c_int),
        ("connected_facets_3_edge", ctypes.c_int),
        ("facets_with_bad_edges", ctypes.c_int * 3),
        ("original_num_facets", ctypes.c_int),
        ("edges_fixed", ctypes.c_int),
        ("degenerate_facets", ctypes.c_int),
        ("facets_removed", ctypes.c_int),
        ("facets_added", ctypes.c_int),
        ("facets_reversed", ctypes.c_int),
        ("backwards_edges", ctypes.c_int),
        ("normals_fixed", ctypes.c_int),
        ("number_of_parts", ctypes.c_int),
        ("rest", ctypes.c_int * 64),
    ]


class _File(ctypes.Structure):
    """`stl_file` of admesh/stl.h 0.98."""

    _fields_ = [
        ("pointers", ctypes.c_void_p * 5),
        ("M", ctypes.c_int),
        ("more", ctypes.c_void_p * 3),
        ("stats", _Statistics),
    ]


class AdmeshLibrary:
    """libadmesh; Debian: apt-get install libadmesh1."""

    def __init__(self) -> None:
        found = ctypes.util.find_library("admesh")
        if found is None:
            raise ImportError("libadmesh")  # noqa: EM101
        self.call = ctypes.CDLL(found)

    def opened(self, path: str) -> _File:
        """A file that is read; `closed` ends it."""
        loaded = _File()
        self.call.stl_open(ctypes.byref(loaded), path.encode())
        return loaded

    def ended(self, loaded: _File) -> None:
        """Give its memory back."""
        self.call.stl_close(ctypes.byref(loaded))


class Admesh(Peer):
    """admesh's library, which works in float32."""

    name, package = "admesh", "libadmesh"
    kinds = ("binary", "ascii")
    note = "C library; float32"

    def __init__(self) -> None:
        self._library = AdmeshLibrary()

    def version(self) -> str:
        return "0.98"

    def load(self, path: str) -> Any:
        return _Owned(self._library.opened(path), self._library.ended)

    def properties(self, loaded: Any) -> Answer:
        self._library.call.stl_calculate_volume(ctypes.byref(loaded.handle))
        return answer(loaded.handle.stats.volume)

    def closed(self, loaded: Any) -> bool | None:
        self._library.call.stl_check_facets_exact(ctypes.byref(loaded.handle))
        stats = loaded.handle.stats
        return stats.connected_facets_3_edge == stats.number_of_facets

    def find_bodies(self, loaded: Any) -> None:
        """Walk over neighbours, which counts parts and turns facets; after `closed`."""
        self._library.call.stl_fix_normal_directions(ctypes.byref(loaded.handle))


class _Owned:
    """What C allocated, released when Python lets go of it."""

    def __init__(self, handle: Any, release: Any) -> None:
        self.handle, self._release = handle, release

    def __del__(self) -> None:
        self._release(self.handle)


class _Moments(ctypes.Structure):
    """`Moments` of native/moments.h."""

    _fields_ = [
        ("area", ctypes.c_double),
        ("volume", ctypes.c_double),
        ("first", ctypes.c_double * 3),
        ("second", ctypes.c_double * 6),
        ("origin", ctypes.c_double * 3),
    ]


class _ObjReader(Peer):
    """A reader of OBJ with integrals in C++."""

    kinds = ("obj",)
    tests_closed = False

    def __init__(self) -> None:
        self._library = native.linked(self.name)
        self._library.load.restype = ctypes.c_void_p
        self._library.load.argtypes = [ctypes.c_char_p]
        self._library.release.argtypes = [ctypes.c_void_p]
        self._library.measure.argtypes = [ctypes.c_void_p, ctypes.c_void_p]

    def version(self) -> str:
        return native.LIBRARIES[self.name].version

    def load(self, path: str) -> Any:
        return _Owned(self._library.load(path.encode()), self._library.release)

    def properties(self, loaded: Any) -> Answer:
        m = _Moments()
        self._library.measure(loaded.handle, ctypes.addressof(m))
        centre = np.array(m.first) / m.volume
        xx, yy, zz, xy, yz, zx = m.second
        second = np.array([[xx, xy, zx], [xy, yy, yz], [zx, yz, zz]]) - m.volume * np.outer(centre, centre)
        return answer(m.volume, m.area, centre + np.array(m.origin), np.trace(second) * np.eye(3) - second)


class FastObj(_ObjReader):
    """fast_obj."""

    name, package, note = "fast_obj", "fast_obj", "C; integrals in C++"


class Rapidobj(_ObjReader):
    """rapidobj."""

    name, package, note = "rapidobj", "rapidobj", "C++, with threads; integrals in C++"


class Tinyobjloader(_ObjReader):
    """tinyobjloader."""

    name, package, note = "tinyobjloader", "tinyobjloader", "C++; integrals in C++"
