"""What people save is bounded in number and size, and is not replaced unasked."""

import os
from dataclasses import replace

import pytest

from apps import saved_files
from apps.saved_files import VARIANTS, save_file
from retail.errors import ConfigError

FEW = replace(VARIANTS, most=3)


def save(folder, name, content=b"{}", **more):
    save_file(FEW, folder / f"{name}.json", content, folder.glob("*.json"), name=name, **more)


def test_the_last_place_can_be_taken_and_then_the_oldest_is_named(tmp_path):
    for age, name in enumerate(("a", "b", "c")):
        save(tmp_path, name)
        os.utime(tmp_path / f"{name}.json", (1_000_000 - age, 1_000_000 - age))
    with pytest.raises(ConfigError, match=r"3 variants are saved, .* the oldest, 'c', under") as refused:
        save(tmp_path, "d")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "d.json").exists()
    save(tmp_path, "a", b"[1]", replace=True)  # no more than before
    assert (tmp_path / "a.json").read_bytes() == b"[1]"


def test_a_file_stays_as_it_is_unless_it_may_be_replaced(tmp_path):
    save(tmp_path, "a")
    with pytest.raises(ConfigError, match="'a' already; take another name, or tick"):
        save(tmp_path, "a", b"[1]")
    assert (tmp_path / "a.json").read_bytes() == b"{}"


def test_one_file_and_all_of_a_kind_together_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(saved_files, "MOST_BYTES", 100)
    monkeypatch.setattr(saved_files, "MOST_TOGETHER", 250)
    with pytest.raises(ConfigError, match="'a' has 101 bytes, and a saved variant at most 100"):
        save(tmp_path, "a", b"." * 101)
    save(tmp_path, "a", b"." * 100)
    save(tmp_path, "b", b"." * 90)
    with pytest.raises(ConfigError, match=r"would have 260 bytes, and may have 250; .* the largest, 'a'"):
        save(tmp_path, "c", b"." * 70)
    save(tmp_path, "c", b"." * 60)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 250
