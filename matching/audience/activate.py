"""An audience that is shown an advertisement on the platform, and that nobody can take away.

Ids go in and never come out: whoever advertises learns about how many people are reached, with noise that a ledger pays
for, and not even that below a minimum.
"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from matching.audience.size import Minimums, Payment, Size, noisy_size
from matching.embeddings import Embeddings
from matching.ids import Ints, checked_ids
from matching.index import VectorIndex
from retail.errors import DataError, PrivacyError

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_ALL_CELLS: Final = 2**31  # of an index, however large: with fewer, who is reached depends on how cells were trained


class Allows(Protocol):
    """Who may be shown adverts now: `privacy.consent.ConsentRegister.mask` with controller and purpose filled in."""

    def __call__(self, persons: Ints) -> Mask:
        """(persons,) who agreed and has not withdrawn."""


class Audience:
    """People who are shown an advert. Holds ids and gives none of them out.

    `reaches` is for the platform that delivers the advert, one impression at a time, and asks for consent again.
    Whoever can call it for anybody they like has the list: keep it on the platform's side.
    """

    __slots__ = ("_allows", "_ids", "_minimums", "_size")

    def __init__(self, ids: Ints, allows: Allows, minimums: Minimums, size: Size | None) -> None:
        """Keep the ids. Made by `activate` and `activate_nearest`."""
        self._ids, self._allows, self._minimums, self._size = np.sort(ids), allows, minimums, size

    def __repr__(self) -> str:
        """Return the noisy size alone, where one was paid for."""
        return "Audience()" if self._size is None else f"Audience({self._size.people} +- {self._size.error} people)"

    def __reduce__(self) -> str:
        """Refuse to be copied out of the process, as a pickle would be a list of ids.

        Raises: PrivacyError: always.
        """
        raise PrivacyError("an audience does not leave the platform; activate it where the advert is shown")

    @property
    def size(self) -> Size:
        """How many people could be reached when the audience was made, with noise; it does not follow withdrawals.

        Raises: PrivacyError: nobody paid for it.
        """
        if self._size is None:
            raise PrivacyError("no size was paid for, so none is told; activate with a payment from a ledger")
        return self._size

    def reaches(self, person: int) -> bool:
        """Tell the platform whether to show the advert to whoever is here now.

        Raises: PrivacyError: fewer than the minimum are left, now that some have withdrawn. That is an exact count, so
            it is for the platform alone. DataError: no whole number.
        """
        if int(self._allows(self._ids).sum()) < self._minimums.audience:
            raise PrivacyError(
                f"fewer than {self._minimums.audience} people are left in this audience, so nothing is shown; make "
                "a new one"
            )
        one = checked_ids([person])
        return bool(np.isin(one, self._ids)[0]) and bool(self._allows(one)[0])


def activate(
    scores: Floats,
    persons: Ints,
    seeds: Mask,
    *,
    share: float,
    allows: Allows,
    minimums: Minimums | None = None,
    payment: Payment | None = None,
) -> Audience:
    """Make an audience of those with the highest scores.

    With a payment the counts are compared with the minimums under noise, and the advertiser may be told what came of
    it. Without one they are compared exactly: that an audience was made or refused is then for the platform alone, and
    no size is told.

    Args:
        scores: (persons,) without NaN.
        persons: (persons,) ids, each once.
        seeds: (persons,) early buyers: they have the product, and never enter.
        share: of the persons, in (0, 1), how many are wanted.
        allows: who may be shown adverts; asked now, and again whenever the audience is used.
        minimums: the least numbers of seeds and of people reached.
        payment: pays for a noisy size.

    Raises:
        DataError: arrays that do not fit, a share out of range; no seed, or everybody a seed (without payment).
        PrivacyError: fewer seeds, or fewer people reached, than the minimum; or a ledger that does not pay.
    """
    least = minimums or Minimums()
    ids = checked_ids(persons)
    _check(scores, ids, seeds, share)
    may = np.asarray(allows(ids), dtype=np.bool_) & ~seeds
    wanted = int(np.ceil(share * len(ids)))
    order = np.argsort(-scores, kind="stable")
    return _audience(ids[order[may[order]][:wanted]], int(seeds.sum()), len(ids), allows, least, payment)


def activate_nearest(
    index: VectorIndex,
    profile: Embeddings,
    seeds: Ints,
    *,
    share: float,
    allows: Allows,
    minimums: Minimums | None = None,
    payment: Payment | None = None,
) -> Audience:
    """Make an audience of those nearest to a profile, by exact search among the people who may be compared.

    Args:
        index: places of the people, of one model.
        profile: (1, d) the released profile, of the same model.
        seeds: ids of early buyers, who never enter.
        share: as for `activate`.
        allows: likewise.
        minimums: likewise.
        payment: likewise.

    Raises:
        DataError, PrivacyError: as `activate`; or a profile of another model or more than one.
        ConfigError: the share is of nobody, or of more people than a search finds at once (10,000). This hangs on the
            exact size of the index, which is for the platform alone.
    """
    least = minimums or Minimums()
    known, bought = index.ids, checked_ids(seeds, what="seeds")
    _check(np.zeros(len(known)), known, np.isin(known, bought), share)
    if len(profile) != 1:
        raise DataError(f"an audience lies around one profile, got {len(profile)}; make one audience each")
    may = known[np.asarray(allows(known), dtype=np.bool_) & ~np.isin(known, bought)]
    wanted = int(np.ceil(share * len(known)))
    found = index.search(profile, wanted, allowed=may, cells=_ALL_CELLS).ids[0]
    return _audience(found, int(np.isin(known, bought).sum()), len(known), allows, least, payment)


def _check(scores: Floats, ids: Ints, seeds: Mask, share: float) -> None:
    if not len(scores) == len(ids) == len(seeds):
        raise DataError(f"{len(scores)} scores, {len(ids)} ids and {len(seeds)} seed marks do not fit; give one each")
    if len(np.unique(ids)) != len(ids):
        raise DataError(f"{len(ids) - len(np.unique(ids))} of {len(ids)} ids are there twice; give each person once")
    if np.isnan(scores).any():
        raise DataError(f"{int(np.isnan(scores).sum())} of {len(scores)} scores are NaN; find the fault in the method")
    if not 0 < share < 1:
        raise DataError(f"share = {share!r} of the people cannot be reached; give a number between 0 and 1")


def _audience(ids: Ints, seeds: int, base: int, allows: Allows, least: Minimums, payment: Payment | None) -> Audience:
    if payment is not None:  # then nothing exact decides, not even that there is no seed
        return Audience(ids, allows, least, noisy_size(seeds, len(ids), payment, least))
    if seeds == 0:
        raise DataError("the seed is empty: nobody bought the product early; choose a longer early period")
    if seeds >= base:
        raise DataError(
            f"the seed has {seeds} people and the base {base}, so nobody is left to look alike; take a smaller seed"
        )
    if seeds < least.seeds:
        raise PrivacyError(
            f"the seed has fewer than {least.seeds} people, so no audience is made; wait for more early buyers"
        )
    if len(ids) < least.audience:
        raise PrivacyError(
            f"fewer than {least.audience} people would be reached, so no audience is made; ask for a larger share"
        )
    return Audience(ids, allows, least, None)
