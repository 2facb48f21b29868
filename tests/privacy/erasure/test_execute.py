import datetime as dt
import functools
import json
import signal
from collections import Counter

import filelock
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from privacy.commitments import Commitments
from privacy.consent import ConsentRegister, Notice
from privacy.erasure import Erasure, Export, Index, LruCache, Model, Registry, TableFolder, check_certificate
from privacy.log import Log, SigningKey, verify_log
from retail.errors import ConfigError, ConsentError, DataError, PrivacyError

SHA = "ab" * 32


@pytest.fixture
def shop(office, make, tmp_path):
    """Tables, an index and a cache over them, an export, three models: everything that can hold a person."""

    class Shop:
        def __init__(self):
            self.tables = TableFolder("tables", tmp_path / "shop", tombstones=office.tombstones)
            self.registry = Registry()
            self.index = Counter()
            self.model = tmp_path / "model.npz"
            self.bounded = tmp_path / "bounded.npz"

        def rebuild(self):
            self.index.clear()
            self.index.update(str(person) for _, ids in self.tables.persons() for person in ids)

    shop = Shop()
    make.csv(tmp_path / "shop" / "transactions.csv", 1, 2, 1, 3)
    make.parquet(tmp_path / "agency" / "transactions.parquet", 1, 2)
    shop.model.write_bytes(b"remembers")
    shop.bounded.write_bytes(b"noisy")
    shop.lookup = functools.lru_cache(lambda person: shop.tables.holds(person))
    shop.rebuild()
    guard = {"tombstones": office.tombstones}
    add = shop.registry.add
    add(shop.tables)
    add(Index("index", count=lambda p: shop.index[p], rebuild=shop.rebuild, **guard), built_from=["tables"])
    add(LruCache("lookups", shop.lookup, **guard), built_from=["index"])
    agency = Export("agency", recipient="Agency", sent=dt.date(2026, 1, 5), path=tmp_path / "agency", **guard)
    add(agency, built_from=["tables"])
    add(Model("model", [shop.model], command="tradefair run shop.toml", **guard), built_from=["tables"])
    add(Model("dp", [shop.bounded], epsilon=1.0, delta=1e-6, secret_noise=True, **guard), built_from=["tables"])
    shop.erasure = office.erasure(shop.registry)
    return shop


def agree(register, person, number=1, guardian=""):
    from privacy.consent import Receipt

    now = dt.datetime.now(dt.UTC)
    register.notices.add(Notice("m1", "n", "en", SHA, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))
    register.record(
        Receipt(
            record_id=f"r-{person}-{number}", principal=register.token(person), controllers=("m1",), notice="n",
            notice_sha256=SHA, language="en", purposes=("recommendation",), data=("transactions",),
            processing=("use",), storage=("EU",), retention_days=1, recipients=(), jurisdiction="EU",
            lawful_basis="consent", level="general", explicit=False, issued_at=now, valid_from=now,
            expires_at=now + dt.timedelta(days=1), method="app", withdrawal="call us",
            minor=bool(guardian), guardian=bool(guardian), guardian_token=guardian,
        )
    )  # fmt: skip


def states(certificate):
    return {place["place"]: place["state"] for place in certificate.document["places"]}


def test_nothing_returns_the_person_afterwards_and_a_return_is_refused(shop, office):
    agree(office.register, "1")
    shop.lookup("1")
    assert shop.erasure.where(1) == ["tables", "index", "agency", "consent register", "commitments"]
    certificate = shop.erasure.run(1)
    assert shop.erasure.where(1) == []
    assert shop.index == {"2": 1, "3": 1}
    assert shop.lookup("1") == 0, "the cache was dropped and answers from clean tables"
    with pytest.raises(ConsentError, match="erased"):
        shop.registry.admit([3, 1])
    with pytest.raises(ConsentError, match="erased"):
        agree(office.register, "1", number=2)
    assert states(certificate) == {
        "tables": "done",
        "index": "done",
        "lookups": "done",
        "agency": "open",
        "model": "open",
        "dp": "bounded",
        "consent register": "done",
        "commitments": "done",
    }
    assert certificate.status == "open"
    assert certificate.open_places == ("agency", "model")
    assert shop.erasure.where(2) == ["tables", "index", "agency"]


def test_the_certificate_names_the_commitments_of_the_log_and_never_the_person(on_disk, shop, office):
    agree(office.register, "1")
    recorded = office.log.entries("consent")[-1].body["person"]
    office.log.append("access", {"person": office.commitments.commitment(1)})
    certificate = shop.erasure.run("1")
    assert recorded in certificate.document["commitments"]
    assert len(certificate.document["commitments"]) == 2
    assert office.register.token("1") not in certificate.to_json()
    assert office.commitments.known("1") is None, "the salts are gone"
    assert office.commitments.known(office.register.token("1")) is None
    entry = office.log.entries("erasure")[-1]
    assert entry.body["status"] == "open"
    assert check_certificate(json.loads(certificate.to_json()), key_hex=office.key.public_hex) == ()
    assert verify_log(office.folder / "books" / "log.sqlite").ok


