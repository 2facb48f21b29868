"""Cards: who gets one, what is on it, and that of everybody else nothing stays."""

import copy
import dataclasses
import datetime as dt

import numpy as np
import pytest
from face_shop import state

from experiments.assistant import Card, greet, read_picture, revoke, switch
from experiments.assistant.pairings import MADE_UP
from federation.recommend.settings import RecommendOptions
from matching.face.decision import NoMatch, Refused
from privacy.log import verify_log
from retail.errors import PolicyError

from .conftest import GREET, PAY, SUGGEST, opened


def test_a_customer_who_agreed_gets_a_card_with_suggestions_reasons_and_what_was_agreed_to(
    shop, enrol, again, pictures, regular
):
    person = min(pictures)
    assert enrol(person, shopper=regular).uses == (GREET, PAY)
    card = greet(shop, again(person))
    assert isinstance(card, Card)
    assert card.person == str(person)
    assert {one.purpose for one in card.agreements} == {GREET, PAY, SUGGEST}
    in_a_year = dt.datetime.now(dt.UTC) + dt.timedelta(days=364)
    assert all(dt.datetime.fromisoformat(one.until) > in_a_year for one in card.agreements)
    assert card.withdrawal
    assert card.made_up == MADE_UP
    assert card.pairing.shopper == regular
    assert [one.bought_before for one in card.suggestions] == [False, False, False, True, True]
    for one in card.suggestions:
        assert list(one.because) == sorted(one.because, key=lambda reason: -reason[1])
        assert all(value > 0 for _, value in one.because)
    assert card.favourites[0].trips >= card.favourites[-1].trips >= 2
    shown = [one.product.type for one in (*card.suggestions[:3], *card.favourites)]
    assert len(set(shown[:3])) == 3
    assert not set(shown[:3]) & set(shown[3:])
    assert verify_log(shop.folder / "books.sqlite", head=shop.log.sign_head()).ok


def test_favourites_are_what_the_paired_shopper_bought_in_most_baskets(shop, enrol, again, pictures):
    recommender = shop.recommender
    store = shop.settings.store
    shopper = shop.panel(store).shoppers[3]
    assert not enrol(min(pictures), shopper=shopper).pairing.drawn
    card = greet(shop, again(min(pictures)))
    assert (card.pairing.store, card.pairing.shopper) == (store, shopper)
    rows = recommender.config.source.open().transactions
    here = (rows["person_id"].astype(str) == shopper) & (rows["store_id"].astype(str) == store)
    before = rows[here & (rows["day"] < recommender.config.now)]
    baskets = before.groupby("product_id")["basket_id"].nunique()
    assert [one.trips for one in card.favourites] == [n for n in sorted(baskets, reverse=True)[:5] if n > 1]
    assert all(baskets[int(one.product.id)] == one.trips for one in card.favourites)


def test_a_card_of_any_shopper_the_draw_may_choose_can_be_made(shop):
    """Also of somebody who has bought one thing once."""
    panel = shop.panel(shop.settings.store)
    for shopper in panel.shoppers:
        assert panel.suggestions(shopper)
        assert all(one.trips >= 2 for one in panel.favourites(shopper))


def test_suggestions_keep_the_order_of_the_served_scores(shop, enrol, again, pictures, regular):
    """The card's reasons are parts of the very scores by which the merchant ranks."""
    from federation.recommend import serve

    recommender = shop.recommender
    enrol(min(pictures), shopper=regular)
    card = greet(shop, again(min(pictures)))
    panel = shop.panel(card.pairing.store)
    node, row = panel.node, panel.row(card.pairing.shopper)
    options = RecommendOptions.read(recommender.config.options)
    scores = np.concatenate(list(serve.scores(recommender.model, node, options, recommender.config.window_days)))[row]
    place = {str(one): score for one, score in zip(node.catalogue.product_ids, scores, strict=True)}
    new = [place[one.product.id] for one in card.suggestions if not one.bought_before]
    again_ = [place[one.product.id] for one in card.suggestions if one.bought_before]
    assert new == sorted(new, reverse=True)
    assert again_ == sorted(again_, reverse=True)
    own = node.history.product[node.history.indptr[row] : node.history.indptr[row + 1]]
    assert again_[0] == pytest.approx(scores[own].max())


def reads(shop):
    return [one.body for one in shop.log.entries("access")]


