import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.consent import ConsentRegister
from privacy.erasure import TableFolder
from retail.errors import ConsentError, DataError
from retail.folder import load_folder

ODD_IDS = ["o'neil", 'say "hi"', "a,b", "line\nbreak", "张伟", "x" * 400, "-5", "1e3", "%", "NaN", "None"]


@pytest.fixture(scope="module")
def register():
    return ConsentRegister.open(":memory:", log=None, commitments=None)


@pytest.fixture
def folder(tmp_path, register):
    return TableFolder("tables", tmp_path / "shop", tombstones=register.tombstones)


def test_a_persons_rows_leave_every_table_and_all_others_stay_as_they_were(folder, make):
    lines = make.csv(folder.path / "transactions.csv", 1, 2, 1, 3).read_text().splitlines()
    (folder.path / "customers.csv").write_text("person_id,age\n1,30\n2,40\n")
    (folder.path / "products.csv").write_text("product_id,type\n100,A\n")
    assert folder.holds("1") == 3
    assert folder.erase("1") == 3
    assert folder.holds("1") == 0
    assert folder.erase("1") == 0
    assert (folder.path / "transactions.csv").read_text().splitlines() == [lines[0], lines[2], lines[4]]
    assert (folder.path / "customers.csv").read_text() == "person_id,age\n2,40\n"
    assert load_folder(folder.path).transactions["person_id"].tolist() == [2, 3]
    assert folder.statement == "not searched, no column person_id: products.csv"


def test_parquet_keeps_types_order_row_groups_and_compression(folder):
    folder.path.mkdir()
    table = pa.table(
        {
            "person_id": pa.array(np.arange(10) % 3, pa.int32()),
            "note": pa.array([None, "a"] * 5).dictionary_encode(),
            "at": pa.array(range(10), pa.timestamp("us", "UTC")),
        }
    )
    file = folder.path / "transactions.parquet"
    pq.write_table(table, file, row_group_size=4, compression="zstd")
    assert folder.erase("1") == 3
    kept = pq.ParquetFile(file)
    assert kept.schema_arrow == table.schema
    assert kept.metadata.num_row_groups == 3
    assert kept.metadata.row_group(0).column(0).compression == "ZSTD"
    assert kept.read().to_pylist() == [row for row in table.to_pylist() if row["person_id"] != 1]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([17, 18, None]),
        pa.array(["17", "18", None]),
        pa.array([17.0, 18.5, None]),
        pa.array([b"17", b"18", None]),
        pa.array(["17", "18", None]).dictionary_encode(),
        pa.array([" 17 ", "18", None], pa.large_string()),
        pa.array([17, 18, None], pa.uint64()),
    ],
)
def test_an_id_is_found_in_every_type_that_a_column_may_have(folder, values):
    folder.path.mkdir()
    pq.write_table(pa.table({"person_id": values}), folder.path / "customers.parquet")
    assert folder.holds("17") == 1
    assert folder.holds("1") == 0
    assert folder.erase("17") == 1
    assert pq.read_table(folder.path / "customers.parquet").num_rows == 2


def test_the_last_row_of_a_table_can_go_too(folder, make):
    make.parquet(folder.path / "transactions.parquet", 7)
    make.csv(folder.path / "customers.csv", 7)
    assert folder.erase("7") == 2
    assert pq.read_metadata(folder.path / "transactions.parquet").num_rows == 0
    assert len((folder.path / "customers.csv").read_text().splitlines()) == 1


def test_a_byte_order_mark_windows_line_ends_and_quotes_of_other_rows_stay(folder):
    folder.path.mkdir()
    file = folder.path / "customers.csv"
    file.write_bytes(b'\xef\xbb\xbf"person_id",note\r\n1,"a, ""b"""\r\n"2","two\nlines"\r\n3,x')
    assert folder.erase("1") == 1
    assert file.read_bytes() == b'\xef\xbb\xbf"person_id",note\r\n"2","two\nlines"\r\n3,x'
    assert folder.erase("3") == 1
    assert folder.holds("2") == 1


@given(st.lists(st.sampled_from([*ODD_IDS, "17", "170", "1"]), min_size=1, max_size=12), st.booleans())
@settings(max_examples=20)
def test_exactly_the_rows_of_the_person_go_whatever_the_ids_look_like(tmp_path_factory, register, persons, as_csv):
    folder = TableFolder("tables", tmp_path_factory.mktemp("shop"), tombstones=register.tombstones)
    frame = pd.DataFrame({"person_id": persons, "n": range(len(persons))})
    if as_csv:
        frame.to_csv(folder.path / "transactions.csv", index=False)
    else:
        frame.to_parquet(folder.path / "transactions.parquet", index=False)
    gone = persons[0]
    assert folder.erase(gone) == persons.count(gone)
    left = [person for _, ids in folder.persons() for person in ids]
    assert left == [person for person in persons if person != gone]


def test_a_folder_that_was_deleted_holds_nobody_and_one_that_cannot_be_read_is_an_error(folder):
    assert folder.holds("1") == 0
    folder.path.mkdir()
    (folder.path / "transactions.parquet").write_bytes(b"not parquet")
    with pytest.raises(DataError, match="nobody can say who is in it"):
        folder.holds("1")
    (folder.path / "transactions.parquet").unlink()
    (folder.path / "customers.csv").write_bytes(b"person_id,name\n1,M\xfcller\n")
    with pytest.raises(DataError, match="nobody can say who is in it"):
        folder.holds("1")


def test_other_columns_of_ids_are_searched_when_they_are_named(folder, register):
    folder.path.mkdir()
    (folder.path / "referrals.csv").write_text("person_id,brought_by\n1,2\n2,\n3,1\n")
    wide = TableFolder("tables", folder.path, tombstones=register.tombstones, columns=("person_id", "brought_by"))
    assert (folder.holds("1"), wide.holds("1")) == (1, 2)
    wide.erase("1")
    assert (folder.path / "referrals.csv").read_text() == "person_id,brought_by\n2,\n"


