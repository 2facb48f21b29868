"""Execute one arm of an insight scenario: estimate on some people's choices, tell those of others, change our brand."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from experiments.audience.insight_beside import READERS, measure_drivers, measure_reviews
from experiments.audience.insight_changes import changed_figures
from experiments.audience.measured import Figure, Measured
from experiments.audience.spec import AudienceSpec
from retail import columns as c
from retail.brand_choices import CHOSEN, OFFERS, PRICE, SITUATION, BrandChoices, brand_choices, brand_names
from retail.datasource import DataSource
from retail.errors import ConfigError, PolicyError
from simulation.choice import Choices, Fit, fit_logit
from simulation.choice.logit import probabilities
from simulation.choice.mixed import fit_mixed, person_log_likelihoods, population_weights
from simulation.market.reads import Reads

Floats = npt.NDArray[np.float64]
REST: Final = "all others"
_REGIMES: Final = {
    "shares": "isolated",
    "own": "isolated",
    "logit": "federated",
    "drivers": "federated",
    "mixed": "firewall",
}
_RAW: Final = (("raw_pool", "raw_model"), ("ranking", "platform_model"))
"""Uses that together let a maker have a model of everybody's rows: who learns from them, and that the model comes back.

The second is the platform's own model, which it hands to merchants.
"""
_SUMS: Final = ("exact_sums", "exact_model")
_TASTES: Final = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """What an arm does.

    Attributes:
        kind: type of product.
        product: our brand, as `retail.brand_choices` names it.
        held_out: share of people whose choices are only told.
        gain_pct: wanted gain of our share.
        cut: part by which our price is lowered.
        taste_draws: of a mixed logit.
    """

    kind: str = "BABY DIAPERS"
    product: str = "751"
    held_out: float = 0.25
    gain_pct: float = 60.0
    cut: float = 0.1
    taste_draws: int = 200

    @classmethod
    def read(cls, spec: AudienceSpec) -> Plan:
        """Check the options of an arm. Raises: ConfigError: one is unknown or cannot be used."""
        unknown = set(spec.options) - set(cls.__dataclass_fields__)
        if unknown:
            raise ConfigError(f"options of insight are {', '.join(cls.__dataclass_fields__)}; got {sorted(unknown)}")
        plan = cls(**spec.options)
        for name in ("kind", "product"):
            if not isinstance(getattr(plan, name), str) or not getattr(plan, name):
                raise ConfigError(f"options.{name} = {getattr(plan, name)!r}: write a text in quotes")
        for name, most in (("held_out", 0.9), ("cut", 0.9), ("gain_pct", 10_000)):
            value = getattr(plan, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= most:
                raise ConfigError(f"options.{name} = {value!r}: write a number above 0, at most {most:g}")
        if type(plan.taste_draws) is not int or not 10 <= plan.taste_draws <= 5000:
            raise ConfigError(f"options.taste_draws = {plan.taste_draws!r}: write a whole number from 10 to 5000")
        return plan


def require_listed(spec: AudienceSpec, plan: Plan) -> None:
    """Refuse a type or a brand that the public table of products does not list, before any run.

    Raises: ConfigError: there is no such type, or no such brand of it.
    """
    products = DataSource(**spec.settings.data.model_dump()).open().products
    if spec.arm.model in READERS or not {c.TYPE, c.MANUFACTURER, c.BRAND} <= set(products.columns):
        return
    of_kind = products[products[c.TYPE] == plan.kind]
    if of_kind.empty:
        kinds = difflib.get_close_matches(plan.kind.upper(), products[c.TYPE].dropna().unique(), n=3)
        near = f", such as {', '.join(map(repr, kinds))}" if kinds else ""
        raise ConfigError(f"options.kind = {plan.kind!r} is no type of the products table; write one of it{near}")
    brands = sorted(set(brand_names(of_kind)))
    if plan.product not in brands:
        raise ConfigError(f"options.product = {plan.product!r} makes no {plan.kind}; choose of {', '.join(brands)}")


def run_insight(spec: AudienceSpec, progress: Callable[[str], None]) -> Measured:
    """Execute one arm.

    Args:
        spec: the run.
        progress: takes a line now and then.

    Raises:
        PolicyError: the arm's regime does not let a maker learn from rivals' rows, and its model needs them.
        DataError: the choices can tell nothing, or the brand is none of them.
    """
    plan, model = Plan.read(spec), spec.arm.model
    if model in ("logit", "mixed", "drivers"):
        _permitted(spec.arm.regime or _REGIMES[model], mixed=model == "mixed")
    if model in READERS:
        return measure_reviews(spec, model)
    if model == "drivers":
        return measure_drivers(DataSource(**spec.settings.data.model_dump()), plan.kind)
    found = _rows(DataSource(**spec.settings.data.model_dump()), plan.kind)
    every = _choices(found, plan.product)
    used = _constants_only(every) if model == "shares" else _own(every, plan.product) if model == "own" else every
    held = np.random.default_rng([0x1516, spec.seed]).random(every.people) < plan.held_out
    train, test = used.part(~held[used.person]), used.part(held[used.person])
    progress("estimating")
    if model == "mixed":
        tastes = [name for name in every.alternatives if name in every.attributes]
        fit = fit_mixed(train, dict.fromkeys(tastes, "normal"), draws=plan.taste_draws, covariance="robust")
    else:
        fit = fit_logit(train, covariance="cluster")
    progress("telling held-out choices and changing the brand")
    figures = _told(spec, fit, test, plan.product, model)
    if model != "shares":
        figures += changed_figures(fit, used, plan.product, gain_pct=plan.gain_pct, cut=plan.cut)
    return Measured(
        tuple(figures),
        draws=f"held-out people, seed {spec.seed}",
        info={"said": _said(plan, found, every, held, fit), "consumers": every.people},
        table=fit.table(),
    )


def _permitted(regime: str, *, mixed: bool) -> None:
    """Ask the policy packs, through the data port, whether a maker may learn from all makers' rows.

    A multinomial logit needs only sums over rows, since gradient and Hessian add up, and sales by store and week are
    sums themselves. A mixed logit needs all choices of a person together.
    """
    reads = Reads(regime)
    reads.renew(0)
    ways = _RAW if mixed else (_SUMS, *_RAW)
    if not any(all([reads.use(name, 0) for name in way]) for way in ways):
        raise PolicyError(
            f"under {regime} no maker may have a model of rivals' {'rows' if mixed else 'exact sums or rows'}; "
            'model = "own" needs our own rows alone'
        )


@lru_cache(maxsize=2)
def _rows(source: DataSource, kind: str) -> BrandChoices:
    return brand_choices(source.open(), kind)


def _choices(found: BrandChoices, product: str) -> Choices:
    """Return the choices with constants: the brand that is taken most has none."""
    rows = found.rows
    names = rows.loc[rows[CHOSEN] == 1, c.BRAND].value_counts()
    if product not in names.index:
        raise ConfigError(
            f"options.product = {product!r} is no brand of these choices; choose of {', '.join(names.index)}"
        )
    offers = [name for name in OFFERS if rows[name].nunique() > 1]  # a data set may tell of none
    base = next(name for name in names.index if name != product)
    return Choices.from_long(
        rows, situation=SITUATION, alternative=c.BRAND, chosen=CHOSEN, attributes=(PRICE, *offers), person=c.PERSON,
        base=str(base),
    )  # fmt: skip


def _constants_only(every: Choices) -> Choices:
    kept = [place for place, name in enumerate(every.attributes) if name in every.alternatives]
    return replace(every, x=every.x[:, :, kept], attributes=tuple(every.attributes[place] for place in kept))


def _own(every: Choices, product: str) -> Choices:
    """Return what a maker sees alone: its own price and offers where it was sold, and whether it was taken or not.

    How often anything of the type was bought at a store in a week is taken as public, as market research sells it.
    """
    place = every.place(product)
    here = every.available[:, place]
    names = (product, *(name for name in (PRICE, *OFFERS) if name in every.attributes))
    columns = [every.attributes.index(name) for name in names]
    ours = every.x[here, place][:, columns]
    x = np.stack([ours, np.zeros_like(ours)], axis=1)
    chosen = (every.chosen[here] != place).astype(np.int64)
    available = np.ones(x.shape[:2], dtype=bool)
    return Choices(x, chosen, names, (product, REST), available, every.person[here])


def _told(spec: AudienceSpec, fit: Fit, test: Choices, product: str, model: str) -> list[Figure]:
    """Return how well held-out people's choices are told, with people drawn anew."""
    per_person, count = _likelihoods(fit, test)
    place = test.place(product)
    here = test.available[:, place]
    ours = _chance(fit, test)[here, place]
    taken = test.chosen[here] == place
    values = np.log(np.where(taken, ours, 1 - ours))
    who = test.person[here]
    told_ours = np.bincount(who, weights=values, minlength=test.people)
    times = np.bincount(who, minlength=test.people).astype(float)
    rng = np.random.default_rng([0x70D, spec.seed])
    drawn = rng.multinomial(test.people, np.full(test.people, 1 / test.people), size=spec.settings.draws)
    figures = []
    if model != "own":
        figures.append(Figure("told", float(per_person.sum() / count.sum()), len(test.x), "nats",
                              (drawn @ per_person) / (drawn @ count)))  # fmt: skip
    value = float(told_ours.sum() / times.sum())
    return [*figures, Figure("told_ours", value, int(here.sum()), "nats", (drawn @ told_ours) / (drawn @ times))]


