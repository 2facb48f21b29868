import json

import pytest
from streamlit.testing.v1 import AppTest

from apps.faces.results import finding
from apps.faces.table import face_rows, scope


def row(arm, method, eer, **more):
    usual = {"arm": arm, "label": arm.title(), "method": method, "epsilon": None, "origins": [0, 1], "seeds": [0]}
    rest = {"n_shoppers": 20, "missing_runs": 0, "run_ids": [], "sweep": {}, "seconds": 1.0}
    return {**usual, **rest, "eer": eer, "eer_lo": eer - 0.02, "eer_hi": eer + 0.02, **more}


ALONE, TOGETHER = row("alone", "isolated", 0.2), row("together", "federated", 0.12)
GAP = {"gap_closed": 0.8, "gap_closed_lo": 0.4, "gap_closed_hi": 1.1}


def difference(value, lo, hi):
    return {"name": "difference(eer, private, drawn)", "value": value, "lo": lo, "hi": hi, "provenance": {"runs": []}}


def test_the_first_sentence_says_how_much_of_the_gap_is_closed_with_its_interval():
    said = finding([ALONE, {**TOGETHER, **GAP}], [], "")
    assert said.startswith("Together closes 80% [40, 110] of the gap")
    unsure = finding([ALONE, {**TOGETHER, **GAP, "gap_closed_lo": -0.1}], [], "")
    assert unsure.startswith("Too few people to tell whether Together closes any of the gap")


@pytest.mark.parametrize(
    ("ends", "words"), [((-0.02, -0.002), "lowers EER by 1.0 points [0.2, 2.0]"), ((-0.02, 0.01), "no clear gain")]
)
def test_a_private_arm_is_held_against_nobodys_picture_and_a_gain_is_claimed_only_when_clear(ends, words):
    rows = [row("drawn", "untrained", 0.17), row("private", "federated", 0.16, epsilon=8.0)]
    assert words in finding(rows, [difference(-0.01, *ends)], "")


def test_cells_are_percent_with_intervals_and_figures_that_nobody_has_are_left_out():
    first, second = face_rows([ALONE, {**TOGETHER, **GAP}])
    assert first.cells == {"EER": "20.0 [18.0, 22.0]", "Gap closed": "-"}
    assert second.cells["Gap closed"] == "80 [40, 110]"
    assert scope([ALONE, TOGETHER]) == "20 people, 2 folds, 1 seed"


def _page(root):
    import json
    from pathlib import Path

    from apps.faces.results import show_face_results
    from experiments.runs import RunStore

    show_face_results(RunStore(Path(root)), "tiny", json.loads((Path(root) / "summary.json").read_text()))


def test_the_page_shows_rates_differences_and_targets(tmp_path):
    document = {
        "title": "Faces", "rows": [ALONE, {**TOGETHER, **GAP}], "targets": [], "failures": [], "unfinished": [],
        "differences": [{**difference(-0.08, -0.1, -0.05), "name": "difference(eer, together, alone)"}],
    }  # fmt: skip
    (tmp_path / "summary.json").write_text(json.dumps(document))
    shown = AppTest.from_function(_page, args=(str(tmp_path),), default_timeout=30).run()
    assert not shown.exception
    assert shown.title[0].value.startswith("Together closes 80%")
    assert shown.dataframe[1].value["Clear"].tolist() == ["better"]
