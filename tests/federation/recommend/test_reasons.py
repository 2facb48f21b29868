"""Reasons are parts of the very scores that a merchant serves."""

import numpy as np
import pytest

from federation.recommend import serve
from federation.recommend.reasons import reasons
from federation.recommend.settings import RecommendOptions

MADE = {"plain": {}, "rich": {"rich": True}, "no local lift": {"local_lift": False}}


@pytest.mark.parametrize("how", MADE)
def test_every_reasoned_product_has_the_log_odds_that_are_served(make_task, node, trained, how):
    options = RecommendOptions(candidates=40, **MADE[how])
    model = trained(make_task(**MADE[how]), node)[1]
    served = np.concatenate(list(serve.scores(model, node, options, 28)))
    for row in (0, len(node.persons) - 1):
        found = reasons(model, node, row, options, 28)
        assert {one.bought_before for one in found} == {True, False}
        assert [one.log_odds for one in found] == sorted((one.log_odds for one in found), reverse=True)
        for one in found:
            assert one.log_odds == pytest.approx(float(served[row, one.product]), abs=1e-3)
        bought = set(node.history.product[node.history.indptr[row] : node.history.indptr[row + 1]].tolist())
        assert {one.product for one in found if one.bought_before} <= bought
        assert not {one.product for one in found if not one.bought_before} & bought


def test_what_holds_for_every_product_alike_explains_none(make_task, node, trained):
    """Over a list, what a feature adds averages to nothing: a reason is what sets a product apart."""
    options = RecommendOptions(candidates=40)
    model = trained(make_task(), node)[1]
    found = [one for one in reasons(model, node, 0, options, 28, most=10_000) if one.bought_before]
    for one in found:
        assert all(value > 0 and words for words, value in one.because)
        assert list(one.because) == sorted(one.because, key=lambda reason: -reason[1])
    strongest = found[0]
    assert strongest.because[0][1] > 0
