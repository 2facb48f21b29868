import hashlib
import hmac
import sqlite3
import stat
import traceback
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from privacy.books import Books
from privacy.commitments import Commitments
from retail.errors import PrivacyError

ODD = ["it's", 'quo"te', "nul\0byte", "\u202eright to left", "x" * 5000, "'; DROP TABLE salts; --", " ", "顾客"]


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "commitments.sqlite"


def test_a_person_keeps_one_commitment_and_no_two_persons_share_one(path):
    first = Commitments.open(path).commitments([*ODD, "a", "b"])
    assert Commitments.open(path).commitments([*ODD, "a", "b"]) == first
    assert len(set(first)) == len(ODD) + 2
    assert all(len(each) == 64 and int(each, 16) >= 0 for each in first)


def test_two_files_give_one_person_two_commitments(path, tmp_path):
    assert Commitments.open(path).commitment("a") != Commitments.open(tmp_path / "other.sqlite").commitment("a")


def test_a_commitment_is_an_hmac_under_the_persons_own_salt(path):
    commitment = Commitments.open(path).commitment("a")
    connection = sqlite3.connect(path)
    ((salt,),) = connection.execute("SELECT salt FROM salts").fetchall()
    connection.close()
    assert len(salt) == 32
    assert commitment == hmac.new(salt, b"tradefair person 1\na", hashlib.sha256).hexdigest()


def test_a_forgotten_person_is_unknown_and_comes_back_as_somebody_else(path):
    commitments = Commitments.open(path)
    before = commitments.commitment("a")
    other = commitments.commitment("b")
    assert commitments.known("a") == before
    assert commitments.forget("a")
    assert not commitments.forget("a")
    assert commitments.known("a") is None
    assert commitments.commitment("a") != before
    assert commitments.commitment("b") == other


def test_a_forgotten_salt_and_id_are_overwritten_in_the_file(path):
    commitments = Commitments.open(path)
    person = "a-person-with-a-long-id"
    commitments.commitments([person, *map(str, range(50))])
    connection = sqlite3.connect(path)
    ((salt,),) = connection.execute("SELECT salt FROM salts WHERE person = ?", (person.encode(),)).fetchall()
    connection.close()
    assert salt in path.read_bytes()
    commitments.forget(person)
    assert salt not in path.read_bytes()
    assert person.encode() not in path.read_bytes()


def test_asking_who_is_known_adds_nobody(path):
    commitments = Commitments.open(path)
    assert commitments.known("a") is None
    assert not commitments.forget("a")


def test_a_number_and_its_text_are_one_person(path):
    commitments = Commitments.open(path)
    assert commitments.commitment(7) == commitments.commitment("7") == commitments.commitment(np.int64(7))


@pytest.mark.parametrize("person", ["", None, 1.5, float("nan"), True, b"a", ["a"], "\ud800"])
def test_what_is_no_id_is_refused(path, person):
    commitments = Commitments.open(path)
    for refused in (commitments.commitment, commitments.known, commitments.forget):
        with pytest.raises(PrivacyError):
            refused(person)


@pytest.mark.parametrize("person", [8675309.5, b"alice-17", ["alice-17"], "alice-17\ud800", ("alice-17",)])
def test_an_error_does_not_quote_the_id(path, person):
    with pytest.raises(PrivacyError) as caught:
        Commitments.open(path).commitment(person)
    text = "".join(traceback.format_exception(caught.value))
    assert "alice" not in text
    assert "8675309" not in text


def test_one_bad_id_adds_none_of_its_neighbours(path):
    commitments = Commitments.open(path)
    with pytest.raises(PrivacyError):
        commitments.commitments(["a", None])
    assert commitments.known("a") is None


def test_the_file_is_for_its_owner_only_and_is_not_books(path):
    Commitments.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(PrivacyError, match="no ledger"):
        Books.open(path)
    with pytest.raises(PrivacyError, match="cannot make"):
        Commitments.open(path.parent / "missing" / "commitments.sqlite")


def test_processes_that_meet_a_person_at_once_agree(path, start_code):
    code = """
import sys
from privacy.commitments import Commitments
print(*Commitments.open(sys.argv[1]).commitments([str(number) for number in range(30)]))
"""
    processes = [start_code(code, path) for _ in range(3)]
    said = {process.communicate()[0] for process in processes}
    assert all(process.returncode == 0 for process in processes)
    assert len(said) == 1


PRINTABLE = st.characters(exclude_categories=("C", "Z"))


@given(st.lists(st.text(PRINTABLE, min_size=1), min_size=1, max_size=8))
def test_commitments_differ_exactly_when_ids_do(persons):
    found = Commitments.open(":memory:").commitments(persons)
    assert len(set(found)) == len(set(persons))
    assert [found.index(each) for each in found] == [persons.index(each) for each in persons]
