"""Every read of a run asks the policy and is logged; withdrawals act in the next round."""

import datetime as dt
import hashlib

import numpy as np
import pandas as pd
import pytest

from federation import nodes
from federation.access import Access, MarketPort
from federation.parties import merchant_id
from federation.run import run
from privacy.books import Books
from privacy.consent import ConsentRegister, Notice
from privacy.consent.receipt import Receipt
from privacy.log import Log
from retail.errors import ConfigError, ConsentError, PolicyError, PrivacyError

ORIGIN = None


def rows_of(node):
    history = node.history
    keys = (history.persons[history.rows()], history.day, history.product, history.quantity)
    return sorted(zip(*(key.tolist() for key in keys), strict=True))


def events(path):
    return pd.DataFrame([entry.body for entry in Log.open(path, origin=ORIGIN, key=None).entries("access")])


def test_under_the_pooled_regime_the_platform_reads_the_rows_of_all_merchants(make_config, tmp_path):
    config = make_config(by="store", k_max=2)
    port = MarketPort(config, Access(regime="pooled", log=str(tmp_path / "log.sqlite")))
    together = sorted(row for node in nodes.load_nodes(config) for row in rows_of(node))
    assert rows_of(port.pooled()) == together
    logged = events(tmp_path / "log.sqlite")
    assert set(logged["actor"]) == {"platform"}
    assert set(logged["owner"]) == {merchant_id(one) for one in port.merchants}
    assert set(logged["decision"]) == {"allow"}


@pytest.mark.parametrize("regime", ["pure", "isolated", "firewall", "federated", "federated_dp", "self_preferencing"])
def test_under_any_regime_that_keeps_the_platform_out_pooling_is_refused_and_the_refusal_is_logged(
    make_config, tmp_path, regime
):
    port = MarketPort(make_config(), Access(regime=regime, log=str(tmp_path / "log.sqlite")))
    with pytest.raises(PolicyError, match="platform"):
        port.pooled()
    assert set(events(tmp_path / "log.sqlite")["decision"]) == {"deny"}


def test_the_gdpr_pack_forbids_pooling_rows_of_persons_who_did_not_agree_even_where_the_regime_allows_it(make_config):
    with pytest.raises(PolicyError, match="GDPR"):
        MarketPort(make_config(), Access(regime="pooled", packs=("gdpr",), jurisdiction="EU")).pooled()


def test_a_federated_run_logs_who_read_what_and_each_round_in_the_books_that_paid_for_it(make_config, tmp_path):
    books = tmp_path / "ledger.sqlite"
    config = make_config(epsilon=4.0, ledger=books)
    result = run(config, access=Access(log=str(books)))
    logged = events(books)
    merchants = {merchant_id(one) for one in nodes.merchants(config)}
    own = logged[(logged["action"] == "train") & (logged["form"] == "raw")]
    assert set(own["actor"]) == merchants
    assert (own["actor"] == own["owner"]).all()
    assert set(logged.loc[logged["kind"] == "model", "form"]) == {"dp"}
    assert set(logged["decision"]) == {"allow"}
    (budget,) = Log.open(books, origin=ORIGIN, key=None).entries("budget")
    assert (budget.body["epsilon"], budget.body["delta"]) == (4.0, 1e-4)
    rounds = Log.open(books, origin=ORIGIN, key=None).entries("round")
    assert [entry.body["key"] for entry in rounds] == [one["name"] for one in result.rounds]
    assert [entry.body["cost"] for entry in rounds] == [one["cost"] for one in result.rounds]


def test_a_round_that_cannot_be_logged_is_not_committed(make_config, tmp_path, monkeypatch):
    def fail(self, connection, kind, body):
        if kind == "round":
            raise PrivacyError("the disk is full")
        return real(self, connection, kind, body)

    real = Log.append_within

    books = tmp_path / "ledger.sqlite"
    monkeypatch.setattr(Log, "append_within", fail)
    with pytest.raises(PrivacyError, match="disk is full"):
        run(make_config(epsilon=4.0, ledger=books), access=Access(log=str(books)))
    with Books.open(books).transaction("DEFERRED") as connection:
        reserved, committed = connection.execute("SELECT COUNT(*), COUNT(committed_at) FROM reservations").fetchone()
    assert (reserved, committed) == (1, 0)


def test_a_run_without_a_claim_is_refused_under_the_regime_that_wants_noise(make_config):
    with pytest.raises(PolicyError, match="model"):
        run(make_config(), access=Access(regime="federated_dp"))


def test_settings_of_access_survive_json_and_strangers_are_refused():
    access = Access(packs=("gdpr",), regime="pooled", jurisdiction="EU", consents="a b")
    assert Access.from_json(access.to_json()) == access
    assert Access.from_json("") == Access()
    with pytest.raises(ConfigError, match="cannot be read"):
        Access.from_json('{"rule": 1}')


def test_only_a_simulation_lets_somebody_outside_the_market_measure(make_config, persistent, tmp_path):
    rows = MarketPort(make_config(), Access(packs=("gdpr",), jurisdiction="EU")).later(days=28)
    assert sum(len(one.day) for one in rows) > 0
    config = persistent(mode="deployment")
    port = MarketPort(config, Access(log=str(tmp_path / "log.sqlite")))
    with pytest.raises(PolicyError, match="evaluat"):
        port.later(days=28)


