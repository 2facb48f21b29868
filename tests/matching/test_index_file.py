import json
import os
import stat
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.embeddings import Embeddings
from matching.index import VectorIndex
from matching.index_file import Contents, leftovers, read, write
from matching.list_parts import ListParts
from retail.errors import DataError

D = 16
KILLED_SAVE = """
import os, signal, sys
import numpy as np
from matching.embeddings import Embeddings
from matching.index import VectorIndex

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

index = VectorIndex.load(sys.argv[1])
index.add([5_000_000], Embeddings.scaled(np.arange(1.0, 17.0)[None], "taste-1"))
os.replace = die  # everything is written, nothing is in place
index.save(sys.argv[1])
"""


@pytest.fixture(scope="module")
def people(vectors):
    return vectors(2000, D, people=20)


@pytest.fixture(scope="module", params=["exact", "cells"])
def exact_below(request):
    return {"exact": 5000, "cells": 1000}[request.param]


@pytest.fixture
def saved(tmp_path, people, exact_below, filled):
    index = filled(np.arange(2000), people, exact_below=exact_below)
    index.save(tmp_path / "a.index")
    return index, tmp_path / "a.index"


def test_an_index_that_is_loaded_answers_as_the_one_that_was_saved(saved, vectors):
    index, path = saved
    index.erase(range(20))
    index.add(range(20), vectors(20, D, seed=4))  # come last, have the smallest ids
    index.save(path)
    again, queries = VectorIndex.load(path), vectors(50, D, seed=2, people=20)
    assert (again.model, again.dimension, again.approximate) == (index.model, index.dimension, index.approximate)
    for allowed in (None, np.arange(0, 2000, 2), np.arange(1500)):
        one, other = (each.search(queries, 10, allowed=allowed, cells=5) for each in (index, again))
        assert np.array_equal(one.ids, other.ids)
        assert np.array_equal(one.similarity, other.similarity)
    again.add([2000], vectors(1, D, seed=3))
    assert again.search(vectors(1, D, seed=3), 1).ids.tolist() == [[2000]]
    again.save(path)


@given(st.lists(st.integers(0, 2**63 - 1), unique=True, max_size=30), st.integers(0, 100))
def test_saving_and_loading_keeps_every_vector_and_writes_the_same_bytes_again(tmp_path_factory, ids, seed):
    folder = tmp_path_factory.mktemp("saved")
    rows = Embeddings.scaled(np.random.default_rng(seed).standard_normal((len(ids), 5)), "m")
    index = VectorIndex("m", 5)
    index.add(ids, rows)
    index.save(folder / "one")
    again = VectorIndex.load(folder / "one")
    again.save(folder / "other")
    assert (folder / "one").read_bytes() == (folder / "other").read_bytes()
    kept = read(folder / "other")[0]
    order = np.argsort(np.array(ids, dtype=np.int64))
    assert kept.ids.tolist() == sorted(ids)
    assert np.array_equal(kept.vectors, rows.vectors[order])


def test_the_first_line_says_what_the_file_is_and_only_its_owner_may_read_it(saved):
    index, path = saved
    manifest = json.loads(path.read_bytes().split(b"\n", 1)[0])
    assert manifest["format"] == "tradefair vector index"
    assert (manifest["version"], manifest["model"], manifest["dimension"], manifest["count"]) == (1, "taste-1", D, 2000)
    assert (manifest["cells"] > 0) == index.approximate
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("place", [0.0, 0.1, 0.3, 0.6, 0.9, 0.9999])
def test_a_file_in_which_one_bit_changed_is_refused(saved, place):
    _, path = saved
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"a\.index"):
        VectorIndex.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-1], "its first line says"),
        (lambda content: content + b"x", "its first line says"),
        (lambda content: content[:30], "no vector index"),
        (lambda content: b"", "no vector index"),
        (lambda content: b"\x80\x04pickle\n" + content, "no vector index"),
        (lambda content: b"[1]\n" + content, "no vector index"),
        (lambda content: content.replace(b'"version": 1', b'"version": 2', 1), "format version 2"),
        (lambda content: content.replace(b'"taste-1"', b'"taste-2"', 1), "checksum"),
        (lambda content: content.replace(b'"count": 2000', b'"count": -2', 1), "does not describe"),
        (lambda content: content.replace(b'"count": 2000', b'"count": true', 1), "does not describe"),
        (lambda content: content.replace(b'"count": 2000', b'"count": 9e99', 1), "does not describe"),
        (lambda content: content.replace(b'"count": 2000', b'"count": 900000000000', 1), "its first line says"),
    ],
)
def test_a_file_that_is_no_whole_index_is_refused_and_says_so(saved, change, message):
    _, path = saved
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DataError, match=message):
        VectorIndex.load(path)


def test_a_file_that_is_not_there_or_is_a_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="No such file"):
        VectorIndex.load(tmp_path / "none.index")
    with pytest.raises(DataError, match="directory"):
        VectorIndex.load(tmp_path)
    with pytest.raises(DataError, match="cannot read"):
        VectorIndex("m", 2).save(tmp_path)