def test_every_card_with_baskets_is_one_read_of_the_panels_merchant_through_the_port(
    shop, parts, enrol, again, pictures, regular
):
    """And no other merchant's rows are read, to draw a shopper or to make a card."""
    person, store = min(pictures), shop.settings.store
    enrol(person, shopper=regular)
    before = len(reads(shop))
    assert greet(shop, again(person)).favourites
    assert greet(opened(shop.folder, parts), again(person)).suggestions
    new = reads(shop)[before:]
    own = (f"merchant {store}", f"merchant {store}: transactions")
    assert [(one["actor"], one["dataset"]) for one in new] == [own] * 2
    assert {(one["action"], one["purpose"], one["decision"]) for one in new} == {("read", "recommendation", "allow")}
    assert {one["actor"] for one in reads(shop)} == {f"merchant {store}"}
    assert sum("packs" in one.body for one in shop.log.entries("policy")) == 1
    assert verify_log(shop.folder / "books.sqlite", head=shop.log.sign_head()).ok


RULE = "id,who,effect,action,whose,kind,form,purpose,when,unless,jurisdiction,article,sentence"
FORBID = (
    "ours-1,merchant,may not,read,own,transactions,raw,recommendation,,,any,house rule,Nobody looks at baskets here."
)


def test_where_the_rules_of_the_run_forbid_the_read_no_basket_is_seen_and_the_refusal_is_logged(
    shop, parts, enrol, again, pictures, tmp_path
):
    enrol(min(pictures))
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "rules.csv").write_text(f"{RULE}\n{FORBID}\n")
    strict = copy.copy(shop.recommender)
    policy = strict.spec.policy.model_copy(update={"packs": (str(tmp_path / "ours"),)})
    strict.spec = dataclasses.replace(strict.spec, policy=policy)
    later = opened(shop.folder, parts | {"recommender": strict})
    with pytest.raises(PolicyError, match="Denied by ours-1"):
        greet(later, again(min(pictures)))
    assert (reads(shop)[-1]["decision"], reads(shop)[-1]["rule"]) == ("deny", "ours-1")


def test_without_consent_to_recommendation_no_baskets_are_looked_at(shop, enrol, again, pictures):
    person = min(pictures)
    assert enrol(person, GREET).pairing is None
    card = greet(shop, again(person))
    assert card.person == str(person)
    assert (card.favourites, card.suggestions, card.pairing) == ((), (), None)
    assert "no consent to recommendation" in card.shown


def test_baskets_are_out_of_reach_once_that_consent_is_withdrawn(shop, enrol, again, pictures):
    person = min(pictures)
    enrol(person)
    shop.register.withdraw(str(person), controller=shop.settings.merchant, purpose=SUGGEST)
    card = greet(shop, again(person))
    assert card.suggestions == ()
    assert {one.purpose for one in card.agreements} == {GREET, PAY}


VISITORS = ["a stranger", "agreed to payment only", "withdrew", "revoked", "a drawing of nobody"]


@pytest.mark.parametrize("who", VISITORS)
def test_a_visitor_without_consent_to_be_greeted_changes_no_byte_of_the_folder(shop, enrol, again, pictures, who):
    one, other, *_ = sorted(pictures)
    enrol(one)
    visitor = again(other)
    if who == "a stranger":
        visitor = read_picture(pictures[other][1])
    elif who == "a drawing of nobody":
        visitor = read_picture("drawn:7/1")
    else:
        enrol(other, *([PAY] if who == "agreed to payment only" else [GREET, PAY]))
    if who == "withdrew":
        shop.register.withdraw(str(other), controller=shop.settings.merchant, purpose=GREET)
    if who == "revoked":
        revoke(shop, str(other), withdraw=False)
    before, counted = state(shop.folder), len(shop.greeter.visits.rows(("day",)))
    found = greet(shop, visitor)
    assert found == NoMatch()
    assert state(shop.folder) == before
    assert len(shop.greeter.visits.rows(("day",))) == counted + 1  # in memory alone


def test_while_the_shop_is_off_nobody_is_compared_also_by_who_had_it_open_before(shop, enrol, again, pictures):
    person = min(pictures)
    enrol(person)
    face = again(person)
    assert isinstance(greet(shop, face), Card)
    assert switch(shop, on=False) == 0
    before = state(shop.folder)
    refused = greet(shop, face)
    assert isinstance(refused, Refused)
    assert "switched off" in refused.message
    assert state(shop.folder) == before
    switch(shop, on=True)
    assert isinstance(greet(shop, face), Card)
    kinds = [one.body["event"] for one in shop.log.entries("policy") if "event" in one.body]
    assert kinds[-2:] == ["recognition_off", "recognition_on"]
