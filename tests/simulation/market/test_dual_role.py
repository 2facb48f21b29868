import dataclasses

import pytest

from retail.errors import ConfigError
from simulation.market.mechanisms import RULES, DualRole, LogitPlatform, OwnLabel, compare_rules, settle, under_rule

MARKET = LogitPlatform(
    quality=(2.0, 1.8, 1.6, 1.4, 1.2, 1.0), cost=(1.0,) * 6, own=OwnLabel(quality=1.5, cost=1.0, bonus=1.0)
)
ROLE = DualRole(MARKET)


@pytest.fixture(scope="module")
def rules():
    return compare_rules(ROLE)


def test_merchants_gain_by_a_ban_of_the_dual_role(rules):
    assert max(RULES, key=lambda rule: rules[rule].merchants) == "no dual role"


def test_milder_rules_serve_consumers_better_than_a_ban(rules):
    """And the platform, which keeps its label."""
    mild, ban = rules["no imitation or steering"], rules["no dual role"]
    assert mild.consumers > ban.consumers + 0.01
    assert mild.welfare > ban.welfare + 0.01
    assert mild.platform > ban.platform


@pytest.mark.parametrize(("effort", "sign"), [(0.2, 1), (0.5, -1)])
def test_a_ban_may_serve_consumers_or_harm_them(effort, sign):
    """It helps where being better is cheap, so that copying costs much of it, and harms where little is invested."""
    role = dataclasses.replace(ROLE, effort=effort)
    gain = under_rule(role, "no dual role").consumers - under_rule(role, "dual role").consumers
    assert gain * sign > 0.01


def test_copying_takes_from_what_the_first_merchant_invests(rules):
    assert rules["dual role"].copied
    assert rules["dual role"].better < rules["no imitation"].better - 0.1
    assert rules["no steering"].better < rules["no imitation or steering"].better - 0.1
    assert not rules["no imitation"].copied


def test_a_far_worse_copy_is_not_made_and_imitation_no_longer_matters():
    role = dataclasses.replace(ROLE, lag=20.0)
    assert under_rule(role, "dual role").prices.welfare == under_rule(role, "no imitation").prices.welfare


def test_without_a_wanted_label_and_copies_all_rules_are_the_same():
    unwanted = dataclasses.replace(MARKET, own=OwnLabel(quality=-40.0, cost=1.0, bonus=1.0))
    outcomes = compare_rules(DualRole(unwanted, lag=60.0))
    for rule in RULES:
        assert outcomes[rule].consumers == pytest.approx(outcomes["no dual role"].consumers, abs=1e-6)
        assert outcomes[rule].merchants == pytest.approx(outcomes["no dual role"].merchants, abs=1e-6)


def test_no_other_effort_pays_the_first_merchant_more(rules):
    for rule in ("no imitation", "dual role"):
        chosen = rules[rule]
        kept = chosen.prices.merchants[0] - chosen.effort
        for better in (0.0, 0.2, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0):
            quality = (2.0 + better, *MARKET.quality[1:])
            copy = rule == "dual role" and quality[0] - ROLE.lag > 1.5
            own = dataclasses.replace(MARKET.own, quality=quality[0] - ROLE.lag if copy else 1.5)
            other = settle(dataclasses.replace(MARKET, quality=quality, own=own), 0.15)
            assert other.merchants[0] - ROLE.effort * better**2 / 2 <= kept + 1e-7


def test_dearer_effort_means_less_of_it():
    found = [under_rule(dataclasses.replace(ROLE, effort=effort), "no imitation").better for effort in (0.1, 0.2, 0.5)]
    assert found == sorted(found, reverse=True)


def test_the_platform_chooses_a_higher_fee_with_a_label_than_without():
    free = dataclasses.replace(ROLE, fee=None)
    with_label, without = (under_rule(free, rule, steps=10) for rule in ("no imitation or steering", "no dual role"))
    assert with_label.prices.fee > without.prices.fee
    assert with_label.platform >= under_rule(ROLE, "no imitation or steering").platform


def test_money_adds_up(rules):
    for one in rules.values():
        assert one.welfare == pytest.approx(one.consumers + one.merchants + one.platform)


@pytest.mark.parametrize(
    "call",
    [
        lambda: DualRole(dataclasses.replace(MARKET, own=None)),
        lambda: DualRole(MARKET, effort=0.0),
        lambda: DualRole(MARKET, lag=-1.0),
        lambda: DualRole(MARKET, fee=1.0),
        lambda: under_rule(ROLE, "anything goes"),
        lambda: under_rule(ROLE, "dual role", steps=1),
    ],
)
def test_values_without_meaning_are_refused(call):
    with pytest.raises(ConfigError, match="give"):
        call()
