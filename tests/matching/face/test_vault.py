import dataclasses
import os
import signal
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.embeddings import Embeddings
from matching.face.rotation import Rotation
from matching.face.sealed import Binding, seal, unseal
from matching.face.vault import Vault
from privacy.consent import Secret
from retail.errors import DataError, PrivacyError

MODEL, D = "model-1", 64


def unit(rng, rows=1, d=D) -> np.ndarray:
    vectors = rng.standard_normal((rows, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def binding(person="17", **changes) -> Binding:
    fields = {
        "subject": f"token of {person}",
        "merchant": "m1",
        "purpose": "payment",
        "receipt": "ab" * 32,
        "model": MODEL,
        "expires_at": "2027-01-01T00:00:00.000000+00:00",
        "consent_version": 3,
    }
    return Binding(**(fields | changes))


def open_vault(path, **changes) -> Vault:
    return Vault.of(path, **({"merchant": "m1", "model": MODEL, "dimension": D} | changes))


@pytest.fixture
def vault(tmp_path) -> Vault:
    return open_vault(tmp_path / "faces.sqlite")


def pieces_left(folder, blob: bytes, length=8) -> int:
    """Count runs of `length` bytes of a blob that are in any file of a folder."""
    contents = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    runs = {blob[start : start + length] for start in range(0, len(blob) - length + 1)}
    return sum(any(run in content for content in contents) for run in runs)


def ciphertexts(path) -> dict[str, bytes]:
    connection = sqlite3.connect(path)
    rows = dict(connection.execute("SELECT subject, ciphertext FROM templates").fetchall())
    connection.close()
    return rows


def test_a_template_comes_back_as_it_was_in_another_process_too(vault):
    vector = unit(np.random.default_rng(0))
    vault.enrol("17", binding(), Embeddings(vector, MODEL))
    again = open_vault(vault.path)
    opened = again.open_templates("payment", ["token of 17", "nobody"])
    assert opened.persons == ("17",)
    assert np.allclose(again.rotation.undo(opened.embeddings).vectors, vector, atol=1e-6)
    assert (os.stat(vault.path).st_mode & 0o777, os.stat(f"{vault.path}.key").st_mode & 0o777) == (0o600, 0o600)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    field=st.sampled_from([field.name for field in dataclasses.fields(Binding)]),
    text=st.text(min_size=1, max_size=20),
    number=st.integers(0, 2**40),
)
def test_a_template_bound_to_anything_else_does_not_open(field, text, number):
    key, one = Secret.fresh(), binding()
    sealed = seal(key, one, "17", unit(np.random.default_rng(1))[0])
    other = dataclasses.replace(one, **{field: number if field == "consent_version" else text})
    if other == one:
        return
    with pytest.raises(PrivacyError, match="does not open"):
        unseal(key, dataclasses.replace(sealed, binding=other))
    assert unseal(key, sealed)[0] == "17"


def test_ciphertexts_swapped_between_two_people_in_the_file_do_not_open(vault):
    rng = np.random.default_rng(2)
    for person in ("17", "18"):
        vault.enrol(person, binding(person), Embeddings(unit(rng), MODEL))
    connection = sqlite3.connect(vault.path)
    rows = connection.execute("SELECT nonce, ciphertext FROM templates ORDER BY subject").fetchall()
    for subject, (nonce, ciphertext) in zip(("token of 17", "token of 18"), reversed(rows), strict=True):
        connection.execute(
            "UPDATE templates SET nonce = ?, ciphertext = ? WHERE subject = ?", (nonce, ciphertext, subject)
        )
    connection.commit()
    connection.close()
    with pytest.raises(PrivacyError, match="does not open"):
        vault.open_templates("payment", ["token of 17"])


@pytest.mark.parametrize("people", [1, 30, pytest.param(400, marks=pytest.mark.slow)])
def test_a_revoked_template_leaves_no_byte_in_any_file_and_the_others_stay(vault, people):
    rng = np.random.default_rng(people)
    for person in range(people):
        vault.enrol(str(person), binding(str(person)), Embeddings(unit(rng), MODEL))
    blobs = ciphertexts(vault.path)
    gone = [f"token of {person}" for person in range(0, people, 3)]
    assert all(pieces_left(vault.path.parent, blobs[subject]) for subject in gone)
    for subject in gone:
        assert vault.revoke(subject) == 1
        assert vault.revoke(subject) == 0
    assert sum(pieces_left(vault.path.parent, blobs[subject]) for subject in gone) == 0
    kept = [subject for subject in blobs if subject not in gone]
    assert len(vault.open_templates("payment", kept).persons) == len(kept)
    assert {path.name for path in vault.path.parent.iterdir()} == {"faces.sqlite", "faces.sqlite.key"}


def test_a_vault_without_secure_delete_would_keep_bytes(tmp_path):
    """The control of the test above: the search finds what an ordinary deletion leaves."""
    connection = sqlite3.connect(tmp_path / "plain.sqlite")
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute("CREATE TABLE templates (subject TEXT, ciphertext BLOB)")
    blob = os.urandom(300)
    connection.execute("INSERT INTO templates VALUES ('17', ?)", (blob,))
    connection.commit()
    connection.execute("DELETE FROM templates")
    connection.commit()
    connection.close()
    assert pieces_left(tmp_path, blob) > 200


BAD = {
    "wrong model": lambda v: (binding(), Embeddings(unit(np.random.default_rng(0)), "model-2")),
    "binding of another model": lambda v: (binding(model="model-2"), Embeddings(v, MODEL)),
    "another merchant": lambda v: (binding(merchant="m2"), Embeddings(v, MODEL)),
    "another length": lambda v: (binding(), Embeddings(unit(np.random.default_rng(0), d=32), MODEL)),
    "two vectors": lambda v: (binding(), Embeddings(unit(np.random.default_rng(0), rows=2), MODEL)),
    "NaN": lambda v: (binding(), Embeddings(np.full((1, D), np.nan, np.float32), MODEL)),
    "duplicate": lambda v: (binding("first"), Embeddings(v, MODEL)),
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_a_template_is_refused_and_nothing_is_stored(vault, what):
    vector = unit(np.random.default_rng(4))
    vault.enrol("first", binding("first"), Embeddings(vector, MODEL))
    before = vault.path.read_bytes()
    with pytest.raises(DataError):
        vault.enrol("x", *BAD[what](vector))
    assert vault.path.read_bytes() == before


def test_rekeying_keeps_templates_and_makes_an_old_copy_of_the_file_useless(vault, tmp_path):
    vector = unit(np.random.default_rng(5))
    vault.enrol("17", binding(), Embeddings(vector, MODEL))
    copy, old_rotation = tmp_path / "copy", vault.rotation
    copy.mkdir()
    (copy / "faces.sqlite").write_bytes(vault.path.read_bytes())
    assert vault.rekey() == 1
    opened = open_vault(vault.path).open_templates("payment", ["token of 17"])
    assert np.allclose(vault.rotation.undo(opened.embeddings).vectors, vector, atol=1e-6)
    assert abs(float(opened.embeddings.vectors[0] @ old_rotation.apply(Embeddings(vector, MODEL)).vectors[0])) < 0.6
    (copy / "faces.sqlite.key").write_bytes((vault.path.parent / "faces.sqlite.key").read_bytes())
    with pytest.raises(PrivacyError, match="not the key"):
        open_vault(copy / "faces.sqlite")


def test_another_process_that_had_the_vault_open_follows_a_rekeying(vault):
    other = open_vault(vault.path)
    rng = np.random.default_rng(6)
    vault.enrol("17", binding(), Embeddings(unit(rng), MODEL))
    vault.rekey()
    other.enrol("18", binding("18"), Embeddings(unit(rng), MODEL))
    assert other.open_templates("payment", ["token of 17", "token of 18"]).persons == ("17", "18")
    assert vault.open_templates("payment", ["token of 18"]).persons == ("18",)


KILLED = """
import os, signal, sys
from matching.face import vault as module
from matching.face.vault import Vault
vault = Vault.of(sys.argv[1], merchant="m1", model="model-1", dimension=64)
die = lambda *arguments: os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "before the commit":
    module.set_fact = die
else:
    vault._settle_key = die
vault.rekey()
"""


@pytest.mark.parametrize("moment", [pytest.param("before the commit", marks=pytest.mark.slow), "after the commit"])
def test_a_rekeying_that_is_killed_leaves_a_vault_that_opens(vault, moment):
    rng = np.random.default_rng(7)
    for person in ("17", "18"):
        vault.enrol(person, binding(person), Embeddings(unit(rng), MODEL))
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", KILLED, str(vault.path), moment], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    folder = vault.path.parent
    old = (folder / "faces.sqlite.key").read_bytes()
    again = open_vault(vault.path)
    assert again.open_templates("payment", ["token of 17", "token of 18"]).persons == ("17", "18")
    if moment == "after the commit":  # templates are under the new key: the old one goes as soon as anybody opens
        assert not any(old in file.read_bytes() for file in folder.iterdir() if file.is_file())
    assert again.rekey() == 2
    assert open_vault(vault.path).open_templates("payment", ["token of 17"]).persons == ("17",)
    assert not (vault.path.parent / "faces.sqlite.key.next").exists()


def test_a_vault_of_another_merchant_model_or_without_its_key_is_refused(vault):
    with pytest.raises(PrivacyError, match="another merchant"):
        open_vault(vault.path, merchant="m2")
    with pytest.raises(PrivacyError, match="another model"):
        open_vault(vault.path, model="model-2")
    (vault.path.parent / "faces.sqlite.key").unlink()
    with pytest.raises(PrivacyError, match="there is no key"):
        open_vault(vault.path)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 40), st.integers(0, 2**32 - 1))
def test_a_rotation_keeps_every_cosine(dimension, seed):
    rotation = Rotation.of(Secret.fresh(), model="m", dimension=dimension)
    vectors = Embeddings(unit(np.random.default_rng(seed), rows=5, d=dimension), "m")
    turned = rotation.apply(vectors)
    assert np.allclose(rotation.matrix @ rotation.matrix.T, np.eye(dimension), atol=1e-9)
    assert np.allclose(turned.vectors @ turned.vectors.T, vectors.vectors @ vectors.vectors.T, atol=1e-5)
    assert np.allclose(rotation.undo(turned).vectors, vectors.vectors, atol=1e-5)


def test_vectors_of_two_rotations_never_compare():
    one, other = (Rotation.of(Secret.fresh(), model="m", dimension=8) for _ in range(2))
    vectors = Embeddings(unit(np.random.default_rng(0), d=8), "m")
    with pytest.raises(DataError):
        one.undo(other.apply(vectors))
    with pytest.raises(DataError):
        one.apply(one.apply(vectors))
