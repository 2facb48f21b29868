"""The journal of erasures: what was planned and what is done, so that a killed erasure goes on where it stopped.

It names nobody: a request is found by the person's tombstone mark, a keyed hash. It keeps the commitments that mean
the person in the log, which say nothing once their salts are gone.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

from privacy.consent.identifiers import time_text
from privacy.consent.register_file import make_private
from privacy.consent.standing import now_utc
from privacy.erasure.places import Action, PlaceKind
from privacy.erasure.plan import Plan, Step
from privacy.sqlite_file import FileKind, SqliteFile

State = Literal["pending", "done", "bounded", "open"]
"""Pending: to be done. Done: the person is gone from there. Bounded: stays under an epsilon. Open: needs somebody."""

JOURNAL: Final = FileKind(what="journal of erasures", application_id=0x5446454A, version=1)  # "TFEJ"
_STATEMENTS: Final = (
    """CREATE TABLE IF NOT EXISTS requests (
        mark TEXT PRIMARY KEY, request TEXT NOT NULL, commitments TEXT NOT NULL, opened_at TEXT NOT NULL,
        certificate TEXT)""",
    """CREATE TABLE IF NOT EXISTS steps (
        request TEXT NOT NULL, position INTEGER NOT NULL, place TEXT NOT NULL, kind TEXT NOT NULL, action TEXT NOT NULL,
        found INTEGER, because TEXT NOT NULL, statement TEXT NOT NULL, command TEXT NOT NULL, state TEXT NOT NULL,
        left_over INTEGER, fingerprint TEXT NOT NULL, at TEXT NOT NULL, note TEXT NOT NULL,
        PRIMARY KEY (request, place))""",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One step and how far it is.

    Attributes:
        step: as planned.
        state: pending, done, bounded or open.
        left: records of the person found afterwards; None where nobody can search.
        fingerprint: hash of a model's files when its sources were clean.
        at: when the state was reached, UTC text; empty while pending.
        note: what was done, beyond the action.
    """

    step: Step
    state: State
    left: int | None
    fingerprint: str
    at: str
    note: str


@dataclass(frozen=True, slots=True)
class Request:
    """One person's request.

    Attributes:
        mark: of the person; a key of this journal.
        request: random id, the one in the certificate.
        commitments: which mean the person in the log.
        opened_at: UTC text.
        certificate: the last one issued, as JSON text; empty before.
    """

    mark: str
    request: str
    commitments: tuple[str, ...]
    opened_at: str
    certificate: str


class Journal(SqliteFile):
    """The file; make it with `Journal.open(path)`. Every call is one transaction."""

    kind = JOURNAL

    def __init__(self, path: Path | None) -> None:
        make_private(path)
        super().__init__(path)
        with self.transaction() as connection:
            for statement in _STATEMENTS:
                connection.execute(statement)

    def request(self, mark: str) -> Request | None:
        """Return a person's request, or None."""
        with self.transaction("DEFERRED") as connection:
            return _request(connection, mark)

    def open_request(self, mark: str, plan: Plan, commitments: Sequence[str]) -> Request:
        """Write a plan down before anything is done; of a request that is there, add what the plan has beyond it.

        A place that was done and holds the person again, or was built from one that does, is to be done again.
        """
        with self.transaction() as connection:
            known = _request(connection, mark)
            if known is None:
                request = secrets.token_hex(8)
                connection.execute(
                    "INSERT INTO requests (mark, request, commitments, opened_at) VALUES (?, ?, ?, ?)",
                    (mark, request, json.dumps(sorted(commitments)), time_text(now_utc())),
                )
            else:
                request = known.request
                every = sorted({*known.commitments, *commitments})
                connection.execute("UPDATE requests SET commitments = ? WHERE mark = ?", (json.dumps(every), mark))
            states = {entry.step.place: entry.state for entry in _entries(connection, request)}
            for step in plan.steps:
                if step.place not in states:
                    _insert(connection, request, len(states), step)
                    states[step.place] = "pending"
                elif states[step.place] == "done" and (step.found or step.because):
                    connection.execute(
                        "UPDATE steps SET state = 'pending', found = ?, fingerprint = '' "
                        "WHERE request = ? AND place = ?",
                        (step.found, request, step.place),
                    )
            found = _request(connection, mark)
        assert found is not None
        return found

    def entries(self, request: str) -> list[Entry]:
        """List the steps of a request in order."""
        with self.transaction("DEFERRED") as connection:
            return _entries(connection, request)

    def mark_step(
        self, request: str, place: str, state: State, *, left: int | None, fingerprint: str = "", note: str = ""
    ) -> None:
        """Write down how far a step is."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE steps SET state = ?, left_over = ?, fingerprint = ?, at = ?, note = ? "
                "WHERE request = ? AND place = ?",
                (state, left, fingerprint, time_text(now_utc()), note, request, place),
            )

    def keep_certificate(self, request: str, text: str) -> None:
        """Keep the certificate that was issued last."""
        with self.transaction() as connection:
            connection.execute("UPDATE requests SET certificate = ? WHERE request = ?", (text, request))


def _request(connection: sqlite3.Connection, mark: str) -> Request | None:
    row = connection.execute(
        "SELECT mark, request, commitments, opened_at, certificate FROM requests WHERE mark = ?", (mark,)
    ).fetchone()
    return None if row is None else Request(row[0], row[1], tuple(json.loads(row[2])), row[3], row[4] or "")


def _entries(connection: sqlite3.Connection, request: str) -> list[Entry]:
    rows = connection.execute(
        "SELECT place, kind, action, found, because, statement, command, state, left_over, fingerprint, at, note "
        "FROM steps WHERE request = ? ORDER BY position",
        (request,),
    ).fetchall()
    return [_entry(row) for row in rows]


def _entry(row: tuple[Any, ...]) -> Entry:
    place, kind, action, found, because, statement, command, state, left, fingerprint, at, note = row
    step = Step(
        place, cast(PlaceKind, kind), cast(Action, action), found, tuple(json.loads(because)), statement, command
    )
    return Entry(step, cast(State, state), left, fingerprint, at, note)


def _insert(connection: sqlite3.Connection, request: str, position: int, step: Step) -> None:
    connection.execute(
        "INSERT INTO steps (request, position, place, kind, action, found, because, statement, command, state, "
        "fingerprint, at, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending', '', '', '')",
        (
            request,
            position,
            step.place,
            step.kind,
            step.action,
            step.found,
            json.dumps(step.because),
            step.statement,
            step.command,
        ),
    )