def test_a_copy_that_a_killed_writer_left_behind_goes_and_other_hidden_files_stay(folder, make):
    make.csv(folder.path / "transactions.csv", 1, 2)
    leftover = folder.path / ".transactions.csv.abc123.csv"
    leftover.write_text("person_id\n1\n")
    (folder.path / ".notes.csv").write_text("mine\n")
    folder.erase("1")
    assert not leftover.exists()
    assert (folder.path / ".notes.csv").exists()


def test_a_writer_that_replaces_the_file_meanwhile_is_not_undone(folder, make, monkeypatch):
    from privacy.erasure import table_file

    file = make.csv(folder.path / "transactions.csv", 1, 2)
    original = table_file._rewrite_csv
    calls = []

    def replaced_meanwhile(path: Path, temporary: Path, rows: set[int]) -> None:
        original(path, temporary, rows)
        if not calls:
            newer = make.csv(folder.path.parent / "newer.csv", 3, 1, 1)
            os.replace(newer, file)
        calls.append(len(rows))

    monkeypatch.setattr(table_file, "_rewrite_csv", replaced_meanwhile)
    assert folder.erase("1") == 2
    assert calls == [1, 2]
    assert [ids for _, ids in folder.persons()] == [["3"]]


def test_an_erased_person_cannot_be_taken_in_again_and_a_check_finds_a_restored_backup(folder, make, register):
    backup = make.parquet(folder.path.parent / "transactions.parquet", 31, 32)
    folder.path.mkdir(exist_ok=True)
    register.tombstones.add(32)
    with pytest.raises(ConsentError, match="1 rows"):
        folder.take_in(backup)
    assert not list(folder.path.iterdir())
    folder.check()
    (folder.path / "transactions.parquet").write_bytes(backup.read_bytes())
    with pytest.raises(ConsentError, match=r"tables, transactions.parquet: 1 rows .*rows 2"):
        folder.check()
    folder.erase("32")
    folder.check()
    folder.take_in(make.parquet(folder.path.parent / "customers.parquet", 31))
    with pytest.raises(DataError, match="save it as one"):
        folder.take_in(Path("notes.txt"))


def test_a_blank_first_line_capital_endings_and_folders_inside_hide_nobody(folder):
    inside = folder.path / "part" / "2024"
    inside.mkdir(parents=True)
    (folder.path / "blank.csv").write_text("\n  \nperson_id,x\n17,1\n\n18,2\n")
    (folder.path / "OLD.CSV").write_text("person_id,x\n17.0,1\n18,2\n")
    (inside / "a.csv").write_text("person_id,x\n17,1\n")
    pq.write_table(pa.table({"person_id": ["17.0", "18"]}), inside / "B.PARQUET")
    assert folder.holds("17") == 4
    assert sorted(name for name, _ in folder.persons()) == [
        "OLD.CSV",
        "blank.csv",
        "part/2024/B.PARQUET",
        "part/2024/a.csv",
    ]
    assert folder.erase("17") == 4
    assert folder.holds("17") == 0
    assert (folder.path / "blank.csv").read_text() == "person_id,x\n18,2\n"
    assert (folder.unsearched, folder.holds("18")) == ((), 3)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("old.tsv", b"person\n17\n"),
        ("transactions.csv.gz", b"\x1f\x8b"),
        ("transactions.csv~", b"17\n"),
        (".backup/transactions.csv", b"person_id\n17\n"),
        ("notes.txt", b"the Person_ID is 17"),
        ("wide.csv", b"person_id;x\n17;1\n"),
        ("wide.txt", "person_id;x\n17;1\n".encode("utf-16")),
        ("noending", b"PAR1...."),
    ],
)
def test_a_file_that_may_hold_people_and_cannot_be_searched_is_named(folder, register, make, name, content):
    make.csv(folder.path / "transactions.csv", 1)
    (folder.path / "readme.txt").write_text("How to read this.")
    (folder.path / "generated.json").write_text('{"shoppers": 60}')
    assert folder.unsearched == ()
    (folder.path / name).parent.mkdir(exist_ok=True)
    (folder.path / name).write_bytes(content)
    assert folder.unsearched == (name,)
    assert f"may hold people: {name}" in folder.statement
    told = TableFolder("tables", folder.path, tombstones=register.tombstones, skip=[name])
    assert told.unsearched == ()
    assert f"by the operator's word: {name}" in told.statement


def test_a_link_to_a_folder_is_not_searched_and_one_to_a_file_is_cleaned_where_it_leads(folder, make, tmp_path):
    real = make.csv(tmp_path / "elsewhere" / "transactions.csv", 1, 2)
    folder.path.mkdir()
    (folder.path / "linked").symlink_to(tmp_path / "elsewhere")
    assert folder.unsearched == ("linked",)
    (folder.path / "linked").unlink()
    (folder.path / "link.csv").symlink_to(real)
    assert folder.erase("1") == 1
    assert (folder.path / "link.csv").is_symlink()
    assert [line.split(",")[0] for line in real.read_text().splitlines()] == ["person_id", "2"]


@pytest.mark.parametrize("spelling", ["17.0", " 17"])
def test_an_erased_person_is_not_taken_in_under_another_spelling(folder, register, tmp_path, spelling):
    folder.path.mkdir()
    register.tombstones.add("17")
    (tmp_path / "new.csv").write_text(f"\nperson_id,x\n{spelling},1\n")
    with pytest.raises(ConsentError, match="1 rows"):
        folder.take_in(tmp_path / "new.csv")
