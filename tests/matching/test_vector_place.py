import numpy as np
import pytest

from matching.index import VectorIndex
from matching.vector_place import VECTORS, VectorPlace
from privacy.commitments import Commitments
from privacy.consent import ConsentRegister
from privacy.erasure import Checked, Erasure, Registry, Store, read_registry
from privacy.log import Log, SigningKey
from retail.errors import ConfigError, ConsentError, DataError


@pytest.fixture
def office():
    """A consent register with its log, and erasures over places."""

    class Office:
        def __init__(self):
            self.log = Log.open(":memory:", origin="office", key=SigningKey.generate())
            self.salts = Commitments.open(":memory:")
            self.register = ConsentRegister.open(":memory:", log=self.log, commitments=self.salts)
            self.tombstones = self.register.tombstones

        def erasure(self, *places):
            registry = Registry()
            for place in places:
                registry.add(place)
            return Erasure(registry, register=self.register, log=self.log, commitments=self.salts, journal=":memory:")

    return Office()


@pytest.fixture
def tastes(tmp_path, vectors, filled):
    """A saved index of shoppers 0 to 49."""
    index = filled(np.arange(50), vectors(50, 8))
    index.save(tmp_path / "tastes.index")
    return index, tmp_path / "tastes.index"


def test_a_person_is_found_in_a_saved_index_and_erased_from_it_with_a_certificate(office, tastes, vectors):
    _, path = tastes
    place = VectorPlace("tastes", tombstones=office.tombstones, path=path)
    assert isinstance(place, Store)
    assert isinstance(place, Checked)
    erasure = office.erasure(place)
    (step,) = (step for step in erasure.plan("17").steps if step.place == "tastes")
    assert (step.found, step.action) == (1, "erase")
    assert vectors(50, 8).vectors[17].tobytes() in path.read_bytes()
    certificate = erasure.run("17")
    assert certificate.status == "closed"
    assert erasure.where("17") == []
    assert vectors(50, 8).vectors[17].tobytes() not in path.read_bytes()
    assert len(VectorIndex.load(path)) == 49
    with pytest.raises(ConsentError, match="erased"):
        place.admit([17])


def test_an_index_in_memory_forgets_the_person_and_writes_the_file_without(office, tastes, vectors):
    index, path = tastes
    place = VectorPlace("tastes", tombstones=office.tombstones, path=path, index=index)
    assert place.holds("17") == 2
    assert place.erase("17") == 2
    assert 17 not in index
    assert (place.holds("17"), place.erase("17")) == (0, 0)
    assert len(VectorIndex.load(path)) == 49
    in_memory = VectorPlace("live", tombstones=office.tombstones, index=index)
    assert in_memory.erase("18") == 1
    assert 18 not in index
    assert 18 in VectorIndex.load(path)


def test_a_service_that_still_holds_the_person_cannot_write_the_person_back(office, tastes):
    service, path = tastes
    VectorPlace("tastes", tombstones=office.tombstones, path=path).erase("17")
    with pytest.raises(DataError, match="could bring back people"):
        service.save(path)


def test_a_half_written_copy_counts_as_unsearched_and_goes_with_the_erasure(office, tastes):
    _, path = tastes
    (path.parent / f".{path.name}.k1lled.index").write_bytes(path.read_bytes())
    place = VectorPlace("tastes", tombstones=office.tombstones, path=path)
    assert place.unsearched == (".tastes.index.k1lled.index",)
    assert office.erasure(place).run("4000").status == "closed"
    assert place.unsearched == ()
    assert sorted(one.name for one in path.parent.iterdir()) == ["tastes.index", "tastes.index.lock"]


@pytest.mark.parametrize("person", ["017", "+17", "17.0", "seventeen", "-1", "¹⁷", "9223372036854775808", "1" * 400])
def test_only_the_very_number_is_the_person(office, tastes, person):
    place = VectorPlace("tastes", tombstones=office.tombstones, path=tastes[1])
    assert (place.holds(person), place.erase(person)) == (0, 0)
    assert len(VectorIndex.load(tastes[1])) == 50


def test_an_old_backup_with_somebody_who_was_erased_is_noticed(office, tastes):
    _, path = tastes
    backup = path.read_bytes()
    place = VectorPlace("tastes", tombstones=office.tombstones, path=path)
    office.erasure(place).run("17")
    place.check()
    path.write_bytes(backup)
    with pytest.raises(ConsentError, match="tastes: 1 rows are of people who were erased") as raised:
        place.check()
    assert "17" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_not_called_clean_and_one_that_is_gone_holds_nobody(office, tastes):
    _, path = tastes
    place = VectorPlace("tastes", tombstones=office.tombstones, path=path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="its first line says"):
        office.erasure(place).run("17")
    path.unlink()
    assert place.holds("17") == 0


def test_a_list_of_places_may_name_an_index(office, tastes, tmp_path):
    listed = tmp_path / "places.toml"
    listed.write_text(f'[[place]]\nname = "tastes"\nkind = "vectors"\npath = "{tastes[1]}"\n')
    others = {"vectors": VECTORS}
    registry = read_registry(listed, tombstones=office.tombstones, must_exist=True, others=others)
    assert registry.get("tastes").holds("17") == 1
    with pytest.raises(ConfigError, match="kind 'vectors'; use one of tables"):
        read_registry(listed, tombstones=office.tombstones)
    for line, message in (
        ("", "lacks 'path'"),
        ("path = 3", "path of place"),
        ('path = "x"\nlimit = 2', "unknown key"),
    ):
        listed.write_text(f'[[place]]\nname = "tastes"\nkind = "vectors"\n{line}\n')
        with pytest.raises(ConfigError, match=message):
            read_registry(listed, tombstones=office.tombstones, others=others)
    listed.write_text('[[place]]\nname = "tastes"\nkind = "vectors"\npath = "mistyped"\n')
    with pytest.raises(ConfigError, match="nothing at mistyped"):
        read_registry(listed, tombstones=office.tombstones, must_exist=True, others=others)


def test_a_place_needs_an_index_or_a_file(office):
    with pytest.raises(ConfigError, match="path, an index in memory"):
        VectorPlace("tastes", tombstones=office.tombstones)
