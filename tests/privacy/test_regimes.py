import pytest

from privacy.regimes import REGIMES, Regime, regime
from retail.errors import PolicyError

# The table of the design, written out once more.
TABLE = {
    # id: own label, platform reads, bonus, merchants get own, model, best audience first
    "pure": (False, False, False, False, "none", False),
    "isolated": (True, False, False, False, "none", False),
    "firewall": (True, False, False, True, "pooled_merchants", False),
    "federated": (True, False, False, True, "federated", False),
    "federated_dp": (True, False, False, True, "federated", False),
    "pooled": (True, True, False, False, "pooled", False),
    "self_preferencing": (True, False, True, True, "pooled_merchants", False),
    "pooled_self_preferencing": (True, True, True, False, "pooled", True),
    "affiliated_stores": (False, True, True, False, "pooled", True),
}


def test_the_regimes_are_those_of_the_design():
    found = {
        name: (
            one.own_label,
            one.platform_reads,
            one.own_label_bonus > 0,
            one.merchants_get_own,
            one.shared_model,
            one.best_audience_first,
        )
        for name, one in REGIMES.items()
    }
    assert found == TABLE
    assert [name for name, one in REGIMES.items() if not one.noise] == ["federated"]


def test_a_regime_is_found_by_its_id_or_refused():
    assert regime("pure") is REGIMES["pure"]
    for name in ("", "Pure", None, 3, ["pure"]):
        with pytest.raises(PolicyError, match="there is no regime"):
            regime(name)


@pytest.mark.parametrize("bonus", [-0.1, float("nan"), float("inf")])
def test_a_bonus_that_is_no_bonus_is_refused(bonus):
    with pytest.raises(PolicyError, match="own_label_bonus"):
        Regime("x", "x", True, False, bonus, True, "none", False)
