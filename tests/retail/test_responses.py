"""Tables of responses: one row for each person, whole or refused."""

import numpy as np
import pandas as pd
import pytest

from retail import columns as c
from retail.errors import ConfigError, DataError
from retail.responses import Responses, ResponseSource
from retail.responses.table import responses_in

NAMES = ("spend", "visits")


def table(n=6, **changes):
    rng = np.random.default_rng(0)
    given = {
        "persons": np.arange(n),
        "merchants": np.arange(n) % 2,
        "features": rng.standard_normal((n, 2)),
        "names": NAMES,
        "advertised": np.arange(n) % 3 == 0,
        "responded": (np.arange(n) % 2).astype(float),
    }
    return Responses(**{**given, **changes})


def source(tmp_path, made=None, **changes):
    return ResponseSource.of(
        made or table(), tmp_path / "r.parquet", **{"listed": (0, 1, 2), "population": 6, "name": "spring", **changes}
    )


def test_what_was_written_is_read_by_merchant(tmp_path):
    found = source(tmp_path)
    assert found.at(1)[c.PERSON].tolist() == [1, 3, 5]
    assert found.at(2).empty
    assert np.allclose(found.everybody().features, table().features)
    assert found.everybody().names == NAMES


def test_a_file_written_anew_is_read_anew(tmp_path):
    found = source(tmp_path)
    assert len(found.everybody()) == 6
    again = source(tmp_path, table(8))
    assert len(again.everybody()) == 8
    assert found.at(0)[c.PERSON].tolist() == [0, 2, 4, 6]


def test_a_merchant_with_people_must_be_listed(tmp_path):
    with pytest.raises(DataError, match=r"merchants 1 have people and are not listed"):
        source(tmp_path, listed=(0, 2))
    assert not (tmp_path / "r.parquet").exists()


def test_a_missing_or_damaged_file_is_said_in_one_sentence(tmp_path):
    gone = ResponseSource(path=str(tmp_path / "no.parquet"), merchants=(1,), features=NAMES)
    with pytest.raises(DataError, match="cannot be read"):
        gone.everybody()
    (tmp_path / "no.parquet").write_bytes(b"nonsense")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        gone.at(0)
    with pytest.raises(ConfigError, match="merchant 1 does not exist"):
        gone.at(1)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"persons": np.zeros(6)}, "stands twice"),
        ({"features": np.full((6, 2), np.nan)}, "NaN or infinite"),
        ({"responded": np.full(6, 2.0)}, "0 or 1"),
        ({"responded": np.full(6, np.nan)}, "0 or 1"),
        ({"advertised": np.ones(5, dtype=bool)}, "one row"),
        ({"names": ("spend",)}, "one name"),
        ({"names": ("spend", "spend")}, "name each once"),
    ],
)
def test_what_is_no_table_of_responses_is_refused(changes, why):
    with pytest.raises(DataError, match=why):
        table(**changes)


@pytest.mark.parametrize("everybody", [0.0, 1.0])
def test_a_campaign_that_all_answered_alike_teaches_nothing(everybody):
    with pytest.raises(DataError, match=r"campaign 8: \d of 6 people responded, so there is nothing to tell apart"):
        table(responded=np.full(6, everybody)).require_both("campaign 8")
    table().require_both("campaign 8")


def test_a_table_without_a_column_or_with_words_is_refused():
    frame = table().frame()
    with pytest.raises(DataError, match="lacks visits"):
        responses_in(frame.drop(columns="visits"), NAMES)
    with pytest.raises(DataError, match="no numbers"):
        responses_in(frame.assign(spend="much"), NAMES)
    assert pd.DataFrame.equals(responses_in(frame, NAMES).frame(), frame)


@pytest.mark.parametrize(
    "changes",
    [{"merchants": ()}, {"merchants": (1, 1)}, {"features": ()}, {"population": 0}, {"name": ""}, {"source": "faces"}],
)
def test_a_description_that_describes_nothing_is_refused(changes):
    with pytest.raises(ConfigError):
        ResponseSource(**{"path": "x", "merchants": (1,), "features": NAMES, **changes})