def _likelihoods(fit: Fit, test: Choices) -> tuple[Floats, Floats]:
    """Return (people,) log-likelihoods of all their choices together, and how many they made."""
    count = np.bincount(test.person, minlength=test.people).astype(float)
    if fit.tastes:
        return person_log_likelihoods(test, fit), count
    chances = _chance(fit, test)[np.arange(len(test.x)), test.chosen]
    return np.bincount(test.person, weights=np.log(chances), minlength=test.people).astype(float), count


def _chance(fit: Fit, choices: Choices) -> Floats:
    """Return (situations, alternatives) chances for people of whom nothing is known yet."""
    tastes = np.random.default_rng(0).standard_normal((_TASTES, len(fit.tastes))) if fit.tastes else np.zeros((1, 0))
    weights = population_weights(fit, fit.estimates, tastes)
    return np.asarray(np.mean([probabilities(choices.x, choices.available, beta) for beta in weights], axis=0))


def _said(plan: Plan, found: BrandChoices, every: Choices, held: npt.NDArray[np.bool_], fit: Fit) -> list[str]:
    """Return sentences for people: what the choices are, and what was kept apart."""
    left = ", ".join(f"{count} with {why}" for why, count in found.left_out.items())
    brands = ", ".join(every.alternatives)
    return [
        f"{len(every.x):,} choices of {every.people} people among {brands}; left out: {left}.",
        f"Estimated on {int((~held).sum())} people, told for {int(held.sum())} others; nothing was chosen on either.",
        f"Prices are for {found.unit} in {found.currency}; pseudo-R2 {fit.rho2:.3f}.",
    ]
