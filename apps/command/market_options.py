"""What stands behind the options of `tradefair audit LOG --rules`: read, or refused where it would have no effect."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from retail.market_log import MarketLog

_MOST_ACTORS: Final = 10
_OWN_ARM: Final = "--own-arm"


def names_in(text: str, option: str) -> list[str]:
    """Split names at commas. Raises: ConfigError: one is empty or stands twice."""
    from retail.errors import ConfigError

    names = [name.strip() for name in text.split(",")]
    if not all(names) or len(set(names)) != len(names):
        raise ConfigError(f"{option} {text!r}: give names with commas between them, each of them once")
    return names


def pair(option: str) -> Callable[[str], tuple[str, float]]:
    """Return what reads RULE=NUMBER; it raises ConfigError for anything else."""

    def read(text: str) -> tuple[str, float]:
        from privacy.rules import NAMES
        from retail.errors import ConfigError

        name, _, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if name not in NAMES or number != number or abs(number) == float("inf"):
            raise ConfigError(f"{option} {text!r}: write RULE=NUMBER, such as ranking=.2 ({', '.join(NAMES)})")
        return name, number

    return read


def require_asked(
    option: str, asked: Sequence[tuple[str, str]], names: Sequence[str] | None, why: str = "its tables are missing"
) -> None:
    """Refuse what was said about a rule that nobody audits: it would be without effect, and look as if it had one.

    Args:
        option: that said it.
        asked: the rule, and what followed the option.
        names: of the rules that are audited; None where that is not known yet.
        why: a rule is not audited; "" where it was not asked for.

    Raises: ConfigError: a rule is not among them.
    """
    from retail.errors import ConfigError

    for name, text in asked:
        if names is not None and name not in names:
            do = f"{why}; leave {option} out" if why else f"add it to --rules, or leave {option} out"
            raise ConfigError(f"{option} {text}: the rule {name} is not audited here; {do}")


def require_actors(own_arms: Sequence[str], log: MarketLog) -> None:
    """Refuse an id of the own-label arm that no row of `reads` has: what that arm read would stay hidden.

    Raises: ConfigError: the log has no reads, or no such actor in them.
    """
    from retail.errors import ConfigError
    from retail.problems import shown

    if not own_arms:
        return
    if log.reads is None:
        raise ConfigError(f"{_OWN_ARM} {own_arms[0]}: the log has no table reads; add it, or leave {_OWN_ARM} out")
    actors = sorted(set(log.reads["actor"].map(str)))
    for one in own_arms:
        if one in actors:
            continue
        like = difflib.get_close_matches(one.casefold(), [actor.casefold() for actor in actors], n=1)
        near = [actor for actor in actors if actor.casefold() in like]
        named = [*near, *(actor for actor in actors if actor not in near)]
        more = f" and {len(named) - _MOST_ACTORS:,} more" if len(named) > _MOST_ACTORS else ""
        there = ", ".join(shown(actor, most=40) for actor in named[:_MOST_ACTORS])
        raise ConfigError(
            f"{_OWN_ARM} {one}: no row of reads has this actor; name one of those there: {there}{more} "
            "(capitals matter)"
        )
