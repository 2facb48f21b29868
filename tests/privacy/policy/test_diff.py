import pytest

from privacy.policy import PolicyEngine, Request
from privacy.policy.diff import COLUMNS, NOW_ALLOWED, NOW_DENIED, by_rule, describe, diff_policies
from privacy.policy.domain import enumerate_requests, sample_register


def test_a_policy_does_not_differ_from_itself():
    table = diff_policies(["base"], ["base"], regime_before="pure", regime_after="isolated").table
    assert table.empty
    assert list(table.columns) == list(COLUMNS)
    assert by_rule(table).empty


def test_the_dma_takes_from_the_platform_and_gives_to_merchants_and_shoppers():
    requests = enumerate_requests()[::29]
    table = diff_policies(
        ["base"], ["base", "dma"], regime_before="pooled", regime_after="pooled", requests=requests
    ).table
    gained, lost = (table[table.change == change] for change in (NOW_ALLOWED, NOW_DENIED))
    assert set(gained.role) == {"merchant", "shopper"}
    assert set(lost.role) == {"platform_retail", "marketplace"}
    assert all(article.startswith("DMA Art.") for article in table.article)
    register = sample_register()
    one, other = (PolicyEngine.load(packs, register=register, regime="pooled") for packs in (["base"], ["base", "dma"]))
    differ = [a.allowed != b.allowed for a, b in zip(one.verdicts(requests), other.verdicts(requests), strict=True)]
    assert table.requests.sum() == sum(differ) == by_rule(table).requests.sum()


def test_turning_the_sides_round_turns_the_changes_round():
    some = enumerate_requests()[::29]
    there = diff_policies(["base"], ["base"], regime_before="firewall", regime_after="isolated", requests=some).table
    back = diff_policies(["base"], ["base"], regime_before="isolated", regime_after="firewall", requests=some).table
    assert set(there.change) == {NOW_DENIED}
    assert set(back.change) == {NOW_ALLOWED}
    assert there.requests.sum() == back.requests.sum() > 0
    assert all(rule.endswith("(gone)") for rule in there.rule)


def test_a_request_is_described_without_its_defaults():
    assert describe(Request("m1", "read", "d", "audit")) == "m1 read d for audit"


HEADER = "id,who,effect,action,whose,kind,form,purpose,when,unless,jurisdiction,article,sentence"


@pytest.mark.slow
def test_a_rule_that_was_narrowed_shows_what_it_lost(tmp_path):
    folders = []
    for name, purpose in (("before", "any"), ("after", "audit")):
        folder = tmp_path / name
        folder.mkdir()
        line = f"r1,regulator,may,read,merchant's,payments,raw,{purpose},,,any,house rule,"
        (folder / "rules.csv").write_text(f"{HEADER}\n{line}\n")
        folders.append(folder)
    lost = diff_policies(["base", folders[0]], ["base", folders[1]])
    assert set(lost.table.change) == {NOW_DENIED}
    assert set(lost.table.rule) == {"r1 (gone)"}
    gained = diff_policies(["base", folders[1]], ["base", folders[0]])
    assert gained.table.requests.sum() == lost.table.requests.sum() > 0
    assert (lost.silent, gained.silent) == ((), ())