def test_a_deployment_needs_a_log_that_outlives_the_process(persistent):
    with pytest.raises(ConfigError, match="outlives the process"):
        MarketPort(persistent(mode="deployment"), Access())


RULES = """id,who,effect,action,whose,kind,form,purpose,when,unless,jurisdiction,article,sentence
ask,merchant,may not,train,own,transactions,raw,recommendation,about persons,consent,any,house rule,We ask first.
"""


@pytest.fixture
def consent_rule(tmp_path):
    """A folder with the rule that a merchant trains with rows of customers who agreed, and with no others."""
    folder = tmp_path / "house"
    folder.mkdir()
    (folder / "rules.csv").write_text(RULES)
    return str(folder)


@pytest.fixture
def agreed(tmp_path):
    """Open a register in which some persons agree to recommendations by all merchants."""
    register = ConsentRegister.open(tmp_path / "consent.sqlite", log=None, commitments=None)
    now = dt.datetime.now(dt.UTC)
    notice = hashlib.sha256(b"notice").hexdigest()
    merchants = tuple(merchant_id(one) for one in range(1, 13))
    for merchant in merchants:
        register.notices.add(Notice(merchant, "notice", "en", notice, now - dt.timedelta(days=1)))

    def agree(persons):
        for person in persons:
            register.record(
                Receipt(
                    record_id=f"receipt {person}",
                    principal=register.token(person),
                    controllers=merchants,
                    notice="notice",
                    notice_sha256=notice,
                    language="en",
                    purposes=("recommendation",),
                    data=("transactions",),
                    processing=("analyse",),
                    storage=("shop",),
                    retention_days=30,
                    recipients=(),
                    jurisdiction="EU",
                    lawful_basis="consent",
                    level="general",
                    explicit=True,
                    issued_at=now - dt.timedelta(minutes=1),
                    valid_from=now - dt.timedelta(minutes=1),
                    expires_at=now + dt.timedelta(days=30),
                    method="app",
                    withdrawal="at the till",
                )
            )
        return register

    return agree


def test_only_persons_who_agreed_are_trained_on_and_a_withdrawal_acts_at_the_next_reading(
    make_config, consent_rule, agreed, tmp_path
):
    config = make_config()
    everybody = [int(one) for one in nodes.load_nodes(config)[0].history.persons]
    register = agreed(everybody[:3])
    access = Access(packs=(consent_rule,), consents=str(tmp_path / "consent.sqlite"))
    port = MarketPort(config, access)
    np.testing.assert_array_equal(port.own(0).history.persons, everybody[:3])
    assert port.own(0) is port.own(0)
    register.withdraw(everybody[1], controller=merchant_id(1), purpose="recommendation")
    np.testing.assert_array_equal(port.own(0).history.persons, [everybody[0], everybody[2]])


def test_once_a_register_enrols_only_people_who_are_present_are_read(make_config, agreed, tmp_path):
    config = make_config()
    everybody = [int(one) for one in nodes.load_nodes(config)[0].history.persons]
    register = agreed(everybody)
    port = MarketPort(config, Access(consents=str(tmp_path / "consent.sqlite")))
    assert port.own(0).history.persons.tolist() == everybody
    register.enrolment.open_period("2026", k_max=1)
    assert port.own(0).history.persons.tolist() == []
    register.enrol(register.token(everybody[0]), merchant_id(1))
    register.enrol(register.token(everybody[1]), merchant_id(2))
    assert port.own(0).history.persons.tolist() == everybody[:1]
    register.enrolment.leave(register.token(everybody[0]), merchant_id(1))
    assert port.own(0).history.persons.tolist() == []


def test_rows_of_an_erased_person_refuse_a_run(make_config, agreed, tmp_path):
    config = make_config()
    everybody = [int(one) for one in nodes.load_nodes(config)[0].history.persons]
    register = agreed(everybody)
    register.tombstones.add(everybody[0])
    with pytest.raises(ConsentError, match="people who were erased"):
        MarketPort(config, Access(consents=str(tmp_path / "consent.sqlite"))).own(0)


def test_a_withdrawal_during_a_round_changes_what_the_node_adds_to_the_next(
    make_config, consent_rule, agreed, tmp_path, monkeypatch
):
    from federation import client_app

    config = make_config(rounds=3)
    everybody = [int(one) for one in nodes.load_nodes(config)[0].history.persons]
    register = agreed(everybody)
    access = Access(packs=(consent_rule,), consents=str(tmp_path / "consent.sqlite"))
    seen, real = {}, client_app.node_sum

    def watch(task, model, round_, node, **bounds):
        if node.merchant == 1:
            seen[round_.name] = node.history.persons.tolist()
            if len(seen) == 1:
                register.withdraw(everybody[0], controller=merchant_id(1), purpose="recommendation")
        return real(task, model, round_, node, **bounds)

    monkeypatch.setattr(client_app, "node_sum", watch)
    run(config, access=access)
    first, *later = seen.values()
    assert everybody[0] in first
    assert later
    assert all(everybody[0] not in persons for persons in later)


def test_without_a_register_nothing_is_read_that_needs_consent(make_config, consent_rule):
    with pytest.raises(PolicyError, match="house rule"):
        MarketPort(make_config(), Access(packs=(consent_rule,))).own(0)


def test_a_register_that_does_not_exist_is_named(make_config, tmp_path):
    with pytest.raises(ConfigError, match="no consent register"):
        MarketPort(make_config(), Access(consents=str(tmp_path / "nobody.sqlite")))