def test_a_save_that_is_killed_leaves_the_old_file_and_the_next_save_clears_up(saved):
    _, path = saved
    before = path.read_bytes()
    ran = subprocess.run([sys.executable, "-c", KILLED_SAVE, str(path)], check=False, cwd=os.getcwd())
    assert ran.returncode == -9
    assert path.read_bytes() == before
    assert len(leftovers(path)) == 1
    index = VectorIndex.load(path)
    assert 5_000_000 not in index
    index.save(path)
    assert leftovers(path) == []


def test_a_save_never_goes_over_a_file_that_somebody_changed_meanwhile(saved, vectors):
    index, path = saved
    other = VectorIndex.load(path)
    other.erase([3])
    other.save(path)
    erased = path.read_bytes()
    for stale in (index, VectorIndex("taste-1", D)):
        with pytest.raises(DataError, match="could bring back people"):
            stale.save(path)
    assert path.read_bytes() == erased
    path.unlink()
    with pytest.raises(DataError, match="could bring back people"):
        index.save(path)
    assert not path.exists()
    index.save(path, replace=True)
    index.save(path)


def test_after_an_erasure_no_byte_of_the_vector_is_in_the_file(saved, people):
    """Nor its one-byte code, nor the centre of the person's cell, nor a range that ended at somebody."""
    index, path = saved
    before, gone, traces = path.read_bytes(), [1999], [people.vectors[1999].tobytes()]
    if index.approximate:
        parts = index._lists.parts()
        away = people.vectors - parts.centres[parts.cell]
        assert away[:, 0].min() == parts.ranges[0], "a range begins where somebody is"
        gone.append(int(away[:, 0].argmin()))
        traces += [parts.centres[parts.cell[1999]].tobytes(), parts.ranges[:1].tobytes()]
    assert all(trace in before for trace in traces), "the control: before, all of them are there"
    if index.approximate:
        codes = index._lists._index.sa_encode(people.vectors[gone])
        traces += [code[-D:].tobytes() for code in codes]
    index.erase(gone)
    index.save(path)
    after = path.read_bytes()
    assert not any(trace in after for trace in traces)
    assert not any(number.tobytes() in after for number in people.vectors[gone].ravel())


def test_a_file_after_an_erasure_is_the_file_of_an_index_that_never_held_the_person(
    saved, people, exact_below, filled, tmp_path
):
    index, path = saved
    index.erase([1999, 1000])
    index.save(path)
    kept = np.delete(np.arange(2000), [1999, 1000])
    filled(kept, Embeddings(people.vectors[kept], "taste-1"), exact_below=exact_below).save(tmp_path / "never.index")
    assert path.read_bytes() == (tmp_path / "never.index").read_bytes()
    assert sorted(one.name for one in tmp_path.iterdir() if one.suffix != ".lock") == ["a.index", "never.index"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": np.array([3, 3, 5])}, "ids or cells that no index writes"),
        ({"ids": np.array([5, 4, 3])}, "ids or cells that no index writes"),
        ({"ids": np.array([-1, 4, 5])}, "ids or cells that no index writes"),
        ({"cell": np.array([0, 1, 2], dtype=np.int32)}, "ids or cells that no index writes"),
        ({"cell": np.array([0, -1, 1], dtype=np.int32)}, "ids or cells that no index writes"),
        ({"centres": np.array([[np.nan, 1], [1, 0]], dtype=np.float32)}, "ids or cells that no index writes"),
        ({"vectors": np.array([[np.nan, 1], [1, 0], [0, 1]], dtype=np.float32)}, "NaN"),
        ({"vectors": np.array([[3, 1], [1, 0], [0, 1]], dtype=np.float32)}, "not of length 1"),
        ({"model": " "}, "model id"),
        ({"exact_below": 1}, "does not describe"),
    ],
)
def test_a_file_that_somebody_made_up_is_refused_even_with_a_checksum_that_fits(tmp_path, change, message):
    parts = {
        "centres": np.eye(2, dtype=np.float32),
        "ranges": np.ones(4, dtype=np.float32),
        "cell": np.array([0, 1, 1], dtype=np.int32),
    }
    whole = {
        "model": "m",
        "exact_below": 100,
        "ids": np.arange(3),
        "vectors": np.array([[1, 0], [0, 1], [0, 1]], dtype=np.float32),
    }
    for change_now in ({}, change):
        made = ListParts(**{name: change_now.get(name, value) for name, value in parts.items()}, trained_on=3)
        contents = Contents(**{name: change_now.get(name, value) for name, value in whole.items()}, parts=made)
        write(tmp_path / "made-up", contents, known=None, replace=True)
        if not change_now:
            assert len(VectorIndex.load(tmp_path / "made-up")) == 3
    with pytest.raises(DataError, match=message):
        VectorIndex.load(tmp_path / "made-up")
