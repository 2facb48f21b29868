"""What arms at home stores may claim, and the public figure that their sums are divided by."""

from __future__ import annotations

from experiments.audience.spec import AudienceSpec
from retail.errors import ConfigError


def public_population(spec: AudienceSpec, *, copies: int = 1) -> int | None:
    """Return what sums over people are divided by: a figure that was public before any row was read.

    Args:
        spec: the run; `data.population` declares the figure, where the data set does not bring one.
        copies: people for each household, where a method draws some.

    Returns: None where nobody declared it and the arm claims no privacy; then people are counted.

    Raises: ConfigError: an epsilon without a declared figure.
    """
    declared = spec.settings.data.known_population
    if declared is None and spec.arm.epsilon is not None:
        raise ConfigError(
            f"epsilon {spec.arm.epsilon:g} needs a publicly known number of shoppers, for a count of rows would tell "
            "of each of them; set data.population to a public figure"
        )
    return None if declared is None else declared * copies


def check_population(spec: AudienceSpec, found: int) -> None:
    """Refuse a declared population that the data contradict, which simulations on public data may look at.

    Raises: ConfigError: there are more people than that.
    """
    declared = spec.settings.data.known_population
    if declared is not None and found > declared:
        raise ConfigError(
            f"data.population = {declared}, and the data hold {found} people; set it to the public number of shoppers"
        )


def check_home_stores(spec: AudienceSpec, *, copies: int = 1) -> None:
    """Refuse what no arm over home stores can do or claim.

    Args:
        spec: the run.
        copies: as of `public_population`.

    Raises:
        ConfigError: another partition, a regime, an epsilon of a model that has none or without a public population.
        PrivacyError: an epsilon or delta that means nothing.
    """
    from privacy.accounting import cap, check_delta

    arm = spec.arm
    if spec.settings.partition.by != "home_store":
        raise ConfigError(
            f'partition.by = "{spec.settings.partition.by}": {spec.settings.method} knows people by their home store; '
            'write "home_store"'
        )
    if arm.regime is not None:
        raise ConfigError(f"regime = {arm.regime!r}: each model of {spec.settings.method} has its own; remove it")
    population = public_population(spec, copies=copies)
    if arm.epsilon is None:
        return
    if arm.model != "federated":
        raise ConfigError(f"epsilon = {arm.epsilon} with model {arm.model}: only federated has one; remove it")
    cap(epsilon=arm.epsilon, delta=spec.settings.privacy.delta)
    check_delta(spec.settings.privacy.delta, population=population)
