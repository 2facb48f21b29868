"""Which federation settings are refused, and with what message."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, get_args

from privacy.accounting import check_delta, check_epsilon
from privacy.ledger_record import Scope
from privacy.units import NoisePlacement
from retail.errors import ConfigError, PrivacyError
from retail.faces.source import FaceSource
from retail.merchants import By
from retail.responses.source import ResponseSource

if TYPE_CHECKING:
    from federation.config import FederationConfig

MEMORY: Final = ":memory:"
MODES: Final = ("simulation", "deployment")
AGGREGATIONS: Final = ("plain", "secure")
_CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "by": get_args(By),
    "noise": get_args(NoisePlacement),
    "mode": MODES,
    "aggregation": AGGREGATIONS,
    "ledger_scope": get_args(Scope),
}
_WHOLE: Final = {
    "k_max": 1,
    "window_days": 1,
    "rounds": 1,
    "steps": 1,
    "seed": 0,
    "dropouts": 0,
    "colluders": 0,
    "now": None,
}


def check_settings(config: FederationConfig) -> None:
    """Refuse settings that cannot be run, or whose claim could not be kept.

    Raises:
        ConfigError: a value is out of range, or two contradict each other.
        PrivacyError: see `FederationConfig`.
    """
    for name, choices in _CHOICES.items():
        if getattr(config, name) not in choices:
            raise ConfigError(f"{name} = {getattr(config, name)!r} is unknown; choose one of {', '.join(choices)}")
    for name, least in _WHOLE.items():
        _check_whole(name, getattr(config, name), least)
    _check_positive("learning_rate", config.learning_rate)
    if config.clip_norm is not None:
        _check_positive("clip_norm", config.clip_norm)
    _check_merchants(config)
    _check_ledger(config)
    _check_claim(config)
    _check_aggregation(config)
    try:
        config.to_json()
    except (TypeError, ValueError) as error:
        raise ConfigError(f"options cannot be written as JSON ({error}); use numbers, texts and lists") from error


def _check_whole(name: str, value: Any, least: int | None) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or (least is not None and value < least):
        bound = "" if least is None else f" of at least {least}"
        raise ConfigError(f"{name} = {value!r} cannot be used; give a whole number{bound}")


def _check_positive(name: str, value: Any) -> None:
    number = not isinstance(value, bool) and isinstance(value, int | float)
    if not (number and math.isfinite(value) and value > 0):
        raise ConfigError(f"{name} = {value!r} cannot be used; give a finite number above 0")


def _check_merchants(config: FederationConfig) -> None:
    own = {FaceSource: "faces", ResponseSource: "responses"}.get(type(config.source))
    if own is not None and (config.merchants != "all" or config.k_max != 1):
        raise ConfigError(
            f"merchants = {config.merchants!r}, k_max = {config.k_max}: {own} lie at the data source's own merchants, "
            'each person at one; write merchants = "all", k_max = 1'
        )
    if not isinstance(config.merchants, str):
        return
    if config.merchants not in ("members", "all"):
        raise ConfigError(f'merchants = {config.merchants!r} is unknown; write "members", "all" or a list of ids')
    of_members = config.source.source == "complete-journey" and config.by in ("home_store", "store")
    if config.merchants == "members" and not of_members:
        raise ConfigError(
            f'merchants = "members" lists stores of the Complete Journey, not of source "{config.source.source}" by '
            f'{config.by}; write "all" or a list of ids'
        )


def _check_ledger(config: FederationConfig) -> None:
    if config.ledger_scope == "persistent" and (str(config.ledger) == MEMORY or not config.run_id):
        raise ConfigError(
            f"a persistent ledger needs a file and a run id, got ledger = {str(config.ledger)!r}, "
            f"run_id = {config.run_id!r}; give both"
        )
    if config.total_epsilon is not None:
        _check_total(config, config.total_epsilon)
    if config.mode == "deployment" and (config.epsilon is None or config.ledger_scope != "persistent"):
        raise PrivacyError(
            f"a deployment needs an epsilon and a persistent ledger, got epsilon = {config.epsilon!r}, scope = "
            f'"{config.ledger_scope}"; give both, or use mode = "simulation" on public data'
        )


def _check_total(config: FederationConfig, total: float) -> None:
    _check_positive("total_epsilon", total)
    if config.ledger_scope != "persistent":
        raise ConfigError(
            f'total_epsilon = {total!r} adds up over runs, and a ledger of scope "{config.ledger_scope}" does not; '
            "leave it out, or give a persistent ledger"
        )
    if config.epsilon is not None and check_epsilon(config.epsilon) > total:
        raise ConfigError(
            f"total_epsilon = {total!r} is less than the epsilon = {config.epsilon!r} of one run; raise it, or lower "
            "epsilon"
        )


def _check_claim(config: FederationConfig) -> None:
    if config.epsilon is None:
        if config.noise != "aggregator":
            raise ConfigError(f'noise = "{config.noise}" without epsilon adds no noise; give an epsilon or drop it')
        return
    check_epsilon(config.epsilon)
    if config.clip_norm is None:
        raise PrivacyError(f"epsilon {config.epsilon:g} without clip_norm bounds nobody; give clip_norm, such as 1.0")
    if config.population is None:
        raise PrivacyError(
            f'epsilon {config.epsilon:g} needs a publicly known number of shoppers and source "{config.source.source}" '
            "declares none; set data.population to a public figure (never a count of the rows)"
        )
    check_delta(config.delta, population=config.population)


def _check_aggregation(config: FederationConfig) -> None:
    together = config.aggregation == "secure" or config.noise == "distributed"
    if (config.dropouts or config.colluders) and not together:
        raise ConfigError(
            f"dropouts = {config.dropouts}, colluders = {config.colluders} belong to secure aggregation or distributed "
            'noise; write aggregation = "secure", or leave them out'
        )
    if config.noise == "distributed" and config.aggregation == "plain" and config.mode == "deployment":
        raise PrivacyError(
            'noise = "distributed" with aggregation = "plain" lets the server see vectors with too little noise; write '
            'aggregation = "secure"'
        )