def test_running_again_changes_nothing_and_gives_the_same_certificate(shop, office):
    first = shop.erasure.run(1)
    size = office.log.size
    assert shop.erasure.run("1").to_json() == first.to_json()
    assert office.log.size == size


def test_a_request_closes_once_the_recipient_was_told_and_the_model_deleted(shop):
    shop.erasure.run(1)
    told = shop.erasure.run(1, notified=["agency"])
    assert told.open_places == ("model",)
    done = shop.erasure.run(1, delete_models=["model"])
    assert done.status == "closed"
    assert done.document["request"] == told.document["request"]
    assert not shop.model.exists()
    assert shop.bounded.exists()
    assert shop.erasure.run(1).to_json() == done.to_json()


def test_a_model_that_was_replaced_after_the_data_were_clean_closes_its_step(shop):
    shop.erasure.run(1, notified=["agency"])
    shop.model.write_bytes(b"trained again")
    certificate = shop.erasure.run(1)
    assert certificate.status == "closed"
    note = next(place["note"] for place in certificate.document["places"] if place["place"] == "model")
    assert "operator's word" in note


def test_all_open_models_can_be_deleted_at_once_and_bounded_ones_stay(shop):
    certificate = shop.erasure.run(1, delete_models=["all"], notified=["agency"])
    assert certificate.status == "closed"
    assert not shop.model.exists()
    assert shop.bounded.exists()


def test_a_name_that_is_no_place_is_refused(shop):
    with pytest.raises(ConfigError, match="'modle' is no place"):
        shop.erasure.run(1, delete_models=["modle"])
    assert shop.model.exists()


def test_a_person_nobody_knows_gets_a_closed_certificate_and_is_refused_from_then_on(shop, office):
    certificate = shop.erasure.run("stranger")
    assert certificate.status == "closed"
    assert certificate.document["places"] == []
    assert office.tombstones.has("stranger")


def test_somebody_restored_from_a_backup_behind_our_back_is_erased_again(shop, make):
    shop.erasure.run(1, delete_models=["all"], notified=["agency"])
    make.csv(shop.tables.path / "transactions.csv", 1, 2)
    shop.rebuild()
    shop.lookup("2")
    assert shop.erasure.where(1) == ["tables", "index"]
    again = shop.erasure.run(1)
    assert shop.erasure.where(1) == []
    assert states(again)["tables"] == "done"
    assert states(again)["agency"] == "open", "the recipient may have got the person again"


def test_a_place_that_cannot_be_read_stops_the_erasure_and_the_next_run_goes_on(shop, office):
    broken = shop.tables.path / "customers.parquet"
    broken.write_bytes(b"broken")
    with pytest.raises(DataError, match="nobody can say"):
        shop.erasure.run(1)
    assert not office.log.entries("erasure")
    broken.unlink()
    assert shop.erasure.run(1).document["places"]


def test_a_place_that_is_not_registered_any_more_stays_open(on_disk, shop, office):
    shop.erasure.run(1)
    smaller = Registry()
    smaller.add(shop.tables)
    certificate = office.erasure(smaller).run(1, delete_models=["all"], notified=["agency"])
    assert certificate.open_places == ("agency", "model")
    assert "not registered" in certificate.document["places"][3]["note"]


def test_without_a_key_no_certificate_is_signed_but_the_person_is_gone(on_disk, office, shop):
    keyless = Log.open(office.folder / "books" / "log.sqlite", origin="office", key=None)
    registry = Registry()
    registry.add(shop.tables)
    erasure = Erasure(
        registry,
        register=office.register,
        log=keyless,
        commitments=office.commitments,
        journal=office.folder / "other.sqlite",
    )
    with pytest.raises(PrivacyError, match="without a key"):
        erasure.run(1)
    assert erasure.where(1) == []


def test_two_erasures_at_once_on_one_journal_wait_for_each_other(on_disk, shop, office):
    with (
        filelock.FileLock(office.folder / "books" / "erasure.sqlite.lock"),
        pytest.raises(PrivacyError, match="another erasure is running"),
    ):
        shop.erasure.run(1)


