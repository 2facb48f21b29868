import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from matching import Embeddings
from matching.embeddings import similarities
from retail.errors import DataError

UNIT = np.eye(4, dtype=np.float32)


def test_vectors_that_are_kept_cannot_be_changed_by_whoever_made_them():
    mine = UNIT.copy()
    kept = Embeddings(mine, "m")
    mine[0, 0] = np.nan
    assert np.array_equal(kept.vectors, UNIT)
    with pytest.raises(ValueError, match="read-only"):
        kept.vectors[0, 0] = 2


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (UNIT.astype(np.float64), r"float32 array, got float64 \(4, 4\); cast it"),
        (UNIT.astype(np.float16), "float32"),
        (UNIT.astype(np.int64), "float32"),
        (UNIT.tolist(), "float32 array, got list"),
        (UNIT[0], r"shape \(n, d\)"),
        (UNIT[:, :0], r"shape \(n, d\)"),
        (UNIT * 2, "4 of 4 embeddings are not of length 1"),
        (UNIT * 0, "not of length 1"),
        (np.where(np.eye(4) == 1, np.nan, 0).astype(np.float32), "NaN or infinity"),
        (np.where(np.arange(16).reshape(4, 4) == 9, np.inf, UNIT).astype(np.float32), r"1 of 4 .* row 2"),
        (np.full((1, 4), 3e38, dtype=np.float32), "NaN or infinity|length 1"),
    ],
)
def test_what_is_no_unit_vector_of_float32_is_refused_with_what_to_do(vectors, message):
    with pytest.raises(DataError, match=message):
        Embeddings(vectors, "m")


@pytest.mark.parametrize("model", ["", " m", "m ", "a\nb", "a\u202eb", "x" * 201, None, 3])
def test_a_model_needs_a_name_that_can_be_shown(model):
    with pytest.raises(DataError, match="model id"):
        Embeddings(UNIT, model)


def test_embeddings_of_two_models_are_never_compared():
    with pytest.raises(DataError, match=r"model '[ab]' cannot be compared with those of '[ab]'"):
        similarities(Embeddings(UNIT, "a"), Embeddings(UNIT, "b"))
    with pytest.raises(DataError, match="dimensions"):
        similarities(Embeddings(UNIT, "a"), Embeddings(np.eye(3, dtype=np.float32), "a"))


def test_similarities_are_cosines_of_every_pair():
    slanted = Embeddings.scaled(np.array([[1.0, 1.0, 0.0, 0.0]]), "m")
    assert similarities(slanted, Embeddings(UNIT, "m")) == pytest.approx(np.array([[0.5**0.5, 0.5**0.5, 0, 0]]))


def test_printing_embeddings_prints_no_number_of_a_vector():
    shown = repr(Embeddings.scaled(np.array([[0.6, 0.8]]), "m"))
    assert shown == "Embeddings(1 x 2, model='m')"


@pytest.mark.parametrize("bad", [np.zeros((1, 3)), np.array([[1.0, np.nan]]), np.array([[np.inf, 1.0]])])
def test_a_row_without_a_direction_cannot_be_scaled(bad):
    with pytest.raises(DataError, match="no direction"):
        Embeddings.scaled(bad, "m")


@settings(deadline=None)
@given(
    hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(allow_nan=False, allow_infinity=False),
    ).filter(lambda raw: bool((np.abs(raw).max(axis=1) > 0).all()))
)
def test_any_row_with_a_direction_is_scaled_to_length_one_and_keeps_it(raw):
    made = Embeddings.scaled(raw, "m").vectors
    assert np.linalg.norm(made.astype(np.float64), axis=1) == pytest.approx(1.0, abs=1e-6)
    assert not (np.sign(made) * np.sign(raw) < 0).any()


def test_importing_the_room_loads_no_learning_framework_and_no_browser():
    code = "import sys, matching.embeddings; print({'torch', 'flwr', 'streamlit', 'faiss'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
