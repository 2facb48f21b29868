import pytest

from privacy.policy import Context
from privacy.policy import matrix as m
from privacy.policy.matrix import access_matrix, compact
from retail.errors import PolicyError


@pytest.fixture(scope="module")
def table():
    return access_matrix(["firewall", "pooled", "federated_dp"], ["base"])


def cell(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def test_only_pooled_regimes_let_the_retail_arm_read_merchants(table):
    retail = cell(table, role="platform_retail", relation=m.OTHER)
    assert set(retail.regime) == {"pooled"}
    assert set(retail.rule) == {"regime-platform-reads"}
    assert set(retail.purposes) == {m.ANY_PURPOSE}
    assert cell(access_matrix(["pooled"], ["base", "dma"]), role="platform_retail", relation=m.OTHER).empty


def test_the_federation_gets_noisy_sums_and_the_neutral_pool_gets_rows(table):
    forms = cell(table, role="aggregator", relation=m.OTHER, kind="transactions").groupby("regime")["form"].agg(set)
    assert forms["firewall"] == {"raw", "aggregate", "dp"}
    assert forms["federated_dp"] == {"dp"}


def test_denials_are_listed_on_request_with_the_rule_that_forbids():
    context = Context(jurisdiction="EU")
    table = access_matrix([""], ["base", "gdpr"], actions=["recognise"], context=context, denied=True)
    faces = cell(table, role="merchant", relation=m.OWN, kind="face_templates", form="raw")
    assert list(faces.purposes) == [""]
    assert list(faces.rule) == ["gdpr-7-4; gdpr-9-1; gdpr-9-1-recognise"]
    assert set(cell(table, role="public", relation=m.OTHER).rule) >= {""}
    assert list(table.columns) == list(m.COLUMNS)


def test_the_compact_table_holds_the_same_answers(table):
    short = compact(table)
    assert len(short) < len(table) / 5
    assert set(short.rule) == set(table.rule)
    assert "all kinds (dp)" in set(short.data)


def test_an_unknown_regime_is_refused():
    with pytest.raises(PolicyError):
        access_matrix(["feudal"], ["base"])


def test_every_cell_of_the_matrix_is_there_once():
    found = access_matrix(["federated_dp"], ["base"], denied=True)
    assert not found.duplicated(["regime", "role", "relation", "action", "kind", "form"]).any()