KILLED = """
import json, os, shutil, signal, sys
from pathlib import Path
from privacy.commitments import Commitments
from privacy.consent import ConsentRegister
from privacy.erasure import Erasure, Model, Registry, TableFolder, table_folder
from privacy.erasure.journal import Journal
from privacy.consent.tombstones import Tombstones
from privacy.log import Log, SigningKey

CHANGES = (
    (Journal, "open_request"), (Tombstones, "add"), (table_folder, "erase_rows"), (Journal, "mark_step"),
    (ConsentRegister, "forget"), (Commitments, "forget"), (Log, "append"), (Journal, "keep_certificate"),
)

def die_after(deadly):
    calls = []
    def wrap(function):
        def wrapped(*args, **kwargs):
            result = function(*args, **kwargs)
            calls.append(function)
            if len(calls) == deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            return result
        return wrapped
    for owner, name in CHANGES:
        setattr(owner, name, wrap(getattr(owner, name)))

def erase(folder):
    books = folder / "books"
    log = Log.open(books / "log.sqlite", origin="office", key=SigningKey.load_or_create(books / "key.pem"))
    commitments = Commitments.open(books / "commitments.sqlite")
    register = ConsentRegister.open(books / "consent.sqlite", log=log, commitments=commitments)
    registry = Registry()
    for name in ("one", "two"):
        registry.add(TableFolder(name, folder / name, tombstones=register.tombstones))
    registry.add(Model("model", [folder / "model.npz"], tombstones=register.tombstones), built_from=["two"])
    erasure = Erasure(registry, register=register, log=log, commitments=commitments, journal=books / "erasure.sqlite")
    certificate = erasure.run("1", delete_models=["model"])
    assert erasure.where("1") == []
    assert register.tombstones.has("1")
    assert erasure.run("1").to_json() == certificate.to_json()
    (folder / "certificate.json").write_text(certificate.to_json())

def in_a_child(work, *args):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work(*args)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def killed(folder, deadly):
    die_after(deadly)
    erase(folder)

template, step, deadly, ends = Path(sys.argv[1]), int(sys.argv[2]), 0, {}
while 0 not in ends.values():
    deadly += step
    folder = template.parent / f"killed-{deadly}"
    shutil.copytree(template, folder)
    ends[deadly] = in_a_child(killed, folder, deadly)
    assert in_a_child(erase, folder) == 0, deadly
print(json.dumps(ends))
"""


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_after_any_change_an_erasure_goes_on_to_the_same_end(make, open_office, tmp_path, start_code, step):
    """Real processes get SIGKILL after their 4th, 8th, ... change (slow: 1st, 2nd, ...); the last one lives on."""
    (tmp_path / "template").mkdir()
    office = open_office(tmp_path / "template", on_disk=True)
    for name in ("one", "two"):
        make.csv(office.folder / name / "transactions.csv", 1, 2, 1)
    (office.folder / "model.npz").write_bytes(b"remembers")
    agree(office.register, "1")
    meant = office.log.entries("consent")[-1].body["person"]
    killing = start_code(KILLED, office.folder, step)
    out, err = killing.communicate(timeout=300)
    assert killing.returncode == 0, err
    ends = json.loads(out)
    assert list(ends.values()) == [-signal.SIGKILL] * (len(ends) - 1) + [0]
    assert len(ends) * step > 12
    for deadly in ends:
        folder = tmp_path / f"killed-{deadly}"
        certificate = json.loads((folder / "certificate.json").read_text())
        assert check_certificate(certificate, key_hex=office.key.public_hex) == ()
        assert certificate["status"] == "closed"
        assert meant in certificate["commitments"], "known from before the death, although the salt is gone"
        found = {place["place"]: place["found"] for place in certificate["places"]}
        assert found == {"one": 2, "two": 2, "model": None, "consent register": 2, "commitments": 1}
        for name in ("one", "two"):
            assert (folder / name / "transactions.csv").read_text().splitlines()[1:] == [
                "2,11,100,5,2024-03-01T09:30:00,1,2.5"
            ]
        assert not (folder / "model.npz").exists()
        assert verify_log(folder / "books" / "log.sqlite").ok


PEOPLE = st.lists(st.integers(0, 6), min_size=1, max_size=15)


