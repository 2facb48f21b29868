"""Look-alikes by scenario: what is refused, what merchants send, what it costs, and what the table says."""

import datetime as dt
import hashlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from launched import SHOPPERS, START, launched_table, write_launched

from experiments.audience import lookalike
from experiments.audience.kind import AUDIENCE
from experiments.audience.lookalike_audiences import audiences
from experiments.audience.lookalike_choice import Choice, choose, lessons_apart, noise_of
from experiments.audience.lookalike_data import described, read_launches, stacked
from experiments.audience.lookalike_lessons import lesson_sums
from experiments.audience.lookalike_options import LookalikeOptions, LookalikePlan
from experiments.audience.lookalike_scores import scored
from experiments.audience.measured import TABLE_FILE
from experiments.audience.run import run_audience
from experiments.audience.spec import expand_audience
from experiments.audience.summary import summarise_audience
from experiments.documents import read_frame
from experiments.runs import RunStore
from experiments.scenario_file import validate
from experiments.worker import execute
from federation import nodes
from federation.access import Access, MarketPort
from federation.contributions import node_sum
from federation.task import load_task
from matching.audience.features import FEATURES
from matching.audience.launch import early_buyers
from matching.audience.methods import rule_score
from matching.audience.size import LEAST_SEEDS
from matching.audience.weights import ridge_weights
from privacy.accounting import cap, epsilon_rdp, noise_multiplier
from privacy.attacks.intervals import most_auc
from privacy.consent import ConsentRegister, Notice, Receipt
from retail import columns as c
from retail.errors import ConfigError, DataError, PolicyError

