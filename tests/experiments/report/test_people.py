"""Consent and erasure in a report: counts with proofs from the logs, certificates with their signature checked."""

import datetime as dt
import hashlib
import json
from pathlib import Path

import pytest

from experiments.logbook import KEY, run_log
from experiments.report import build_report as build
from experiments.report import render_html, render_json, verify_report, write_report
from experiments.runs import RunStore
from privacy.commitments import Commitments
from privacy.consent import ConsentRegister, Notice, Receipt
from privacy.erasure import Erasure, Registry, TableFolder
from privacy.log import SigningKey

PACKS = ["base", "dma", "gdpr"]


def build_report(store, target, *, policy=PACKS, **options):
    """Compare two regimes only, which is quick."""
    return build(store, target, policy=policy, regimes=["federated_dp", "pooled"], **options)


START = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
NOTICE = hashlib.sha256(b"We use your baskets to suggest products.").hexdigest()


def receipt(register, person, issued):
    return Receipt(
        record_id=f"r-{person}", principal=register.token(person), controllers=("m1",), notice="notice-1",
        notice_sha256=NOTICE, language="en", purposes=("recommendation",), data=("transactions",),
        processing=("collect",), storage=("EU",), retention_days=365, recipients=(), jurisdiction="EU",
        lawful_basis="consent", level="general", explicit=False, issued_at=issued, valid_from=issued,
        expires_at=issued + dt.timedelta(days=10_000), method="web_form", withdrawal="https://m1.example/withdraw",
        minor=False, guardian=False, guardian_token="", signature="",
    )  # fmt: skip


@pytest.fixture
def consenting(store, tmp_path):
    """A store whose first run logged three receipts and one withdrawal, and the register's file."""
    log = run_log(Path(RunStore(store).records("market")[0]["path"]))
    commitments = Commitments.open(tmp_path / "commitments.sqlite")
    now = dt.datetime.now(dt.UTC)
    register = ConsentRegister.open(tmp_path / "consent.sqlite", log=log, commitments=commitments)
    register.notices.add(Notice("m1", "notice-1", "en", NOTICE, now - dt.timedelta(days=30)))
    for person in ("17", "18", "19"):
        register.record(receipt(register, person, now - dt.timedelta(hours=5)))
    register.withdraw("18", controller="m1", purpose="recommendation", at=now - dt.timedelta(hours=2))
    log.sign_head()
    return store, tmp_path / "consent.sqlite"


def test_receipts_and_withdrawals_are_counted_from_the_log(consenting, key, tmp_path):
    store, register = consenting
    model = build_report(store, "market", consent=register)
    figures = {one.label: one.value for one in model.consent_figures}
    assert (figures["Receipts put on record"].value, figures["Withdrawals"].value) == (3, 1)
    assert figures["Receipts put on record"].proof.startswith("d")
    (delay,) = [value.value for label, value in figures.items() if label.startswith("Longest time")]
    assert 7200 <= delay < 7500
    states = {label.rpartition(" is ")[2]: value.value for label, value in figures.items() if " is " in label}
    assert states == {"valid": 2, "withdrawn": 1}
    path = tmp_path / "report.json"
    write_report(path, render_json(model), key=key, model=model)
    assert verify_report(path, key_hex=key.public_hex).ok


def test_no_id_of_a_person_is_in_the_report(consenting):
    store, register = consenting
    document = json.loads(render_json(build_report(store, "market", consent=register)))
    persons = [e["entry"]["body"].get("person") for e in document["proofs"] if e["entry"]["kind"] == "consent"]
    assert not {"17", "18", "19"} & set(map(str, persons))


def test_certificates_are_checked_and_a_changed_one_is_not_valid(store, tmp_path):
    key = SigningKey.load(store / KEY)
    from privacy.log import Log

    log = Log.open(tmp_path / "office.sqlite", origin="office", key=key)
    commitments = Commitments.open(tmp_path / "commitments.sqlite")
    register = ConsentRegister.open(tmp_path / "consent.sqlite", log=log, commitments=commitments)
    tables = tmp_path / "tables"
    tables.mkdir()
    lines = "person_id,basket_id,product_id,store_id,purchased_at,quantity,sales_value\n"
    (tables / "transactions.csv").write_text(
        lines + "17,1,100,5,2024-03-01T09:30:00,1,2.5\n18,2,100,5,2024-03-01T09:30:00,1,2.5\n"
    )
    registry = Registry()
    registry.add(TableFolder("tables", tables, tombstones=register.tombstones))
    erasure = Erasure(
        registry, register=register, log=log, commitments=commitments, journal=tmp_path / "erasure.sqlite"
    )
    certificate = erasure.run("17")
    folder = tmp_path / "certificates"
    folder.mkdir()
    (folder / "one.json").write_text(certificate.to_json())
    (folder / "two.json").write_text(certificate.to_json().replace("Backups", "No backups"))
    (folder / "three.json").write_text("{}")
    model = build_report(store, "market", certificates=folder)
    said = {fact.name: fact.text for fact in model.erasure}
    assert f"is {certificate.status}" in said["one.json"]
    assert "proof checked" in said["one.json"]
    assert said["two.json"].startswith("NOT VALID")
    assert "no erasure certificate" in said["three.json"]
    assert b"NOT VALID" in render_html(model)


def test_an_empty_folder_of_certificates_says_so(store, tmp_path):
    (tmp_path / "none").mkdir()
    (fact,) = build_report(store, "market", certificates=tmp_path / "none").erasure
    assert "holds none" in fact.text
