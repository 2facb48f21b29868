import pytest

from privacy.policy import Register
from privacy.policy.domain import sample_register

HEADER = "id,who,effect,action,whose,kind,form,purpose,when,unless,jurisdiction,article,sentence"


@pytest.fixture
def register() -> Register:
    return sample_register()


@pytest.fixture
def folder(tmp_path):
    """Write a folder of rules and return its path."""

    def write(*rows, cedar="", name="house", cases=()):
        place = tmp_path / name
        place.mkdir()
        if rows:
            (place / "rules.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
        if cedar:
            (place / "own.cedar").write_text(cedar, encoding="utf-8")
        if cases:
            (place / "cases.csv").write_text("\n".join([*cases, ""]), encoding="utf-8")
        return place

    return write
