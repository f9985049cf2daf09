"""Blobs: there wholly or not at all, once each, and under no name that anybody gave them."""

from __future__ import annotations

import hashlib
import io
import os
import threading

import pytest

from massproof import blobs as module
from massproof.blobs import Blob, Blobs, pieces
from massproof.errors import InputError


@pytest.fixture
def blobs(tmp_path):
    return Blobs(tmp_path / "blobs")


def files(blobs):
    return sorted(path for path in blobs.folder.rglob("*") if path.is_file())


def test_bytes_are_kept_under_what_they_are(blobs):
    content = b"solid box"
    kept = blobs.put(content)
    assert kept == Blob(hashlib.sha256(content).hexdigest(), len(content))
    assert blobs.has(kept.digest)
    assert blobs.size(kept.digest) == len(content)
    assert blobs.read(kept.digest) == content
    assert files(blobs) == [blobs.path(kept.digest)]


def test_the_same_bytes_are_kept_once(blobs, tmp_path):
    content = os.urandom((1 << 20) + 17)
    (tmp_path / "file").write_bytes(content)
    first = blobs.put(content)
    with blobs.writing() as out:
        for start in range(0, len(content), 1 << 18):
            out.write(content[start : start + (1 << 18)])
    assert first == blobs.take(tmp_path / "file") == out.blob
    assert len(files(blobs)) == 1
    assert blobs.put(b"").size == 0
    assert len(files(blobs)) == 2


def test_bytes_that_are_there_are_not_written_again_and_are_young(blobs, monkeypatch):
    kept = blobs.put(b"solid box")
    os.utime(blobs.path(kept.digest), (0, 0))
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "fsync", lambda _: pytest.fail("it is on disk"))
        assert blobs.put(b"solid box") == kept
    assert blobs.path(kept.digest).stat().st_mtime > 1e9
    assert files(blobs) == [blobs.path(kept.digest)]


def test_a_blob_that_was_damaged_is_written_again(blobs):
    kept = blobs.put(b"solid box")
    blobs.path(kept.digest).write_bytes(b"solid")
    assert blobs.put(b"solid box") == kept
    assert blobs.read(kept.digest) == b"solid box"


def test_processes_share_a_folder(blobs):
    other = Blobs(blobs.folder)
    kept = other.put(b"of another")
    assert blobs.read(kept.digest) == b"of another"


def test_many_may_write_the_same_at_once(blobs):
    gate, content = threading.Barrier(8), os.urandom(100_000)

    def write():
        gate.wait()
        blobs.put(content)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [path.read_bytes() for path in files(blobs)] == [content]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ValueError])
def test_what_is_interrupted_leaves_nothing(blobs, error):
    with pytest.raises(error), blobs.writing() as out:
        out.write(b"half of it")
        raise error
    assert files(blobs) == []


def test_what_cannot_be_synced_leaves_nothing(blobs, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        blobs.put(b"too much")
    assert files(blobs) == []


def test_a_file_that_is_not_there_is_not_taken(blobs, tmp_path):
    with pytest.raises(FileNotFoundError):
        blobs.take(tmp_path / "none")
    assert files(blobs) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../../etc/passwd",
        "a" * 63,
        "a" * 65,
        "A" * 64,
        "g" * 64,
        "a" * 64 + "\n",
        "/" + "a" * 63,
        "é" * 64,
    ],
)
def test_what_is_no_digest_is_no_name(blobs, name):
    for call in (blobs.path, blobs.has, blobs.size, blobs.read, blobs.drop):
        with pytest.raises(InputError, match="no SHA-256"):
            call(name)


def test_what_is_not_there_is_said_to_be_gone(blobs):
    assert not blobs.has("0" * 64)
    for call in (blobs.size, blobs.read):
        with pytest.raises(InputError, match="upload it again"):
            call("0" * 64)
    blobs.drop("0" * 64)  # and dropping it is no error
    kept = blobs.put(b"it")
    blobs.drop(kept.digest)
    assert not blobs.has(kept.digest)


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match="name another folder"):
        Blobs(tmp_path / "file" / "blobs")


def test_the_old_are_told_and_halves_of_the_dead_deleted(blobs):
    old, young = blobs.put(b"old").digest, blobs.put(b"young").digest
    half, writing = blobs.folder / "new" / "half", blobs.folder / "new" / "writing"
    for path in (half, writing):
        path.write_bytes(b"")
    for path in (blobs.path(old), half):
        os.utime(path, (1000, 1000))
    assert list(blobs.aged(2000.0)) == [old]
    assert not half.exists()
    assert writing.exists()
    blobs.put(b"old")  # stored again, it is young again
    assert list(blobs.aged(2000.0)) == []
    assert blobs.has(young)


def test_a_file_that_goes_meanwhile_is_not_old(tmp_path):
    assert module._stored(tmp_path / "none") == float("inf")


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (3, 7), (0, 0), (5, 99), (99, 100), (7, 3)])
def test_pieces_are_the_bytes_between(start, stop, monkeypatch):
    monkeypatch.setattr(module, "_PIECE", 4)
    content = bytes(range(10))
    found = list(pieces(io.BytesIO(content), start, stop))
    assert b"".join(found) == content[start:stop]
    assert all(0 < len(piece) <= 4 for piece in found)
