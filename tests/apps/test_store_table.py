"""What the command says beneath the differences of two stores."""

import math

import pytest

from apps.command.tables import print_summary
from apps.store.table import drawn, judged, lines


def document(verdict, ends):
    about = {"arm": "new", "reference": "old", "figure": "path_m", "statistic": "difference", "label": "path",
             "verdict": verdict, "source": "literature", "base": 10.0, "other": 12.0}  # fmt: skip
    shape = {"unit": "m", "n": 8, "target": None, "met": None}
    both = {"name": "difference(path_m, new, old)", "value": 2.0, "lo": ends[0], "hi": ends[1], "provenance": about}
    alone = {"name": "simulation_difference(path_m, new, old)", "value": 2.0, "lo": 1.9, "hi": 2.1,
             "provenance": {**about, "statistic": "simulation_difference"}}  # fmt: skip
    return {"kind": "store", "title": "Two stores", "scenario": "two", "rows": [{"arm": "new", "label": "New"}],
            "results": [], "differences": [{**both, **shape}, {**alone, **shape}], "targets": []}  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "ends", "states", "sentence"),
    [
        ("higher", (1.0, 3.0), (True, True), "No better or worse is claimed while the second holds 0."),
        ("not judged", (1.8, 2.2), (True, False), "with fewer than 8 draws of the parameters"),
        ("not judged", (math.nan, math.nan), (False, False), "With parameter draws at 0"),
    ],
)
def test_the_reason_why_nothing_is_judged_stands_beneath_the_table(verdict, ends, states, sentence, capsys):
    found = lines(document(verdict, ends))
    assert (drawn(found), judged(found)) == states
    print_summary(document(verdict, ends))
    assert sentence in capsys.readouterr().out
