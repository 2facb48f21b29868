import numpy as np
import pytest

from privacy import Budget, Ledger, cap
from privacy.blind import BEYOND, BlindNoise
from privacy.log import Log
from privacy.policy import Dataset, Party, PolicyEngine, Register
from privacy.statistics.queries import Key, Query
from retail.errors import PolicyError, PrivacyError

QUERY = Query("counts", "people", epsilon=0.5, purpose="own_business")


@pytest.fixture
def make_blind(tmp_path):
    def make(*, epsilon=4.0, owner="m1"):
        ledger = Ledger.open(tmp_path / "b.sqlite", scope="persistent", budget=Budget("p", epsilon, 1e-6, 900), run="b")
        register = Register([Party("m1", "merchant"), Party("m2", "merchant")])
        register.add(Dataset("people", owner, "transactions", "dp", about_persons=True))
        engine = PolicyEngine.load(["base"], register=register)
        return BlindNoise(
            dataset="people", ledger=ledger, engine=engine, log=Log.open(ledger.books, origin="b", key=None)
        )

    return make


def draw(blind, key, query=QUERY, within=lambda connection: None):
    return blind.draw("m1", query, key=key, note=("session", {"about": "a test"}), within=within)


def test_noise_is_centred_on_half_the_spare_members_and_as_wide_as_its_price_says(make_blind):
    blind = make_blind(epsilon=400.0)
    draws = [draw(blind, f"count-{number}") for number in range(400)]
    noise = np.array([one.extra - one.spare // 2 for one in draws])
    assert len({one.spare for one in draws}) == 1
    assert abs(noise.mean()) < 6 * draws[0].noise.scale * 1.5 / 20
    inside = (np.abs(noise) <= draws[0].noise.error()).mean()
    assert 0.9 < inside < 0.99
    # Adding a person moves every event's chance by the factor that the price allows, sampling error put aside.
    for least in (-1, 0, 1, 2):
        here, beside = (noise >= least).mean(), (noise + 1 >= least).mean()
        assert beside <= np.exp(0.5) * here + 4 * np.sqrt(0.25 / 400) * 2
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.25


def test_each_draw_is_paid_once_before_it_is_made_and_logged(make_blind):
    blind = make_blind()
    one = draw(blind, "a")
    assert 0 < one.cost == blind.ledger.spent <= cap(epsilon=0.5, delta=1e-6)
    assert [entry.kind for entry in blind.log.entries()] == ["access", "session"]
    assert blind.log.entries("session")[0].body["cost"] == one.cost
    assert str(one.extra) not in repr(one).replace(str(one.spare), "").replace(str(one.cost), "").split("noise=")[0]
    with pytest.raises(PrivacyError, match="committed already"):
        draw(blind, "a")


def test_a_budget_that_is_spent_draws_nothing_and_the_refusal_is_logged(make_blind):
    blind = make_blind(epsilon=1.0)
    for number in range(blind.ledger.cap // draw(blind, "first").cost - 1):
        draw(blind, str(number))
    with pytest.raises(PrivacyError, match="nano-rho left"):
        draw(blind, "last")
    spent = blind.ledger.spent
    with pytest.raises(PrivacyError, match="nano-rho left"):
        blind.admit("m1", QUERY)
    assert blind.ledger.spent == spent <= blind.ledger.cap
    assert [entry.kind for entry in blind.log.entries()][-2:] == ["refusal", "refusal"]


def test_what_fails_within_the_transaction_leaves_no_entry_and_stays_paid(make_blind):
    def fail(connection):
        raise PrivacyError("the session was held before")

    blind = make_blind()
    with pytest.raises(PrivacyError, match="held before"):
        draw(blind, "a", within=fail)
    assert list(blind.log.entries()) == []
    assert blind.ledger.spent > 0
    assert not blind.ledger.is_committed("a")


def test_the_owner_of_other_peoples_counts_is_asked_by_the_policy(make_blind):
    with pytest.raises(PolicyError, match="may not have this release"):
        draw(make_blind(owner="m2"), "a")


@pytest.mark.parametrize(
    "query",
    [
        Query("counts", "people", keys=(Key("department", ("a", "b")),), epsilon=1.0),
        Query("counts", "people", error_95=3.0),
        Query("counts", "people", epsilon=1.0, counting="rows"),
        Query("counts", "people", epsilon=1.0, where=(("department", ("a",)),)),
    ],
)
def test_only_a_plain_count_of_persons_can_be_blind(make_blind, query):
    with pytest.raises(PrivacyError, match="counts persons at an epsilon"):
        draw(make_blind(), "a", query=query)


def test_noise_beyond_the_spare_members_is_as_rare_as_said(make_blind):
    one = draw(make_blind(), "a")
    assert 2 * one.noise.tail(one.spare // 2 + 1) <= BEYOND
