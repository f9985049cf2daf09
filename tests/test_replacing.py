"""Files are there wholly or not at all, and nothing but a file is replaced."""

import os
import stat

import pytest

from massproof import replacing
from massproof.errors import InputError


def test_a_file_is_written_wholly_or_not_at_all(tmp_path):
    replacing.write(tmp_path / "a.bin", b"whole")
    assert (tmp_path / "a.bin").read_bytes() == b"whole"
    replacing.write(tmp_path / "a.bin", "again ü")
    assert (tmp_path / "a.bin").read_text(encoding="utf-8") == "again ü"
    for place in (tmp_path, tmp_path / "none" / "a.bin"):
        with pytest.raises(InputError, match="cannot write"):
            replacing.write(place, b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_new_file_has_the_mode_that_others_have_and_an_old_one_its_own(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    replacing.write(tmp_path / "a", b"")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "other").stat().st_mode
    (tmp_path / "a").chmod(0o640)
    replacing.write(tmp_path / "a", b"")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_link_stays_one(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "a")
    for content in (b"new", b"newer"):
        replacing.write(tmp_path / "link", content)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "far" / "a").read_bytes() == content


def test_what_is_no_file_is_written_to_and_stays_what_it_is(tmp_path):
    """`--html /dev/stdout`: root would replace the device for everybody."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        replacing.write(pipe, b"through")
        assert os.read(reader, 100) == b"through"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_half_a_pair_of_surrogates_becomes_its_escape(tmp_path):
    replacing.write(tmp_path / "a", '"\ud800 😀"')

    assert (tmp_path / "a").read_bytes() == '"\\ud800 😀"'.encode()
