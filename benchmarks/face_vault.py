"""How long a greeting, an enrolment and a revocation take, without the encoder.

    python benchmarks/face_vault.py                  # 100,000 people of 128 numbers
    python benchmarks/face_vault.py --people 2000

Everything is real: receipts in a register, encrypted templates in a file, policy, consent and the exact search. CPU
seconds are those of this process; wall seconds depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a neighbour is called like the room `matching`

import numpy as np

from matching.embeddings import Embeddings
from matching.face.gallery import Gallery
from matching.face.permission import Permission
from matching.face.sealed import Binding, seal
from matching.face.vault import Vault
from matching.face.vault_rows import insert
from privacy.consent import ConsentRegister, Notice, Receipt
from privacy.consent.recording import put_on_record
from privacy.policy import Dataset, Party, PolicyEngine, Register

SHA = "ab" * 32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=128)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked.people, asked.dimension)


def measure(folder: Path, people: int, dimension: int) -> None:
    rng = np.random.default_rng(0)
    register = ConsentRegister.open(folder / "consent.sqlite", log=None, commitments=None)
    vault = Vault.of(folder / "faces.sqlite", merchant="m1", model="m", dimension=dimension)
    tokens = [register.token(person) for person in range(people)]
    agree(register, tokens)
    vectors = Embeddings.scaled(rng.standard_normal((people + 20, dimension)), "m")
    rotated = vault.rotation.apply(vectors).vectors

    def binding(token: str) -> Binding:
        return Binding(token, "m1", "in_store_recognition", SHA, "m", "2999-01-01T00:00:00.000000+00:00", people)

    with vault.transaction() as connection:  # as `enrol` does, in one transaction instead of many
        for person, token in enumerate(tokens):
            insert(connection, seal(vault._key, binding(token), str(person), rotated[person]))
    faces = Dataset("faces", "m1", "face_templates", "raw", about_persons=True)
    engine = PolicyEngine.load(["base"], register=Register([Party("m1", "merchant")], [faces]))
    gallery = Gallery(vault, Permission(register, engine, "m1", "in_store_recognition", "faces"))
    print(f"{people:,} people, {dimension} numbers each")
    told("open the gallery", [timed(lambda: gallery.size)])
    probes = [Embeddings(vectors.vectors[row : row + 1], "m") for row in range(people, people + 20)]
    told(
        "find one (1:N, consent asked before and after)",
        [timed(lambda p=probe: gallery.nearest(p)) for probe in probes],
    )
    enrolled = [(f"new {row}", probe) for row, probe in enumerate(probes)]
    told("enrol one", [timed(lambda o=one: vault.enrol("x", binding(o[0]), o[1])) for one in enrolled])
    told("revoke one", [timed(lambda o=one: vault.revoke(o[0])) for one in enrolled])
    vault.revoke(tokens[0])
    told("follow a change", [timed(lambda: gallery.size)])


def agree(register: ConsentRegister, tokens: list[str]) -> None:
    """Put a receipt of everybody on record in one transaction."""
    now = dt.datetime.now(dt.UTC)
    register.notices.add(Notice("m1", "n", "en", SHA, now - dt.timedelta(days=2)))
    receipt = Receipt(
        record_id="r",
        principal=tokens[0],
        controllers=("m1",),
        notice="n",
        notice_sha256=SHA,
        language="en",
        purposes=("in_store_recognition",),
        data=("face_templates",),
        processing=("use",),
        storage=("EU",),
        retention_days=9,
        recipients=(),
        jurisdiction="EU",
        lawful_basis="explicit_consent",
        level="separate",
        explicit=True,
        issued_at=now - dt.timedelta(hours=1),
        valid_from=now - dt.timedelta(hours=1),
        expires_at=now + dt.timedelta(days=9),
        method="app",
        withdrawal="at the till",
    )
    with register._file.transaction() as connection:
        for number, token in enumerate(tokens):
            put_on_record(connection, replace(receipt, principal=token), mark=str(number), now=now)


def timed(action: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def told(what: str, times: list[tuple[float, float]]) -> None:
    wall, cpu = np.median(np.array(times), axis=0) * 1e3
    print(f"{what:48} {wall:10.1f} ms wall {cpu:10.1f} ms CPU   (median of {len(times)})")


if __name__ == "__main__":
    main()
