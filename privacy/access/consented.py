"""Rows of persons who may be read: those who agreed, or, where nobody is asked, all but those who objected."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from privacy.access.rows import detached
from privacy.policy import Jurisdiction, Kind, Purpose, Request
from retail.errors import ConsentError
from retail.problems import shown

_ATTEMPTS: Final = 5
Mask = npt.NDArray[np.bool_]


class Consents(Protocol):
    """What reading needs of `privacy.consent.ConsentRegister`."""

    @property
    def version(self) -> int:
        """Changes whenever somebody agrees, withdraws or is erased."""

    def mask(
        self,
        persons: Iterable[object],
        *,
        controller: str,
        purpose: Purpose,
        level: Literal["general", "separate"],
        data: Kind | None,
        jurisdiction: Jurisdiction | None,
    ) -> Mask:
        """Tell which persons have a valid receipt now; a child only with a guardian's."""

    def objected(
        self,
        persons: Iterable[object],
        *,
        controller: str,
        purpose: Purpose,
        data: Kind | None,
        jurisdiction: Jurisdiction | None,
    ) -> Mask:
        """Tell which persons have withdrawn from this use and not agreed to it again."""


def allowed(persons: Iterable[object], request: Request, consents: Consents, *, kind: Kind) -> Mask:
    """Tell whose rows a granted request may use now.

    Args:
        persons: ids.
        request: as granted; its actor is the controller whom receipts name.
        consents: the register.
        kind: of the data.

    Returns: (persons,) bool. At the level "none" all but those who objected, else those with a receipt of the level.
    """
    actor, purpose, level = request.actor, request.purpose, request.context.consent
    place = request.context.jurisdiction if request.context.jurisdiction != "none" else None
    if level == "none":
        objected = consents.objected(persons, controller=actor, purpose=purpose, data=kind, jurisdiction=place)
        return ~np.asarray(objected, dtype=bool)
    agreed = consents.mask(persons, controller=actor, purpose=purpose, level=level, data=kind, jurisdiction=place)
    return np.asarray(agreed, dtype=bool)


def consented(
    frame: pd.DataFrame, request: Request, consents: Consents, *, kind: Kind, person_column: str
) -> pd.DataFrame:
    """Copy the rows that a granted request may use, by a register that did not change until the copy was made.

    Args:
        frame: rows, with the person column.
        request: as granted.
        consents: the register.
        kind: of the data.
        person_column: whom a row is about. Rows that name nobody are left out where receipts decide.

    Returns: a copy with the request's columns.

    Raises: ConsentError: the register kept changing, or answered for other persons than asked.
    """
    person, persons = _persons(frame[person_column])
    for _ in range(_ATTEMPTS):
        version = consents.version
        mask = allowed(persons, request, consents, kind=kind)
        if len(mask) != len(persons):
            raise ConsentError(f"the register answered for {len(mask)} of {len(persons)} persons; no row is read")
        mask = np.append(mask, request.context.consent == "none")  # the last is for rows that name nobody
        rows = detached(frame, request.columns, np.flatnonzero(mask[person]))
        if consents.version == version:
            return rows
    raise ConsentError(
        f"receipts changed {_ATTEMPTS} times while {shown(request.dataset)} was read, so no row is returned; "
        "read it again"
    )


def _persons(ids: pd.Series) -> tuple[npt.NDArray[np.intp], npt.NDArray[Any]]:
    """Number the persons of a column, -1 where it names nobody.

    In a column of objects True, 1 and 1.0 are kept apart: they are equal in Python, and only 1 can be an id.
    """
    if ids.dtype != object:
        codes, persons = pd.factorize(ids)
        return codes, np.asarray(persons)
    named = ids.notna().to_numpy()
    codes, _ = pd.factorize(
        np.array(
            [f"{type(one).__name__} {one!r}" if is_named else None for one, is_named in zip(ids, named, strict=True)],
            dtype=object,
        )
    )
    first = np.unique(codes[codes >= 0], return_index=True)[1]
    return codes, ids.to_numpy()[np.flatnonzero(codes >= 0)[first]]