OPTIONS = {"least_seeds": 5, "least_later": 10, "lesson_buyers": 5}
ARMS = [
    {"name": "rule", "model": "rule"},
    {"name": "weights", "model": "weights"},
    {"name": "profile", "model": "profile"},
    {"name": "profile-dp", "model": "profile", "epsilon": 1.0},
    {"name": "both-dp", "model": "profile_weights", "epsilon": 1.0},
    {"name": "nearest", "model": "nearest_seed"},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return write_launched(tmp_path_factory.mktemp("launched") / "shop")


@pytest.fixture(scope="module")
def fewer(tmp_path_factory):
    """The same world without one household."""
    return write_launched(tmp_path_factory.mktemp("fewer") / "shop", without=(7,))


def scenario_of(folder, **changes):
    raw = {
        "kind": "audience", "name": "small", "method": "lookalike", "data": launched_table(folder), "options": OPTIONS,
        "privacy": {"delta": 1e-4}, "draws": 50, "arms": ARMS,
    }  # fmt: skip
    return validate({**raw, **changes}, source="test")


def spec_of(folder, arm, **changes):
    specs = expand_audience(scenario_of(folder, **changes), code_version="v", fingerprint=lambda one: "rows")
    return next(one for one in specs if one.arm.name == arm)


def opened(folder, arm="weights", options=None, **changes):
    """A port over the year, and the launches in it."""
    spec = spec_of(folder, arm, **changes)
    config = lookalike._config(spec, Path("."), now=20_100)
    port = MarketPort(replace(config, ledger=":memory:"), Access(regime=lookalike.regime_of(spec)))
    read = LookalikeOptions.read({**OPTIONS, **(options or {})})
    return spec, port, read_launches(port, read, identity=f"{folder} {options} {changes}")


def test_launches_are_cut_into_measured_ones_and_others_to_choose_on(shop):
    _, _, launches = opened(shop)
    assert not set(launches.measured) & set(launches.chosen_on)
    assert {launches.lesson_days[one] for one in launches.measured} <= set(launches.lessons)
    for launch in (*launches.measured, *launches.chosen_on):
        sold = launches.history.day[launches.history.product == launch.product]
        assert sold.min() == launch.day
        assert early_buyers(launches.history, launch).sum() >= OPTIONS["least_seeds"]


def test_named_products_are_measured_and_an_unknown_or_old_one_is_refused(shop):
    _, _, launches = opened(shop)
    products = [int(launches.catalogue.product_ids[one.product]) for one in launches.measured[:3]]
    _, _, chosen = opened(shop, options={"products": products})
    assert set(chosen.measured) == set(launches.measured[:3])
    with pytest.raises(DataError, match="product 999999 is not in the catalogue"):
        opened(shop, options={"products": [999_999]})
    old = int(launches.catalogue.product_ids[1])
    with pytest.raises(DataError, match=f"product {old} has no launch between day 91 and 300"):
        opened(shop, options={"products": [old]})
    with pytest.raises(DataError, match=r"no launch can be measured: lower options"):
        opened(shop, options={"least_seeds": SHOPPERS})


def plan_of(launches, **changes):
    days = [day for day in sorted(launches.lessons) if launches.lessons[day].launches]
    assert days
    place = {day: number for number, day in enumerate(days)}
    lesson = tuple(place.get(launches.lesson_days[one]) for one in launches.measured)
    lessons = tuple(launches.lessons[day] for day in days)
    return LookalikePlan(launches.measured, 8, lessons, lesson, 0.05, 0.5, 0.45, **changes)


def task_over(config, plan):
    config = replace(config, options=plan.options())
    return load_task(config.task, nodes.task_settings(config), nodes.public_catalogue(config)), config


def test_one_household_moves_no_sum_by_more_than_its_bound_before_any_noise(shop, fewer):
    _, port, launches = opened(shop, "both-dp")
    task, config = task_over(port.config, plan_of(launches))
    neighbour = replace(config, source=replace(config.source, path=str(fewer)))
    held = [nodes.load_nodes(one) for one in (config, neighbour)]
    model = task.initial()
    largest = 0.0
    for round_ in task.rounds():
        sent = task.broadcast(model, round_)
        sums = [
            np.sum([node_sum(task, sent, round_, one, clip_norm=1.0, weight=1.0) for one in some], axis=0)
            for some in held
        ]
        moved = float(np.linalg.norm(sums[0] - sums[1]))
        largest = max(largest, moved)
        assert moved <= 1 + 1e-9, round_.name
        model = task.advance(model, round_, sums[0] / SHOPPERS, noise_scale=0.0)
    assert largest > 0.5  # the household that left did take part


def test_rows_are_within_the_clip_norm_without_being_clipped_and_each_is_one_household_s(shop):
    _, port, launches = opened(shop, "both-dp")
    task, config = task_over(port.config, plan_of(launches))
    node = nodes.load_nodes(config)[0]
    model = task.initial()
    model["centre"][:] = 0.1
    model["profiles"][:] = np.random.default_rng(0).normal(size=model["profiles"].shape)
    for round_ in task.rounds():
        (rows,) = task.person_updates(task.broadcast(model, round_), round_, node)
        assert rows.shape == (len(node.persons), round_.size)
        assert np.linalg.norm(rows, axis=1).max() <= 1 + 1e-9


def test_a_federation_without_noise_learns_what_all_rows_together_give(shop, tmp_path):
    spec, port, launches = opened(shop, "weights")
    made = scored(spec, port, launches, tmp_path, lambda text: None, attack=False)
    about = described(launches.history, launches.catalogue, launches.measured, None)
    ridge = float(made.said[0].partition("ridge ")[2].split()[0])
    place = next(i for i, one in enumerate(launches.measured) if launches.lesson_of(one).launches)
    (sums,) = lesson_sums(launches.history, launches.catalogue, [launches.lesson_of(launches.measured[place])])
    expected = about.features[place] @ ridge_weights(sums, features=len(FEATURES), ridge=ridge)
    np.testing.assert_allclose(made.scores[place], expected, rtol=1e-6, atol=1e-9)


LATER = 160
"""A day of the year on which the rows of `rewritten` part from those of `shop`; launches lie on either side of it."""


@pytest.fixture(scope="module")
def rewritten(shop, tmp_path_factory):
    """The same world in which everybody does something else from a day on: other products, days and baskets.

    Visits stay in the stores where they were, since whoever's home is another store is at another merchant.
    """
    folder = tmp_path_factory.mktemp("rewritten") / "shop"
    folder.mkdir()
    for file in shop.glob("*.parquet"):
        (folder / file.name).write_bytes(file.read_bytes())
    path = folder / "transactions.parquet"
    lines = pd.read_parquet(path)
    day = (pd.to_datetime(lines[c.TIME], utc=True) - pd.Timestamp(START, tz="UTC")).dt.days.to_numpy()
    late = np.flatnonzero(day >= LATER)
    rng = np.random.default_rng(9)
    listed = lines[c.PRODUCT].value_counts().index.to_numpy()  # each for one that sells as well, to be launched still
    other = dict(zip(listed, listed.reshape(-1, 2)[:, ::-1].ravel(), strict=True))
    products = lines[c.PRODUCT].copy()
    products.iloc[late] = products.iloc[late].map(other)
    times = lines[c.TIME].copy()
    by_basket = lines.iloc[late].groupby(c.BASKET, sort=True)[c.TIME].first()
    moved = dict(zip(by_basket.index, by_basket.to_numpy()[rng.permutation(len(by_basket))], strict=True))
    times.iloc[late] = lines[c.BASKET].iloc[late].map(moved)
    lines.assign(**{c.PRODUCT: products, c.TIME: times}).to_parquet(path)
    return folder


@pytest.mark.parametrize("model", ["rule", "weights"])
def test_nothing_that_anybody_does_from_a_launch_on_changes_a_score_of_it(shop, rewritten, tmp_path, model):
    known = Choice(None, 1.0, None, 1.0, 0, 0.5)
    made = []
    for number, folder in enumerate((shop, rewritten)):
        spec, port, launches = opened(folder, model)
        found = scored(
            spec, port, launches, tmp_path / str(number), lambda text: None, attack=False, chosen=known
        )  # fmt: skip
        keys = [(one.product, one.day) for one in launches.measured]
        made.append((launches, dict(zip(keys, found.scores, strict=True))))
    (before, first), (after, second) = made
    start = int(before.history.day.min())
    assert not np.array_equal(before.history.product, after.history.product)
    both = [one for one in first if one in second and one[1] <= start + LATER]
    assert len(both) >= 5
    learned = [before.lessons[before.lesson_days[one]].launches for one in before.measured if one.day <= start + LATER]
    assert any(learned)
    people, mine, theirs = np.intersect1d(before.persons, after.persons, return_indices=True)
    assert len(people) > 390
    for one in both:
        np.testing.assert_allclose(first[one][mine], second[one][theirs], rtol=1e-9, atol=1e-12)
    if model == "weights":  # and the rows do count for whoever is launched after them
        later = [one for one in first if one in second and one[1] > start + LATER]
        assert later
        assert not any(np.allclose(first[one][mine], second[one][theirs]) for one in later)


def test_before_there_is_anything_to_learn_from_the_weights_of_a_rule_stand_in(shop, tmp_path):
    spec, port, launches = opened(shop, "weights", {"lesson_buyers": SHOPPERS})
    made = scored(spec, port, launches, tmp_path, lambda text: None, attack=False)
    table = launches.described(launches.measured, None).features[0]
    order = np.argsort(rule_score(table, "rule"), kind="stable")
    assert (np.diff(made.scores[0][order]) >= -1e-9).all()
    assert f"{len(launches.measured)} of {len(launches.measured)} launches had nothing before them" in made.said[1]


def test_a_launch_costs_its_epsilon_by_the_ledger_and_all_launches_more(shop, tmp_path):
    spec, port, launches = opened(shop, "both-dp", {"most_launches": 10})
    known = Choice(16, 1.0, 0.2, 0.3, 0, 0.5)
    made = scored(spec, port, launches, tmp_path, lambda text: None, attack=False, chosen=known)
    costs = {one["name"]: one["cost"] for one in made.info["rounds"]}
    learned = [one for one in launches.measured if launches.lesson_of(one).launches]
    lessons = sorted({launches.lesson_days[one] for one in learned})
    assert learned
    for place, launch in enumerate(launches.measured):
        mine = [costs["centre"], costs[f"profile-{place}"]]
        if launch in learned:
            mine.append(costs[f"weights-{lessons.index(launches.lesson_days[launch])}"])
            assert epsilon_rdp(mine, delta=1e-4) > 0.99
        assert epsilon_rdp(mine, delta=1e-4) <= 1.0
    assert "nearness times 0.2, ridge 1, 0.3 of the budget for weights" in made.said[0]
    assert made.info["epsilon_all_launches"] > 2
    assert sum(costs.values()) <= cap(epsilon=made.info["epsilon_all_launches"] + 1e-6, delta=1e-4)
    again = scored(spec, port, launches, tmp_path, lambda text: None, attack=False, chosen=known)
    np.testing.assert_array_equal(made.scores[0], again.scores[0])  # seeded noise, in a simulation


def test_banned_methods_need_everybodys_rows_and_a_regime_that_parts_them_refuses(shop, tmp_path):
    spec, port, launches = opened(shop, "nearest")
    scored(spec, port, launches, tmp_path, lambda text: None, attack=False)
    apart = [{"name": "nearest", "model": "nearest_seed", "regime": "firewall"}]
    spec, port, launches = opened(shop, "nearest", arms=apart)
    with pytest.raises(PolicyError):
        scored(spec, port, launches, tmp_path, lambda text: None, attack=False)


def test_rehearsed_noise_is_as_large_as_the_noise_of_the_federation_for_the_same_share():
    for epsilon, share in ((1.0, 0.3), (4.0, 1.0)):
        planned = noise_multiplier(int(share * cap(epsilon=epsilon, delta=1e-4)))
        assert noise_of(epsilon, 1e-4, share) == pytest.approx(planned, rel=1e-6)
    assert noise_of(None, 1e-4, 1.0) == 0.0
    assert noise_of(1.0, 1e-4, 0.3, parties=9) == pytest.approx(3 * noise_of(1.0, 1e-4, 0.3))


def test_settings_are_chosen_without_looking_at_a_measured_launch(shop):
    _, _, launches = opened(shop)
    found = choose(launches, profile=False, weights=True, epsilon=None, delta=1e-4, seed=0)
    assert found.launches == len(launches.chosen_on)
    measured = {one.product for one in launches.measured}
    taught = {one.product for lesson in lessons_apart(launches) for one in lesson.launches}
    assert taught
    assert not taught & measured
    lessons = {one.product for launch in launches.measured for one in launches.lesson_of(launch).launches}
    assert lessons & measured  # who teaches is part of what is measured elsewhere: the choice leaves it out


def test_with_a_register_only_those_enter_who_agreed_to_marketing_by_the_platform(shop, tmp_path):
    spec, port, launches = opened(shop, "rule", {"least_seeds": LEAST_SEEDS, "least_later": 8})
    path = tmp_path / "consent.sqlite"
    register = ConsentRegister.open(path, log=None, commitments=None)
    asked = MarketPort(port.config, Access(regime="isolated", consents=str(path)))
    made = scored(spec, port, launches, tmp_path, lambda text: None, attack=False)
    about, number = launches.described(launches.measured, None), len(launches.measured)

    def told(share):
        return audiences(launches, about, made, share=share, port=asked)

    assert f"made for 0 of {number} launches" in told(0.5)
    now = dt.datetime.now(dt.UTC)
    notice = hashlib.sha256(b"notice").hexdigest()
    register.notices.add(Notice("platform", "notice", "en", notice, now - dt.timedelta(days=1)))
    for person in launches.persons.tolist():
        if person % 4:
            register.record(_agreement(register, person, notice, now))
    # Early buyers never enter, of whom some have not agreed either: some three quarters of the others may be reached.
    enough = sum(int(seeds.sum()) >= LEAST_SEEDS for seeds in about.early)
    assert enough
    assert f"made for {enough} of {number} launches" in told(0.5)


def _agreement(register, person, notice, now):
    return Receipt(
        record_id=f"receipt {person}", principal=register.token(person), controllers=("platform",), notice="notice",
        notice_sha256=notice, language="en", purposes=("marketing",), data=("transactions",), processing=("analyse",),
        storage=("shop",), retention_days=30, recipients=(), jurisdiction="EU", lawful_basis="consent", level="general",
        explicit=True, issued_at=now - dt.timedelta(minutes=1), valid_from=now - dt.timedelta(minutes=1),
        expires_at=now + dt.timedelta(days=30), method="app", withdrawal="at the till",
    )  # fmt: skip


def test_two_merchants_with_one_household_are_refused(shop):
    _, _, launches = opened(shop)
    with pytest.raises(DataError, match="a household is at two merchants"):
        stacked([launches.history, launches.history])
    np.testing.assert_array_equal(stacked([launches.history]).product, launches.history.product)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"options": {**OPTIONS, "age": 3}}, r"options\.age is unknown to method lookalike; known: least_seeds"),
        ({"options": {**OPTIONS, "folds": 3}}, r"options\.folds is unknown"),
        ({"options": {**OPTIONS, "lesson_days": 0}}, r"options\.lesson_days = 0 cannot be used"),
        ({"options": {**OPTIONS, "least_seeds": True}}, r"options\.least_seeds = True"),
        ({"options": {**OPTIONS, "attack": 1}}, r"options\.attack = 1 cannot be used; write true or false"),
        ({"options": {**OPTIONS, "products": 3}}, r"options\.products = 3 is no list"),
        ({"options": {**OPTIONS, "products": ["99"]}}, "product '99' is not in the catalogue"),
        ({"options": {**OPTIONS, "first_day": 300}}, r"last_day = 300 is not after first_day = 300"),
        ({"partition": {"by": "store"}}, 'write "home_store"'),
        ({"arms": [{"name": "rule", "model": "rule", "epsilon": 1.0}]}, "adds no noise; remove epsilon"),
        ({"arms": [{"name": "rule", "model": "rules"}]}, "model = 'rules' is none of"),
    ],
)
def test_what_cannot_be_run_is_refused_before_any_run(shop, tmp_path, changes, said):
    with pytest.raises(ConfigError, match=said) as refused:
        AUDIENCE.check(scenario_of(shop, **changes), tmp_path)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_table_has_every_arm_with_intervals_choices_costs_and_the_attack(shop, tmp_path, capsys):
    from apps.command.tables import print_summary

    scenario = scenario_of(shop, reference="rule", targets={"auc(weights)": "> 0"})
    specs = expand_audience(scenario, code_version="v", fingerprint=lambda one: "rows")
    store = RunStore.open(tmp_path)
    for spec in specs:
        done = execute(store, spec, run_audience, retry=False, report=lambda text: None)
        assert done.status == "finished", done.message
    summary = summarise_audience(scenario, specs, store)
    found = {one.name: one for one in summary.results()}
    for arm in ("rule", "weights", "profile", "profile-dp", "both-dp", "nearest"):
        for metric in ("auc", "lift5"):
            one = found[f"{metric}({arm})"]
            assert one.lo < one.value < one.hi
    assert np.isfinite(found["difference(auc, weights, rule)"].lo)
    assert found["seed_auc(nearest)"].value > 0.9  # seeds are named
    assert found["seed_auc(profile-dp)"].hi < most_auc(1.0, 1e-4)  # and at epsilon 1 no more than epsilon admits
    assert found["seed_auc(profile)"].lo > most_auc(1.0, 1e-4)  # which a profile without noise does not keep to
    assert "seed_auc(weights)" not in found  # nobody's early purchase enters
    table = read_frame(store.directory(specs[0]) / "artifacts" / TABLE_FILE)
    assert (table["name"] != "").all()
    for row in table.to_dict("records"):
        assert len(row["auc_redrawn"]) == len(row["lift5_redrawn"]) == 50
        assert row["auc_redrawn"].min() < row["auc"] < row["auc_redrawn"].max()
    print_summary(summary.document())
    shown = capsys.readouterr().out
    for text in (
        "that are not measured: ridge",
        "over all merchants, epsilon",
        "banned: shown to say",
        "audiences of 5%",
    ):
        assert text in shown
