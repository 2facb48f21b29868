"""Carrying out an erasure: the list of erased people first, then place by place, then the certificate."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Final

import filelock

from privacy.commitments import Commitments
from privacy.consent.identifiers import person_text
from privacy.consent.register import ConsentRegister
from privacy.erasure.certificate import Certificate, issue
from privacy.erasure.journal import Entry, Journal, Request, State
from privacy.erasure.lineage import Registry
from privacy.erasure.places import Store
from privacy.erasure.plan import Plan, late_steps, make_plan
from privacy.erasure.registers import CommitmentsStore, RegisterStore
from privacy.log import Log
from privacy.sqlite_file import MEMORY
from retail.errors import ConfigError, PrivacyError

REGISTER: Final = "consent register"
COMMITMENTS: Final = "commitments"


class Erasure:
    """Erasures over one registry. The consent register and the commitments are places of it, the last two.

    Guarantee: when `run` returns, no registered place that can be searched returns the person, caches and figures that
        could not be searched were dropped, and an import of the person is refused; what is left is named in the
        certificate as open or bounded. A place that appears later (the model of a run that was under way) is found by
        the next `run` for the same person. Killed at any moment, that `run` goes on. Assumes that
        every place is registered, does what `Store` says, and that nobody writes the person in by going around `admit`.

    Args:
        registry: of all places but the register and the commitments, which are added here.
        register: of consents; holds the tombstones.
        log: gets an entry for each certificate; its key signs.
        commitments: of the log.
        journal: file that remembers how far an erasure is; ":memory:" forgets with the process.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        register: ConsentRegister,
        log: Log,
        commitments: Commitments,
        journal: Path | str,
    ) -> None:
        self._registry, self._register, self._log = registry, register, log
        self._salts = CommitmentsStore(COMMITMENTS, commitments, register)
        for store in (RegisterStore(REGISTER, register), self._salts):
            if registry.get(store.name) is None:
                registry.add(store)
        self._journal = Journal.open(journal)
        in_memory = str(journal) == MEMORY
        self._lock = filelock.FileLock(f"{journal}.lock") if not in_memory else None

    def plan(self, person: object, *, assumed: Collection[str] = ()) -> Plan:
        """Say what would be done; changes nothing. Raises: see `make_plan`."""
        plan, tombstones = make_plan(self._registry, person, assumed=assumed), self._register.tombstones
        return self._with_late(tombstones.mark(person), plan, person) if tombstones.has(person) else plan

    def run(
        self,
        person: object,
        *,
        delete_models: Collection[str] = (),
        notified: Collection[str] = (),
        assumed: Collection[str] = (),
    ) -> Certificate:
        """Erase a person, or go on where an earlier call stopped.

        Args:
            person: id.
            delete_models: names of open models to delete; "all" for every one.
            notified: names of exports whose recipients were told, by the operator's word.
            assumed: see `make_plan`.

        Returns: the certificate; the one issued before when nothing has changed since.

        Raises: ConsentError: no usable id. ConfigError: a name that is no place of this request. DataError: a place
            cannot be read or written. PrivacyError: another erasure is running, or a key is missing. What was done
            before the error stays done, and the person stays refused.
        """
        text = person_text(person)
        if self._lock is None:
            return self._run(text, delete_models, notified, assumed)
        try:
            with self._lock.acquire(timeout=0):
                return self._run(text, delete_models, notified, assumed)
        except filelock.Timeout as error:
            raise PrivacyError("another erasure is running on this journal; run this one when it is done") from error

    def where(self, person: object) -> list[str]:
        """Return the names of searchable places in which the person is found now; empty after an erasure."""
        text = person_text(person)
        return [place.store.name for place in self._registry if place.store.searchable and place.store.holds(text) > 0]

    def _run(
        self, person: str, delete_models: Collection[str], notified: Collection[str], assumed: Collection[str]
    ) -> Certificate:
        mark = self._register.tombstones.mark(person)
        plan = self._with_late(mark, make_plan(self._registry, person, assumed=assumed), person)
        # The journal has the whole plan before anything is gone: later, clean sources do not show what they fed.
        request = self._journal.open_request(mark, plan, self._salts.known(person))
        self._refuse_unknown(request, {*delete_models, *notified} - {"all"})
        self._register.tombstones.add(person)
        for entry in self._journal.entries(request.request):
            if entry.state in ("pending", "open"):
                self._carry_out(request, entry, person, delete_models, notified)
        entries = self._journal.entries(request.request)
        if request.certificate:
            issued = Certificate(json.loads(request.certificate))
            if issued.says(entries):
                return issued
        certificate = issue(request, entries, log=self._log)
        self._journal.keep_certificate(request.request, certificate.to_json())
        return certificate

    def _with_late(self, mark: str, plan: Plan, person: object) -> Plan:
        """Add what appeared since this person's erasure began."""
        earlier = self._journal.request(mark)
        if earlier is None:
            return plan
        entries = self._journal.entries(earlier.request)
        clean_at = {entry.step.place: entry.at if entry.state == "done" else "" for entry in entries}
        known = {*clean_at, *(step.place for step in plan.steps)}
        late = late_steps(self._registry, person, clean_at=clean_at, known=known)
        names = {step.place for step in late}
        return Plan((*plan.steps, *late), tuple(name for name in plan.untouched if name not in names))

    def _refuse_unknown(self, request: Request, names: set[str]) -> None:
        known = {entry.step.place for entry in self._journal.entries(request.request)}
        for name in sorted(names - known):
            raise ConfigError(f"{name!r} is no place of this erasure; choose from: {', '.join(sorted(known))}")

    def _carry_out(
        self, request: Request, entry: Entry, person: str, delete_models: Collection[str], notified: Collection[str]
    ) -> None:
        name, action = entry.step.place, entry.step.action
        store = self._registry.get(name)
        if store is None:
            left, note = None, "the place is not registered any more, so nobody looked; register it again"
            self._mark(request, entry, "open", left=left, note=note)
        elif action == "bounded":
            self._mark(request, entry, "bounded")
        elif action == "retrain":
            self._settle_model(request, entry, store, person, delete={name, "all"}.intersection(delete_models) != set())
        else:
            store.erase(person)
            left = store.holds(person) if store.searchable else None
            told = action != "notify" or name in notified
            note = "the recipient was told, by the operator's word" if action == "notify" and told else ""
            unsearched = getattr(store, "unsearched", ())
            if left:
                told, note = False, "records of the person came back while this ran; stop the writer and run again"
            elif unsearched:
                told, note = False, f"nobody searched {', '.join(unsearched)}; see the documentation for what to do"
            self._mark(request, entry, "done" if told else "open", left=left, note=note)

    def _settle_model(self, request: Request, entry: Entry, store: Store, person: str, *, delete: bool) -> None:
        seen = store.fingerprint()
        if delete:
            gone = store.erase(person) == 0
            note = "its files were gone; that nobody moved them is the operator's word" if gone else "deleted"
            self._mark(request, entry, "done", fingerprint=entry.fingerprint, note=note)
        elif not seen:
            note = "files of it are not where the list of places says: moved, renamed or deleted, nobody can tell"
            self._mark(request, entry, "open", fingerprint=entry.fingerprint, note=note)
        elif entry.fingerprint and seen != entry.fingerprint:
            note = (
                f"its files were replaced after the sources were clean (now {seen[:16]}); that they were trained "
                "without the person is the operator's word"
            )
            self._mark(request, entry, "done", fingerprint=seen, note=note)
        else:
            # Sources come before models, so this is the model as it was when they were clean.
            self._mark(request, entry, "open", fingerprint=seen)

    def _mark(
        self,
        request: Request,
        entry: Entry,
        state: State,
        *,
        left: int | None = None,
        fingerprint: str = "",
        note: str = "",
    ) -> None:
        """Write a step down unless it stands so already: an open step keeps the time at which it became open."""
        if (state, left, fingerprint, note) != (entry.state, entry.left, entry.fingerprint, entry.note):
            self._journal.mark_step(
                request.request, entry.step.place, state, left=left, fingerprint=fingerprint, note=note
            )
