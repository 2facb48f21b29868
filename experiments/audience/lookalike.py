"""Look-alikes of a new product's early buyers, beside simple rules, with what each leaks of a buyer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from experiments.audience.measured import Figure, Measured
from experiments.audience.methods import FigureText, Method
from experiments.audience.scenario import AudienceScenario
from experiments.audience.spec import AudienceSpec
from retail.errors import ConfigError, DataError

if TYPE_CHECKING:
    from federation.config import FederationConfig
    from privacy.units import NoisePlacement

MODELS: Final = {
    "random": "by chance",
    "lines": "who buys most",
    "category": "who buys the category",
    "rule": "who buys category and manufacturer, often",
    "profile": "nearness to the early buyers' profile",
    "weights": "weights learned on earlier launches",
    "profile_weights": "weights learned on earlier launches, and nearness to the profile",
    "seed_regression": "banned: a regression of this launch's own early buyers",
    "nearest_seed": "banned: nearness to the nearest early buyer",
}
FEDERATED: Final = ("profile", "weights", "profile_weights")
"""Models that merchants make together; only these may have an epsilon."""
BANNED: Final = ("seed_regression", "nearest_seed")
"""Models that name their seeds: they are measured and attacked, and never activated."""
AUDIENCE_SHARE: Final = 0.05


def fingerprint(scenario: AudienceScenario) -> str:
    """Identity of the rows that a scenario reads.

    Raises: DataError: the data cannot be found.
    """
    from experiments.arms import data_fingerprint

    return data_fingerprint(scenario.data)


def check(spec: AudienceSpec) -> None:
    """Refuse an arm that cannot be run.

    Raises:
        ConfigError: an option, the partition, or an epsilon where nothing adds noise.
        PrivacyError: the claim could not be kept.
        DataError: a product that is named is not in the catalogue, or the data cannot be found.
    """
    from experiments.audience.lookalike_options import LookalikeOptions

    arm, partition = spec.arm, spec.settings.partition
    options = LookalikeOptions.read(spec.options)
    if arm.epsilon is not None and arm.model not in FEDERATED:
        raise ConfigError(
            f"epsilon = {arm.epsilon:g} with model = {arm.model!r}, which adds no noise; remove epsilon, or choose one "
            f"of {', '.join(FEDERATED)}"
        )
    if partition.by != "home_store":
        raise ConfigError(
            f'partition.by = "{partition.by}" puts a household at several merchants; look-alikes are of households at '
            'one: write "home_store"'
        )
    _config(spec, Path(), now=0)
    if options.products:
        _require_listed(spec, options.products)


def _require_listed(spec: AudienceSpec, products: Sequence[int | str]) -> None:
    """Refuse products that the public table does not list. Raises: DataError: it lists one not."""
    from experiments.arms import data_source
    from retail import columns as c

    listed = set(data_source(spec.settings.data).open().products[c.PRODUCT].tolist())
    for product in products:
        if product not in listed:
            raise DataError(f"product {product!r} is not in the catalogue; name a product of the products table")


def run(spec: AudienceSpec, directory: Path, progress: Callable[[str], None]) -> Measured:
    """Measure one arm on all launches.

    Args:
        spec: the run.
        directory: its folder; ledgers and the log go to `artifacts/`.
        progress: takes a line now and then.

    Raises:
        TradefairError: unusable data, too few launches, a claim that cannot be kept, or a rule that forbids the arm.
    """
    from experiments.arms import data_source
    from experiments.audience.lookalike_audiences import audiences
    from experiments.audience.lookalike_data import product_names, read_launches
    from experiments.audience.lookalike_options import LookalikeOptions
    from experiments.audience.lookalike_scores import scored
    from experiments.run_access import begin_books, run_access
    from experiments.sweep import canonical
    from federation.access import MarketPort
    from matching.audience.attack import seed_membership
    from matching.audience.evaluate import measure

    settings, options = spec.settings, LookalikeOptions.read(spec.options)
    public = data_source(settings.data).open()
    config = _config(spec, directory, now=public.period.end_day + 1)
    begin_books(config, directory)
    port = MarketPort(config, run_access(settings.policy, directory, regime=regime_of(spec)))
    port.declare()
    progress("reading launches")
    identity = canonical([spec.data_fingerprint, settings.partition.model_dump(), settings.policy.model_dump()])
    launches = read_launches(port, options, identity=identity)
    made = scored(spec, port, launches, directory, progress, attack=options.attack)
    progress("measuring")
    about = launches.described(launches.measured, None)
    quality = measure(made.scores, about.later, about.counted, draws=settings.draws, seed=spec.seed)
    number = len(launches.measured)
    figures = [
        Figure("auc", float(quality.auc.mean()), number, redrawn=quality.auc_redrawn),
        Figure("lift5", float(quality.lift.mean()), number, redrawn=quality.lift_redrawn),
    ]
    if made.trials:
        found = seed_membership(made.trials, draws=settings.draws, seed=spec.seed)
        figures.append(Figure("seed_auc", found.mean, number, redrawn=found.redrawn))
    said = list(made.said)
    if spec.arm.model not in BANNED:
        said.append(audiences(launches, about, made, share=AUDIENCE_SHARE, port=port))
    info = {**made.info, "said": said, "consumers": len(launches.persons), "launches": number}
    draws = f"launches and households, seed {spec.seed}, {number} launches, {len(launches.persons)} households"
    return Measured(tuple(figures), draws, info, launches.table(quality, product_names(public.products)))


def regime_of(spec: AudienceSpec) -> str:
    """Return the least permissive regime under which an arm can work."""
    if spec.arm.regime is not None:
        return spec.arm.regime
    if spec.arm.epsilon is not None:
        return "federated_dp"
    return "federated" if spec.arm.model in FEDERATED else "pooled" if spec.arm.model in BANNED else "isolated"


def noise_of_arm(spec: AudienceSpec) -> NoisePlacement:
    """Return who adds the noise of an arm."""
    return "every_node" if spec.arm.noise == "every_node" else "aggregator"


def _config(spec: AudienceSpec, directory: Path, *, now: int) -> FederationConfig:
    from experiments.arms import data_source
    from experiments.audience.lookalike_task import TASK
    from federation.config import FederationConfig

    settings, epsilon = spec.settings, spec.arm.epsilon
    return FederationConfig(
        task=TASK,
        source=data_source(settings.data),
        now=now,
        by=settings.partition.by,
        merchants=settings.partition.merchants,
        k_max=settings.partition.k_max,
        clip_norm=settings.federation.clip_norm if epsilon is not None else None,
        epsilon=epsilon,
        delta=settings.privacy.delta,
        noise=noise_of_arm(spec),
        seed=spec.seed,
        device=settings.federation.device,
        ledger=directory / "artifacts" / "ledger.sqlite",
        run_id=spec.run_id,
    )


LOOKALIKE: Final = Method(
    models=MODELS,
    figures={
        "auc": FigureText(
            "AUC", "1", "chance that a later buyer stands before another household; .5 by chance, mean over launches"
        ),
        "lift5": FigureText("lift\n@5%", "1", "later buyers among the best 5%, over those among as many at random"),
        "seed_auc": FigureText(
            "seed\nrecognised", "1",
            "AUC by which early buyers who were used are told from early buyers who were not, by what is released and "
            "everybody's earlier purchases; .5 is nothing, - where no early buyer enters",
        ),
    },
    columns=("auc", "lift5", "seed_auc"),
    compared=("auc", "lift5"),
    check=check,
    fingerprint=fingerprint,
    run=run,
    notes=(
        "Intervals: launches and households drawn anew, the same for every arm; an arm's noise is drawn once. Of the "
        "attack: launches and draws of the noise.",
        "Weights of a launch come from launches before it, by what was bought before its day.",
        "Epsilon is of one launch, for one household over all merchants: of all that its scores are made of. Arms "
        "without it promise nothing.",
    ),
)  # fmt: skip
