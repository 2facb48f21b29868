import hashlib
import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.errors import DataError
from retail.files import atomic_write, sha256_file


def test_a_file_is_written_whole_with_its_missing_folders(tmp_path):
    atomic_write(tmp_path / "a" / "b.txt", lambda path: path.write_text("new") and None)
    assert (tmp_path / "a" / "b.txt").read_text() == "new"
    assert [entry.name for entry in (tmp_path / "a").iterdir()] == ["b.txt"]


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failure_half_way_leaves_the_old_content_and_no_temporary_file(tmp_path, failure):
    target = tmp_path / "table.txt"
    target.write_text("old")

    def half(path):
        path.write_text("ne")
        raise failure

    with pytest.raises(failure):
        atomic_write(target, half)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_reported_with_path_and_what_to_do(tmp_path):
    def fill(path):
        path.unlink()
        path.symlink_to("/dev/full")
        with path.open("w") as file:
            file.write("x")

    with pytest.raises(DataError, match=r"cannot write .*table\.txt: No space left.*free some space"):
        atomic_write(tmp_path / "table.txt", fill)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX permissions")
def test_a_folder_without_write_permission_is_reported():
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    owner = os.geteuid()
    try:
        if owner == 0:
            os.seteuid(65534)
        with pytest.raises(DataError, match=r"Permission denied; choose a folder you may write to"):
            atomic_write(folder / "table.txt", lambda path: None)
    finally:
        if owner == 0:
            os.seteuid(0)
        folder.chmod(0o755)
        folder.rmdir()


def test_a_folder_in_the_way_is_reported(tmp_path):
    (tmp_path / "table.txt").mkdir()
    with pytest.raises(DataError, match="not an existing folder"):
        atomic_write(tmp_path / "table.txt", lambda path: None)


def test_the_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual.txt").write_text("")
    atomic_write(tmp_path / "ours.txt", lambda path: None)
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual.txt", "ours.txt")}
    assert len(modes) == 1


@given(st.binary(max_size=5000))
def test_the_hash_is_that_of_the_bytes(content):
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "x").write_bytes(content)
        assert sha256_file(Path(name) / "x") == hashlib.sha256(content).hexdigest()


def test_a_missing_file_cannot_be_hashed(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        sha256_file(tmp_path / "nothing")
