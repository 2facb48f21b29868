"""Options of the method `lookalike`: of a scenario, and of the federated runs that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Final

from experiments.audience.lookalike_lessons import Lesson, Lessons
from matching.audience.launch import Launch
from retail.errors import ConfigError

LEAST_AGE: Final = 28
"""Days for which a product must have been sold before it teaches: else nearly all of its buyers are still to come."""
_WHOLE: Final = {
    "least_seeds": 2, "least_later": 2, "first_day": 1, "last_day": 1, "most_launches": 3, "lesson_days": 1,
    "lesson_from": 1, "lesson_buyers": 2, "lesson_launches": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LookalikeOptions:
    """What a scenario may set for all arms, and an arm for itself.

    Attributes:
        least_seeds: a launch counts its early days by whole weeks, until so many have bought.
        least_later: launches with so many later buyers are measured. Those with fewer, but at least half as many, are
            what settings are chosen on, and are never measured.
        first_day: launches within the first days of the data are left out, since too little is known before them.
        last_day: so are launches after this day of the data.
        most_launches: at most so many launches are measured, and as many chosen on: those with most later buyers.
        products: ids of products that are measured, instead of all that qualify; none for all.
        lesson_days: days from one lesson to the next; weights of a launch are those of the last lesson before it.
        lesson_from: products that were sold within the first so many days of the data teach nothing.
        lesson_buyers: a product teaches when so many households have bought it by the day of the lesson.
        lesson_launches: at most so many products teach in one lesson: those with most buyers.
        attack: whether seed membership is measured.
    """

    least_seeds: int = 20
    least_later: int = 40
    first_day: int = 91
    last_day: int = 300
    most_launches: int = 1000
    products: tuple[int | str, ...] = ()
    lesson_days: int = 28
    lesson_from: int = 28
    lesson_buyers: int = 15
    lesson_launches: int = 50
    attack: bool = True

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> LookalikeOptions:
        """Check the options of an arm.

        Raises: ConfigError: an unknown key, or a value that cannot be used.
        """
        known = [one.name for one in fields(cls)]
        for key in raw:
            if key not in known:
                raise ConfigError(f"options.{key} is unknown to method lookalike; known: {', '.join(known)}")
        for key, least in _WHOLE.items():
            value = raw.get(key, least)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"options.{key} = {value!r} cannot be used; give a whole number of at least {least}")
        attack = raw.get("attack", True)
        if not isinstance(attack, bool):
            raise ConfigError(f"options.attack = {attack!r} cannot be used; write true or false")
        products = raw.get("products", ())
        if not isinstance(products, list | tuple):
            raise ConfigError(f"options.products = {products!r} is no list; write the ids of products in brackets")
        found = cls(**{**raw, "products": tuple(products)})
        if found.last_day <= found.first_day:
            raise ConfigError(
                f"options.last_day = {found.last_day} is not after first_day = {found.first_day}; give a later one"
            )
        return found

    def lessons(self, start: int) -> Lessons:
        """Say when there are lessons in data that begin on a day: the first on the first day of a launch."""
        return Lessons(
            start + self.first_day, self.lesson_days, start + self.lesson_from, LEAST_AGE, self.lesson_buyers,
            self.lesson_launches,
        )  # fmt: skip


@dataclass(frozen=True)
class LookalikePlan:
    """What a federated run does: all of it is public, by declaration, for here it is read off public data.

    Attributes:
        launches: of which products, when.
        dimension: of the space of profiles, as `matching.audience.embedding`; None for no profiles.
        lessons: what weights are learned on, each with something to learn from; none for no weights.
        lesson: of each launch, the place of its lesson in `lessons`; None before there was anything to learn from.
        centre_share: of a launch's budget, spent on the round "centre".
        profile_share: spent on its profile.
        weights_share: spent on the weights of its lesson.
    """

    launches: tuple[Launch, ...]
    dimension: int | None
    lessons: tuple[Lesson, ...]
    lesson: tuple[int | None, ...]
    centre_share: float
    profile_share: float
    weights_share: float

    @cached_property
    def first(self) -> int:
        """Place of the earliest launch."""
        return min(range(len(self.launches)), key=lambda place: self.launches[place].day)

    def shares(self) -> float:
        """Add up the shares of all rounds of the run, in budgets of one launch."""
        profiles = 0.0 if self.dimension is None else self.centre_share + self.profile_share * len(self.launches)
        return profiles + self.weights_share * len(self.lessons)

    def options(self) -> dict[str, Any]:
        """Write the plan as options, values that JSON can hold."""
        return asdict(self)

    @classmethod
    def read(cls, options: Mapping[str, Any]) -> LookalikePlan:
        """Read what `options` wrote.

        Raises: ConfigError: it is something else.
        """
        try:
            plan = cls(
                **{
                    **options,
                    "launches": _launches(options["launches"]),
                    "lessons": tuple(Lesson(one["day"], _launches(one["launches"])) for one in options["lessons"]),
                    "lesson": tuple(options["lesson"]),
                }
            )
        except (TypeError, KeyError) as error:
            raise ConfigError(f"options of the look-alike task cannot be read ({error}); use LookalikePlan") from error
        if not plan.launches or len(plan.launches) != len(plan.lesson):
            raise ConfigError(
                f"{len(plan.launches)} launches with {len(plan.lesson)} lessons cannot be run; give each one or None"
            )
        if not all(one.launches for one in plan.lessons):
            raise ConfigError("a lesson has no launch to learn from; leave it out")
        return plan


def _launches(raw: Any) -> tuple[Launch, ...]:
    return tuple(Launch(**one) for one in raw)