@given(tables=st.lists(st.tuples(st.booleans(), PEOPLE), min_size=1, max_size=3), gone=st.sets(st.integers(0, 8)))
@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_for_any_stores_and_persons_no_place_returns_the_erased_and_their_return_is_refused(
    tmp_path_factory, make, tables, gone
):
    folder = tmp_path_factory.mktemp("market")
    commitments = Commitments.open(":memory:")
    log = Log.open(":memory:", origin="market", key=SigningKey.generate())
    register = ConsentRegister.open(":memory:", log=log, commitments=commitments)
    registry, caches, indexes = Registry(), [], []
    for number, (as_csv, persons) in enumerate(tables):
        path = folder / str(number)
        (make.csv if as_csv else make.parquet)(path / f"transactions.{'csv' if as_csv else 'parquet'}", *persons)
        store = TableFolder(f"tables {number}", path, tombstones=register.tombstones)
        index: dict[str, int] = {}

        def build(index=index, store=store):
            index.clear()
            index.update(Counter(str(person) for _, ids in store.persons() for person in ids))

        cache = functools.lru_cache(lambda person, index=index: index.get(person, 0))
        build()
        for person in persons:
            cache(str(person))
        registry.add(store)
        registry.add(
            Index(
                f"index {number}", count=lambda p, i=index: i.get(p, 0), rebuild=build, tombstones=register.tombstones
            ),
            built_from=[store.name],
        )
        registry.add(LruCache(f"cache {number}", cache, tombstones=register.tombstones), built_from=[f"index {number}"])
        caches.append(cache)
        indexes.append((index, persons))
    erasure = Erasure(registry, register=register, log=log, commitments=commitments, journal=":memory:")
    for person in gone:
        assert erasure.run(person).status == "closed"
    for person in gone:
        assert erasure.where(person) == []
        assert all(cache(str(person)) == 0 for cache in caches)
        with pytest.raises(ConsentError):
            registry.admit([person])
    for index, persons in indexes:
        assert index == Counter(str(person) for person in persons if person not in gone)
    staying = sorted(set(range(9)) - gone)
    registry.admit(pd.Series(staying, dtype="int64"))


def test_a_model_that_was_moved_is_open_until_somebody_vouches_for_it(shop):
    shop.erasure.run(1, notified=["agency"])
    shop.model.rename(shop.model.with_name("renamed.npz"))
    certificate = shop.erasure.run(1)
    assert certificate.open_places == ("model",)
    assert "moved, renamed or deleted" in str(certificate.document["places"])
    closed = shop.erasure.run(1, delete_models=["model"])
    assert closed.status == "closed"
    assert "nobody moved them is the operator's word" in closed.to_json()


def test_a_model_that_was_moved_before_the_erasure_is_open_too(shop):
    shop.model.rename(shop.model.with_name("renamed.npz"))
    assert shop.erasure.run(1, notified=["agency"]).open_places == ("model",)


def test_what_a_program_wrote_after_the_erasure_began_is_found_by_the_next_run(shop, office, tmp_path):
    shop.erasure.run(1, delete_models=["all"], notified=["agency"])
    after = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    late, new = tmp_path / "late.npz", tmp_path / "new.npz"
    late.write_bytes(b"was in training with person 1")
    new.write_bytes(b"trained on clean tables")
    guard = {"tombstones": office.tombstones}
    shop.registry.add(Model("late", [late], **guard), built_from=["tables"])
    shop.registry.add(Model("new", [new], started=after, **guard), built_from=["tables"])
    shop.registry.add(Export("later", recipient="B", sent=dt.date(2099, 1, 1), **guard), built_from=["tables"])
    plan = shop.erasure.plan(1)
    assert [step.place for step in plan.steps] == ["late"]
    assert not {"late"}.intersection(plan.untouched)
    assert {"new", "later"} <= set(plan.untouched)
    certificate = shop.erasure.run(1)
    assert certificate.open_places == ("late",)
    assert shop.erasure.run(1).to_json() == certificate.to_json()
    assert shop.erasure.run(1, delete_models=["late"]).status == "closed"
    assert not late.exists()
    assert new.exists()
    assert [step.place for step in shop.erasure.plan(2).steps][-2:] == ["new", "later"]


def test_a_folder_with_a_file_that_nobody_can_search_stays_open(shop):
    old = shop.tables.path / "old.tsv"
    old.write_text("person_id\tx\n1\t2\n")
    certificate = shop.erasure.run(1, delete_models=["all"], notified=["agency"])
    assert certificate.open_places == ("tables",)
    assert "nobody searched old.tsv" in certificate.to_json()
    old.unlink()
    assert shop.erasure.run(1).status == "closed"


def test_an_erased_guardian_is_found_in_the_register_and_a_refusal_leaves_nothing_to_find(shop, office):
    token = office.register.token("mother")
    agree(office.register, "kid", guardian=token)
    assert shop.erasure.where("mother") == ["consent register"]
    certificate = shop.erasure.run("mother")
    assert (certificate.status, states(certificate)["consent register"]) == ("closed", "done")
    agree(office.register, "4")
    shop.erasure.run("4")
    with pytest.raises(ConsentError):
        agree(office.register, "4", number=2)
    office.register.withdraw("4", controller="m1", purpose="marketing")
    assert shop.erasure.where("4") == shop.erasure.where("mother") == []
