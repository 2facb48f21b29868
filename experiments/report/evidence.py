"""Turns logged entries into numbers with proofs, and keeps what a stranger needs to check them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from experiments.logbook import RUN
from experiments.report.deriving import Bodies, usable
from experiments.report.logs import LogView, ReadLogs
from experiments.report.proven import Derivation, EntryProof, HeadProof, How, Number, Transcript
from experiments.report.text import written
from privacy.log import LogEntry

LARGEST_TRANSCRIPTS: Final = 4_000_000
"""Characters of all transcripts together; counts over logs beyond that have no proof inside the report."""

Located = tuple[str, LogEntry]
"""An entry and the origin of its log."""


class Evidence:
    """Collects proofs while a report is put together; ids follow the order in which numbers ask for them."""

    def __init__(self, logs: ReadLogs, *, scenario: str) -> None:
        self.logs = logs
        self.problems: list[str] = list(logs.problems)
        self._proofs: dict[tuple[str, int], EntryProof] = {}
        self._derivations: dict[str, Derivation] = {}
        self._bodies: dict[tuple[tuple[str, ...], str], Bodies] = {}
        self._transcripts = _transcripts(logs)
        self._heads = self._all_heads(scenario)

    def plain(self, value: Any, unit: str) -> Number:
        """Return a number that no log entry stands behind; it is printed with the mark "no proof"."""
        return Number(usable(value), written(usable(value), unit), unit, None, "")

    def field(self, found: Located | None, name: str, unit: str, *, expected: Any = None) -> Number:
        """Return a field of a logged entry.

        Args:
            found: where it is logged; None gives a number without proof.
            name: the field.
            unit: of the value.
            expected: what the report would print from another file. A value that differs from the logged one is
                printed without proof and noted among the problems.
        """
        if found is None:
            return self.plain(expected, unit)
        origin, entry = found
        logged, wanted = usable(entry.body.get(name)), usable(expected)
        if expected is not None and logged != wanted:
            self.problems.append(
                f"{origin}: entry {entry.index} logged {name} {logged!r}, but the stored result says {wanted!r}"
            )
            return self.plain(wanted, unit)
        if logged is None:
            return Number(None, written(None, unit), unit, self.proof(found) if name in entry.body else None, name)
        return Number(logged, written(logged, unit), unit, self.proof(found), name)

    def proof(self, found: Located) -> str:
        """Prove an entry and return the id of its proof."""
        origin, entry = found
        key = origin, entry.index
        if key not in self._proofs:
            inclusion = self.logs.views[origin].inclusion(entry.index)
            self._proofs[key] = EntryProof(
                id=f"p{len(self._proofs) + 1}",
                origin=origin,
                index=entry.index,
                size=inclusion.size,
                leaf=inclusion.leaf_hex,
                path=inclusion.path,
                entry={"index": entry.index, "kind": entry.kind, "time": entry.time, "body": entry.body},
            )
        return self._proofs[key].id

    def work_out(
        self,
        how: How,
        origins: Iterable[str],
        kind: str,
        *,
        where: Mapping[str, Any] | None = None,
        field: str = "",
        unit: str = "count",
        words: str,
    ) -> Number:
        """Return a number worked out from whole logs, which go into the report.

        Args:
            how: count entries, sum or take the maximum of a field, count its distinct values, or turn a sum of costs
                into the epsilon at the delta of the entries.
            origins: the logs; without any (none was written) the number is "not measured".
            kind: of the entries.
            where: fields of the body, and the value (or one of the values) that they must have.
            field: for sum, max and distinct.
            unit: of the result.
            words: the rule for readers.
        """
        wanted = dict(where or {})
        views = [self.logs.views[origin] for origin in origins if origin in self.logs.views]
        names = tuple(view.origin for view in views)
        if not views:
            return self.plain(None, unit)
        if (names, kind) not in self._bodies:
            self._bodies[names, kind] = Bodies([entry.body for view in views for entry in view.of(kind)])
        value = usable(self._bodies[names, kind].derive(how, where=wanted, field=field))
        return self._derived(value, how, names, kind, wanted, field, unit, words)

    def replayed(self, value: int, origins: Iterable[str], kind: str, *, rule: str, words: str) -> Number:
        """Return how many logged decisions break a rule; the verifier replays the logs in the report to check it.

        Args:
            value: what the replay found.
            origins: the logs.
            kind: of the entries.
            rule: id of the rule.
            words: the rule for readers.
        """
        return self._derived(value, "replay", tuple(origins), kind, {}, rule, "count", words)

    def log_size(self, origin: str) -> Number:
        """Return the number of entries under a log's signed head."""
        found = self._heads.get(origin)
        if found is None:
            return self.plain(None, "count")
        return Number(found.head["size"], written(found.head["size"], "count"), "count", found.id, "size")

    def proofs(self) -> tuple[EntryProof, ...]:
        """Return all proofs asked for so far."""
        return tuple(self._proofs.values())

    def derivations(self) -> tuple[Derivation, ...]:
        """Return all derivations asked for so far."""
        return tuple(self._derivations.values())

    def heads(self) -> tuple[HeadProof, ...]:
        """Return the head of every log, the scenario's first."""
        return tuple(self._heads.values())

    def transcripts(self) -> tuple[Transcript, ...]:
        """Return the logs that a derivation needs."""
        needed = {origin for derivation in self._derivations.values() for origin in derivation.origins}
        return tuple(self._transcripts[origin] for origin in self._transcripts if origin in needed)

    def _derived(
        self,
        value: float | int | None,
        how: How,
        origins: tuple[str, ...],
        kind: str,
        where: dict[str, Any],
        field: str,
        unit: str,
        words: str,
    ) -> Number:
        names = tuple(origin for origin in origins if origin in self.logs.views)
        if not names or any(name not in self._transcripts for name in names):
            return self.plain(value, unit)
        key = repr((how, names, kind, where, field))
        if key not in self._derivations:
            id_ = f"d{len(self._derivations) + 1}"
            self._derivations[key] = Derivation(id_, how, names, kind, where, field, words)
        return Number(value, written(value, unit), unit, self._derivations[key].id, field)

    def _all_heads(self, scenario: str) -> dict[str, HeadProof]:
        own = self.logs.view(scenario)
        repeated: dict[tuple[Any, Any], LogEntry] = {}
        for entry in own.of(RUN) if own is not None else ():
            repeated[entry.body.get("run_id"), entry.body.get("root")] = entry
        heads: dict[str, HeadProof] = {}
        for origin, view in self.logs.views.items():
            run_id = origin.rpartition("/")[2]
            roots = (view.head.root_hex, *(head.root_hex for head in reversed(view.earlier)))
            entries = (repeated.get((run_id, root)) for root in roots if origin != scenario)
            found = next((one for one in entries if one is not None), None)
            proven = self.proof((scenario, found)) if found is not None else None
            earlier = tuple(
                {**view.consistency(head).to_json(), "old_root": head.root_hex}
                for head in {(one.size, one.root_hex): one for one in view.earlier}.values()
            )
            heads[origin] = HeadProof(f"h{len(heads) + 1}", origin, view.head.to_json(), proven, earlier)
        return heads


def packed(view: LogView) -> str:
    """Return all entries of a log as one text: canonical JSON lines, deflated, in base64."""
    lines = b"\n".join(entry.leaf for entry in view.entries)
    return base64.b64encode(zlib.compress(lines, 9)).decode("ascii")


def _transcripts(logs: ReadLogs) -> dict[str, Transcript]:
    """Pack logs, in order, until they are too large for a report."""
    found: dict[str, Transcript] = {}
    left = LARGEST_TRANSCRIPTS
    for origin, view in logs.views.items():
        entries = packed(view)
        left -= len(entries)
        if left < 0:
            break
        found[origin] = Transcript(origin, view.head.size, entries)
    return found
