"""Checks of a report's data: heads, entries, sums, verdicts, printed numbers and pages."""

from __future__ import annotations

import base64
import binascii
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from experiments.report import html, pdf, replaying
from experiments.report.belonging import strangers
from experiments.report.build import renderer
from experiments.report.deriving import Bodies
from experiments.report.text import visible, written
from experiments.report.unpack import LARGEST, Page
from privacy.log import ConsistencyProof, InclusionProof, SignedHead, canonical, merkle
from retail.errors import ConfigError, PolicyError

_NUMBER: Final = frozenset({"value", "shown", "unit", "proof", "field"})


class Check:
    """One check of a report's data; collects what is wrong."""

    def __init__(self, document: Mapping[str, Any], owner: str) -> None:
        self.document = document
        self.owner = owner
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.signed: dict[str, SignedHead] = {}
        self.proven: dict[str, Mapping[str, Any]] = {}
        self.derived: dict[str, int | float | None] = {}
        self.rounded: set[str] = set()
        self.unchecked = ""
        self.logs: dict[str, list[Mapping[str, Any]]] = {}
        self.judged: dict[tuple[str, ...], list[replaying.Judged]] = {}

    def heads(self, signature: Mapping[str, Any] | None, witness: SignedHead | None) -> None:
        """Check signed heads, entries, transcripts and what is derived from them."""
        proofs: dict[str, Mapping[str, Any]] = {}
        for one in self.document["heads"]:
            head = SignedHead.from_json(one["head"])
            name = f"head {one['id']} of {head.origin}"
            if not head.is_signed:
                self.problems.append(f"{name} has a bad signature")
            elif head.key_hex != self.owner:
                self.problems.append(f"{name} is signed by another key, {head.key_hex}")
            elif one["origin"] != head.origin or head.origin in self.signed:
                self.problems.append(f"{name} is given for the log {one['origin']}, or twice")
            else:
                self.signed[head.origin] = head
                proofs[one["id"]] = {"size": head.size}
                self._earlier(one, head)
        for proof in self.document["proofs"]:
            if self._entry(proof):
                proofs[proof["id"]] = proof["entry"]["body"]
        self.proven = proofs
        for one in self.document["heads"]:
            self._repeated(one)
        self._derivations()
        first = self.document["heads"][0]["head"] if self.document["heads"] else None
        if signature is not None and signature["head"] != first:
            self.problems.append("the head in the signature is not the report's")
        if signature is not None and signature["origin"] != self.document["origin"]:
            self.problems.append("the signature names another log than the report")
        if witness is not None:
            self._witness(witness)

    def numbers(self) -> None:
        """Check every number of the report against what was proven."""
        without = 0
        for number in numbers_in(self.document):
            value, proof = number["value"], number["proof"]
            if number["shown"] != written(value, number["unit"]):
                self.problems.append(f"{visible(str(number['shown']))} is printed for the value {value!r}")
            if proof is None:
                without += value is not None
            elif proof in self.derived:
                if not _same(self.derived[proof], value, close=proof in self.rounded):
                    self.problems.append(f"{proof} gives {self.derived[proof]!r}, the report prints {value!r}")
            elif proof not in self.proven:
                self.problems.append(f"the number {number['shown']} rests on {proof}, which does not hold")
            elif number["field"] not in self.proven[proof]:
                self.problems.append(f"{proof} was logged without {number['field']!r}, the report prints {value!r}")
            elif not _same(self.proven[proof][number["field"]], value):
                logged = self.proven[proof][number["field"]]
                self.problems.append(f"{proof} was logged as {logged!r}, the report prints {value!r}")
        if without:
            self.notes.append(f'{without} numbers carry the mark "no proof": nothing in a log stands behind them')
        for problem in self.document["problems"]:
            self.problems.append(f"the report itself says: {problem}")

    def verdicts(self) -> None:
        """Check that every rule of the policy has its verdict, and that none with a breach is called good."""
        wanted = {replaying.DEFAULT_DENY}
        try:
            engines = self._engines()
            for said in self.document["policy"]["regimes"]:
                wanted |= {info.id for info in engines(said["regime"] or None).policies.infos.values()}
        except PolicyError as error:
            self.problems.append(str(error))
        given = [one["rule"] for one in self.document["verdicts"]]
        if sorted(given) != sorted(wanted):
            self.problems.append("the verdicts are not those of the rules in the report: some are missing or doubled")
        for one in self.document["verdicts"]:
            if bool(one["breaches"]["value"]) != (one["outcome"] == "fail"):
                self.problems.append(f"rule {one['rule']} is called {one['outcome']!r} against its breaches")

    def belonging(self) -> None:
        """Check that every proof is about the line on which its number is printed."""
        self.problems += strangers(self.document, self.logs)

    def page(self, path: Path, content: bytes) -> None:
        """Check that what is printed is what the report's data say."""
        kind = path.suffix.lower()
        if kind == ".json":
            return
        same_code = self.document["renderer"] == renderer()
        if kind == ".pdf" and same_code and not pdf.typst_version():
            self.unchecked = f"its pages are compared by laying them out again, which needs typst: `{pdf.INSTALL}`"
            return
        if kind == ".html":
            if same_code and html.html_of(self.document) != content:
                self.problems.append("the page does not show what its data say")
            elif not same_code:
                self.notes.append("the page was laid out by another version: its marked numbers were compared, no more")
                self._printed(content)
            return
        try:
            again = pdf.pdf_of(self.document) if same_code else None
        except ConfigError as error:
            self.problems.append(f"the printed pages cannot be compared with the attached data: {error}")
            return
        if again is None:
            self.problems.append(
                f"the pages were laid out by Tradefair {self.document['renderer'].get('version')} (code "
                f"{self.document['renderer'].get('code')}), and only that can compare them; use it, or ask for HTML"
            )
        elif again != content:
            self.problems.append(
                "the printed pages are not those of the attached data, or were made with another version of typst "
                f"(here: {pdf.typst_version()})"
            )

    def _entry(self, proof: Mapping[str, Any]) -> bool:
        entry, head = proof["entry"], self.signed.get(proof["origin"])
        leaf = canonical({name: entry[name] for name in ("index", "kind", "time", "body")}).encode()
        hashed = merkle.leaf_hash(leaf).hex()
        inclusion = InclusionProof(proof["index"], proof["size"], hashed, tuple(proof["path"]))
        good = (
            head is not None
            and set(entry) == {"index", "kind", "time", "body"}
            and (proof["leaf"], proof["size"], entry["index"]) == (hashed, head.size, proof["index"])
            and inclusion.verify(head.root_hex)
        )
        if not good:
            self.problems.append(f"entry {proof['index']} of {proof['origin']} ({proof['id']}) is not under its head")
        return good

    def _repeated(self, one: Mapping[str, Any]) -> None:
        """Check that the scenario's log repeats a run's head where the report says so."""
        if one["entry"] is None:
            return
        body = self.proven.get(one["entry"], {})
        heads = [(one["head"]["size"], one["head"]["root_hex"])]
        heads += [(proof["old_size"], proof["old_root"]) for proof in one["earlier"]]
        if (body.get("size"), body.get("root")) not in heads:
            self.problems.append(f"{one['entry']} does not repeat the head of {one['origin']}")

    def _earlier(self, one: Mapping[str, Any], head: SignedHead) -> None:
        for proof in one["earlier"]:
            consistency = ConsistencyProof(proof["old_size"], proof["new_size"], tuple(proof["path"]))
            if proof["new_size"] != head.size or not consistency.verify(proof["old_root"], head.root_hex):
                self.problems.append(
                    f"the head of {head.origin} does not extend its head of {proof['old_size']} entries"
                )

    def _witness(self, kept: SignedHead) -> None:
        head = self.signed.get(kept.origin)
        if not kept.is_signed or kept.key_hex != self.owner:
            self.problems.append("the kept head is not signed by this owner")
        elif head is None:
            self.problems.append(f"the kept head is of the log {kept.origin!r}, which is not in this report")
        elif head.size == kept.size:
            if head.root_hex != kept.root_hex:
                self.problems.append(
                    f"the log {kept.origin!r} is not the one whose head you kept: it was changed or forked"
                )
        elif not any(
            (proof["old_size"], proof["old_root"]) == (kept.size, kept.root_hex)
            for one in self.document["heads"] if one["origin"] == kept.origin for proof in one["earlier"]
        ):  # fmt: skip
            self.problems.append(
                f"the report does not show that its head of {head.size} entries extends the kept one of {kept.size}; "
                "check the log itself with `tradefair log verify --witness`"
            )

    def _derivations(self) -> None:
        logs = self.logs
        found: dict[tuple[tuple[str, ...], str], Bodies] = {}
        for one in self.document["transcripts"]:
            entries = self._transcript(one)
            if entries is not None:
                logs[one["origin"]] = entries
        for one in self.document["derivations"]:
            if any(origin not in logs for origin in one["origins"]) or not one["origins"]:
                self.problems.append(f"{one['id']} needs logs that are not in the report")
                continue
            key = tuple(one["origins"]), one["kind"]
            if key not in found:
                found[key] = Bodies([e["body"] for origin in key[0] for e in logs[origin] if e["kind"] == key[1]])
            if one["how"] == "epsilon":
                self.rounded.add(one["id"])
            if one["how"] == "replay":
                self.derived[one["id"]] = self._replayed(one, found[key].all)
            else:
                self.derived[one["id"]] = found[key].derive(one["how"], where=one["where"], field=one["field"])

    def _transcript(self, one: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
        """Return the entries of a log in the report; None where they are not those under the head."""
        head = self.signed.get(one["origin"])
        try:
            unpacker = zlib.decompressobj()
            raw = unpacker.decompress(base64.b64decode(one["entries"], validate=True), LARGEST)
        except (zlib.error, binascii.Error):
            raw, unpacker = b"", zlib.decompressobj()
        lines = raw.split(b"\n") if raw else []
        root = merkle.root_of(merkle.leaf_hash(line) for line in lines).hex()
        if head is None or not unpacker.eof or (len(lines), root) != (head.size, head.root_hex):
            if not (head is not None and head.size == 0 and not raw):
                self.problems.append(f"the entries of {one['origin']} in the report are not those under its head")
                return None
        return [json.loads(line) for line in lines]

    def _replayed(self, one: Mapping[str, Any], bodies: Sequence[Mapping[str, Any]]) -> int:
        logs = tuple(one["origins"])
        try:
            if logs not in self.judged:
                self.judged[logs] = replaying.judge(bodies, self._engines())
        except PolicyError as error:
            self.problems.append(f"{one['id']}: the decisions cannot be replayed: {error}")
            return -1
        judged = self.judged[logs]
        pairs = zip(judged, bodies, strict=True)
        return sum(one["field"] in verdict.broken(body.get("decision")) for verdict, body in pairs)

    def _engines(self) -> replaying.Engines:
        texts = self.document["policy"]["texts"]
        engines = replaying.engines_of(texts)
        for said in self.document["policy"]["regimes"]:
            if engines(said["regime"] or None).fingerprint != said["fingerprint"]:
                raise PolicyError("the policy in the report does not have the fingerprint that it prints")
        return engines

    def _printed(self, content: bytes) -> None:
        """Compare the numbers marked in an HTML page with those of its data."""
        page = Page()
        page.feed(content.decode("utf-8"))
        known = {(n["proof"] or "", n["field"], visible(n["shown"])) for n in numbers_in(self.document)}
        for printed in page.printed:
            if printed not in known:
                self.problems.append(
                    f"the page prints {visible(printed[2])} for {printed[0] or 'no proof'}, its data do not"
                )


def numbers_in(value: Any) -> Iterator[Mapping[str, Any]]:
    """Walk a document and yield every number in it."""
    if isinstance(value, dict):
        if value.keys() == _NUMBER:
            yield value
        else:
            for key, inner in value.items():
                if key not in ("proofs", "transcripts"):
                    yield from numbers_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers_in(inner)


def _same(logged: Any, printed: Any, *, close: bool = False) -> bool:
    """Compare exactly; 1 and 1.0 are one number, True is none. `close` allows what processors differ by."""
    if isinstance(logged, bool) or isinstance(printed, bool):
        return False
    if close and logged is not None and printed is not None:
        return math.isclose(logged, printed, rel_tol=1e-9)
    return bool(logged == printed)
