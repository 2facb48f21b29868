import datetime as dt
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail import columns as c
from retail.dataset import Period
from retail.errors import ConfigError, DataError
from retail.folder import check_folder, load_folder
from retail.schema import TABLES
from retail.sources import LARGEST_CSV

HEADER = "person_id,basket_id,product_id,store_id,purchased_at,quantity,sales_value"
ROWS = (
    "1,10,100,5,2024-03-01T09:30:00,1,2.50",
    "1,10,101,5,2024-03-01T09:30:00,2,3.00",
    "2,11,100,6,2024-03-02T23:50:00,1,2.50",
    "3,12,102,5,2024-03-04T12:00:00,1,0",
)


def write(
    folder: Path, *rows: str, header: str = HEADER, name: str = "transactions.csv", encoding: str = "utf-8"
) -> Path:
    (folder / name).write_text("\n".join([header, *rows]) + "\n", encoding=encoding, newline="")
    return folder


def only_problem(folder: Path):
    report = check_folder(folder)
    assert len(report.problems) == 1, report.message
    with pytest.raises(DataError) as refused:
        load_folder(folder)
    assert str(refused.value) == str(report.problems[0])
    return report.problems[0]


def changed(row: int, column: str, value: str) -> list[str]:
    rows = [line.split(",") for line in ROWS]
    rows[row][HEADER.split(",").index(column)] = value
    return [",".join(row) for row in rows]


def test_a_sound_folder_loads_with_integer_ids_local_days_and_nothing_derived_as_public(tmp_path):
    write(tmp_path, *ROWS)
    write(tmp_path, "100,A,National", "101,B,Private", "102,,", header="product_id,type,brand", name="products.csv")
    data = load_folder(tmp_path, timezone="Europe/Paris", currency="EUR")
    assert data.transactions[c.PERSON].tolist() == [1, 1, 2, 3]
    assert data.transactions[c.DAY].tolist() == [19783, 19783, 19784, 19786]
    assert data.transactions[c.DAY].dtype == np.int32
    assert str(data.transactions[c.TIME].dt.tz) == "Europe/Paris"
    assert data.transactions[c.SALES].sum() == 8.0
    assert data.products[c.CATEGORY].isna().all()
    assert data.population is None
    assert not data.period.public
    assert (data.period.start, data.period.end) == (dt.date(2024, 3, 1), dt.date(2024, 3, 4))
    assert len(data.stores) == 0
    assert check_folder(tmp_path).rows == {"transactions": 4, "products": 3}


def test_the_same_rows_in_parquet_give_the_same_tables(tmp_path):
    csv, parquet = tmp_path / "csv", tmp_path / "parquet"
    csv.mkdir(), parquet.mkdir()
    write(csv, *ROWS)
    frame = pd.read_csv(csv / "transactions.csv", parse_dates=[c.TIME])
    frame.to_parquet(parquet / "transactions.parquet")
    left, right = load_folder(csv), load_folder(parquet)
    pd.testing.assert_frame_equal(left.transactions, right.transactions)
    assert left.fingerprint != right.fingerprint
    assert left.fingerprint == load_folder(csv).fingerprint


def test_days_are_cut_in_the_given_time_zone_when_times_carry_an_offset(tmp_path):
    write(tmp_path, "1,1,1,1,2024-03-01T03:00:00Z,1,1", "1,2,1,1,2024-03-01 23:30:00-05:00,1,1")
    new_york = load_folder(tmp_path, timezone="America/New_York").transactions
    assert new_york[c.DAY].tolist() == [19782, 19783]
    assert load_folder(tmp_path, timezone="Asia/Tokyo").transactions[c.DAY].tolist() == [19783, 19784]


@pytest.mark.parametrize("written", ["2024-03-31T02:30:00", "2024-10-27T02:30:00"])
def test_times_that_summer_time_skips_or_repeats_keep_their_day(tmp_path, written):
    write(tmp_path, f"1,1,1,1,{written},1,1")
    data = load_folder(tmp_path, timezone="Europe/Paris")
    assert data.period.start.isoformat() == written[:10]


def test_a_declared_period_is_public_and_leaves_other_days_out(tmp_path):
    write(tmp_path, *ROWS)
    period = Period(dt.date(2024, 3, 2), dt.date(2024, 3, 31), public=True)
    data = load_folder(tmp_path, period=period, population=500)
    assert data.transactions[c.PERSON].tolist() == [2, 3]
    assert data.period == period
    assert data.population == 500
    with pytest.raises(DataError, match=r"transactions\.csv, column purchased_at, 4 rows: none"):
        load_folder(tmp_path, period=Period(dt.date(2020, 1, 1), dt.date(2020, 1, 2), public=True))


@pytest.mark.parametrize(
    "wrong",
    [{"timezone": "Mars/Base"}, {"timezone": "../etc"}, {"currency": "euro"}, {"population": 0}, {"population": True}],
)
def test_an_argument_that_cannot_be_used_is_named_with_its_value(tmp_path, wrong):
    write(tmp_path, *ROWS)
    ((name, value),) = wrong.items()
    with pytest.raises(ConfigError, match=name) as refused:
        load_folder(tmp_path, **wrong)
    assert repr(value) in str(refused.value)


def test_ids_compare_equal_across_tables_when_one_table_has_text(tmp_path):
    write(tmp_path, *ROWS)
    write(tmp_path, "100", "101", "X-7", header="product_id", name="products.csv")
    data = load_folder(tmp_path)
    assert data.transactions[c.PRODUCT].isin(data.products[c.PRODUCT]).sum() == 3
    assert any("1 of 4 lines" in note for note in check_folder(tmp_path).notes)


def test_leading_zeros_of_ids_are_kept(tmp_path):
    write(tmp_path, *[row.replace(",100,", ",0100,") for row in ROWS])
    assert load_folder(tmp_path).transactions[c.PRODUCT].tolist() == ["0100", "101", "0100", "102"]


@pytest.mark.parametrize(
    ("row", "column", "value", "says"),
    [
        (2, c.SALES, "-1.50", "negative"),
        (2, c.SALES, '"1,50"', "not a number"),
        (2, c.SALES, "nan", "not a number"),
        (2, c.QUANTITY, "two", "not a number"),
        (2, c.QUANTITY, "1e300", "above 1,000,000,000"),
        (2, c.QUANTITY, "", "empty cell"),
        (2, c.TIME, "02/03/2024", "two formats"),
        (2, c.TIME, "2024-02-30", "ISO 8601"),
        (2, c.TIME, "soon", "ISO 8601"),
        (2, c.TIME, "2024-03-02", "two formats"),
        (2, c.TIME, "2024-03-02T10:00:00+01:00", "mixed time zones"),
        (2, c.TIME, "1900-01-01T00:00:00", "1970"),
        (2, c.PERSON, "=cmd|' /C calc'!A0", "formula"),
        (2, c.PERSON, "@SUM(A1)", "formula"),
        (2, c.STORE, "+1+1", "formula"),
        (2, c.STORE, "\u00a0\uff1d1", "formula"),
        (2, c.STORE, "a\u0085b", "control"),
        (2, c.STORE, "-2+3", "formula"),
        (2, c.PERSON, "a\x00b", "NUL"),
        (2, c.PERSON, "a\u202eb", "U+202E"),
        (2, c.PERSON, "x" * 501, "500 characters"),
        (1, c.PRODUCT, "100", "repeats the key"),
        (1, c.PERSON, "9", "another person"),
    ],
)
def test_a_bad_cell_is_reported_with_file_column_count_and_row(tmp_path, row, column, value, says):
    problem = only_problem(write(tmp_path, *changed(row, column, value)))
    assert problem.file == "transactions.csv"
    assert column in problem.column
    assert problem.rows_affected == 1
    assert problem.first_rows == (row + 1,)
    assert says in str(problem)
    assert "\u202e" not in str(problem)
    assert "\x00" not in str(problem)


def test_all_broken_rules_come_in_one_error_and_person_ids_stay_out_of_it(tmp_path):
    rows = changed(0, c.SALES, "free")
    rows[3] = rows[3].replace("3,12", "=secret,12")
    with pytest.raises(DataError) as refused:
        load_folder(write(tmp_path, *rows))
    lines = str(refused.value).splitlines()
    assert len(lines) == 2
    assert "'free'" in lines[0]
    assert "secret" not in str(refused.value)


def test_counts_and_row_numbers_hold_over_several_batches(tmp_path):
    n = 450_000
    frame = pd.DataFrame(
        {
            c.PERSON: 1,
            c.BASKET: np.arange(n),
            c.PRODUCT: 1,
            c.STORE: 1,
            c.TIME: "2024-01-01",
            c.QUANTITY: 1,
            c.SALES: 1.0,
        }
    )
    frame.loc[[5, 300_000, 449_999], c.SALES] = -1
    frame.loc[449_998, c.BASKET] = 7
    frame.to_csv(tmp_path / "transactions.csv", index=False)
    negative, repeated = sorted(check_folder(tmp_path).problems, key=lambda p: -p.rows_affected)
    assert (negative.rows_affected, negative.first_rows) == (3, (6, 300_001, 450_000))
    assert (repeated.rows_affected, repeated.first_rows) == (1, (449_999,))


def test_a_value_outside_a_closed_set_is_reported_with_the_set(tmp_path):
    write(tmp_path, *ROWS)
    write(tmp_path, "100,National", "101,Nationale", header="product_id,brand", name="products.csv")
    problem = only_problem(tmp_path)
    assert (problem.file, problem.column, problem.first_rows) == ("products.csv", c.BRAND, (2,))
    assert "National, Private" in problem.message


def test_formulas_in_attributes_and_their_names_are_reported_but_negative_numbers_are_not(tmp_path):
    write(tmp_path, *ROWS)
    write(tmp_path, "1,-3,=1+1", "2,+4.5,ok", header="person_id,balance,note", name="customers.csv")
    problem = only_problem(tmp_path)
    assert (problem.file, problem.column) == ("customers.csv", "note")
    write(tmp_path, "1,-3", header="person_id,=balance", name="customers.csv")
    assert "does not start with a letter" in only_problem(tmp_path).message
    write(tmp_path, "1,-3", "2,", header="person_id,balance", name="customers.csv")
    assert load_folder(tmp_path).customers["balance"].iloc[0] == -3


def test_a_missing_column_suggests_the_column_that_was_meant(tmp_path):
    problem = only_problem(write(tmp_path, *ROWS, header=HEADER.replace("store_id", "Store_ID")))
    assert (problem.file, problem.column) == ("transactions.csv", c.STORE)
    assert "'store_id'" in problem.message


def test_latin_1_is_named_with_the_rows_that_are_not_utf_8(tmp_path):
    write(tmp_path, *ROWS)
    header, rows = "product_id,type", ["100,Tee", "101,Café", "102,Crème"]
    write(tmp_path, *rows, header=header, name="products.csv", encoding="latin-1")
    problem = only_problem(tmp_path)
    assert (problem.file, problem.column, problem.rows_affected) == ("products.csv", c.TYPE, 2)
    assert problem.first_rows == (2, 3)
    assert "UTF-8" in problem.message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty file"),
        ((HEADER + "\n").encode(), "no data rows"),
        ((HEADER + "\n" + ROWS[0]).encode("utf-16"), "UTF-16"),
        ("caf\xe9,x\n1,2\n".encode("latin-1"), "UTF-8"),
        (HEADER.replace(",", ";").encode() + b"\n1;2", "separated by ';'"),
        ((HEADER + ",quantity\n" + ROWS[0] + ",1\n").encode(), "used twice"),
    ],
)
def test_a_csv_that_cannot_be_read_row_by_row_says_why(tmp_path, content, says):
    (tmp_path / "transactions.csv").write_bytes(content)
    problem = only_problem(tmp_path)
    assert problem.file == "transactions.csv"
    assert says in problem.message


def test_rows_with_too_few_or_too_many_cells_are_counted(tmp_path):
    problem = only_problem(write(tmp_path, ROWS[0], "1,2,3", ROWS[2], ROWS[3] + ",9"))
    assert (problem.rows_affected, problem.first_rows) == (2, (2, 4))


def test_byte_order_mark_quotes_line_breaks_and_blank_lines_are_read(tmp_path):
    write(tmp_path, *ROWS)
    text = '\ufeffproduct_id,type\n100,"Tea, green"\n\n101,"say ""hi"""\n'
    (tmp_path / "products.csv").write_text(text, encoding="utf-8")
    assert load_folder(tmp_path).products[c.TYPE].tolist() == ["Tea, green", 'say "hi"']


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-200], lambda b: b"PAR1" + b"\0" * 100, lambda b: b[:60] + b"\xff" * 400 + b[460:]]
)
def test_a_corrupt_parquet_file_is_named(tmp_path, damage):
    pd.DataFrame([row.split(",") for row in ROWS], columns=HEADER.split(",")).to_parquet(
        tmp_path / "transactions.parquet"
    )
    file = tmp_path / "transactions.parquet"
    file.write_bytes(damage(file.read_bytes()))
    problem = only_problem(tmp_path)
    assert problem.file == "transactions.parquet"
    assert "damaged" in problem.message


def test_parquet_columns_of_a_type_that_does_not_fit_are_named(tmp_path):
    frame = pd.DataFrame([row.split(",") for row in ROWS], columns=HEADER.split(","))
    frame[c.PERSON] = frame[c.PERSON].astype(float)
    frame[c.SALES] = [[1.0]] * 4
    frame.to_parquet(tmp_path / "transactions.parquet")
    problems = {problem.column: problem for problem in check_folder(tmp_path).problems}
    assert set(problems) == {c.PERSON, c.SALES}
    assert problems[c.PERSON].rows_affected == 4
    assert "double" in problems[c.PERSON].message


def test_a_huge_csv_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "transactions.csv").open("wb") as file:
        file.truncate(10 * 1024**3)
    assert 10 * 1024**3 > LARGEST_CSV
    assert "10.7 GB" in only_problem(tmp_path).message


def test_both_formats_of_one_table_are_refused(tmp_path):
    write(tmp_path, *ROWS)
    shutil.copy(tmp_path / "transactions.csv", tmp_path / "transactions.parquet")
    assert "both are there" in only_problem(tmp_path).message


def test_missing_transactions_name_what_the_folder_holds(tmp_path):
    write(tmp_path, *ROWS, name="Transactions.CSV")
    problem = only_problem(tmp_path)
    assert problem.file == "transactions.csv"
    assert "(the folder holds: Transactions.CSV)" in problem.message


@pytest.mark.parametrize("path", ["nowhere", "transactions.csv"])
def test_a_path_that_is_no_folder_is_refused(tmp_path, path):
    write(tmp_path, *ROWS)
    problem = only_problem(tmp_path / path)
    assert problem.file == str(tmp_path / path)
    assert "folder" in problem.message


def test_a_folder_or_pipe_in_the_place_of_a_table_is_refused(tmp_path):
    os.mkfifo(tmp_path / "transactions.csv")
    assert "not a file" in only_problem(tmp_path).message


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs POSIX permissions")
@pytest.mark.parametrize("locked", ["file", "folder"])
def test_a_file_or_folder_without_read_permission_is_named(locked):
    folder = Path(tempfile.mkdtemp())
    write(folder, *ROWS)
    owner = os.geteuid()
    try:
        folder.chmod(0o755 if locked == "file" else 0o000)
        (folder / "transactions.csv").chmod(0o000)
        if owner == 0:
            os.seteuid(65534)
        problem = only_problem(folder)
    finally:
        if owner == 0:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)
    assert "permission" in problem.message.lower()


def promotions(**changes):
    columns = {
        c.PRODUCT: [100, 101],
        c.STORE: [5, 6],
        c.WEEK: [9, 9],
        c.DISPLAY: ["0", "A"],
        c.MAILER: ["0", "J"],
    }
    return pd.DataFrame({**columns, **changes})


def test_promotions_are_checked_and_stay_on_disk(tmp_path):
    write(tmp_path, *ROWS)
    promotions().to_parquet(tmp_path / "promotions.parquet")
    data = load_folder(tmp_path)
    assert data.promotions is not None
    assert data.promotions.read([c.WEEK])[c.WEEK].tolist() == [9, 9]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({c.DISPLAY: ["0", "8"]}, c.DISPLAY),
        ({c.MAILER: ["0", "Q"]}, c.MAILER),
        ({c.WEEK: [9.5, 9]}, c.WEEK),
        ({c.PRODUCT: [100, 100], c.STORE: [5, 5]}, c.PRODUCT),
        ({c.PRODUCT: ["100", "101"]}, c.PRODUCT),
    ],
)
def test_bad_promotions_are_named(tmp_path, changes, column):
    write(tmp_path, *ROWS)
    promotions(**changes).to_parquet(tmp_path / "promotions.parquet")
    problem = only_problem(tmp_path)
    assert problem.file == "promotions.parquet"
    assert column in problem.column


def test_campaigns_that_end_before_they_start_are_named(tmp_path):
    write(tmp_path, *ROWS)
    header = "campaign_id,campaign_type,start_date,end_date"
    write(tmp_path, "1,coupon,2024-03-05,2024-03-01", header=header, name="campaigns.csv")
    assert only_problem(tmp_path).column == c.CAMPAIGN_END
    write(tmp_path, "1,coupon,2024-03-01,2024-03-05", header=header, name="campaigns.csv")
    assert load_folder(tmp_path).campaigns[c.CAMPAIGN_START].dt.day.tolist() == [1]


def test_columns_and_files_that_are_not_read_are_noted_not_refused(tmp_path):
    write(tmp_path, *[row + ",x" for row in ROWS], header=HEADER + ",cashier")
    (tmp_path / "notes.txt").write_text("hello")
    report = check_folder(tmp_path)
    assert report.ok
    assert any("cashier" in note for note in report.notes)
    assert any("notes.txt" in note for note in report.notes)


def test_dictionary_encoded_and_decimal_parquet_columns_are_read(tmp_path):
    table = pa.table(
        {
            c.PERSON: pa.array(["a", "b"]).dictionary_encode(),
            c.BASKET: pa.array([1, 2], pa.int32()),
            c.PRODUCT: pa.array([1, 2], pa.uint16()),
            c.STORE: pa.array(["s", "s"], pa.large_string()),
            c.TIME: pa.array([dt.date(2024, 1, 1), dt.date(2024, 1, 2)]),
            c.QUANTITY: pa.array([1, 2], pa.int8()),
            c.SALES: pa.array([1, 2], pa.decimal128(9, 2)),
        }
    )
    pq.write_table(table, tmp_path / "transactions.parquet")
    rows = load_folder(tmp_path, timezone="Asia/Tokyo").transactions
    assert rows[c.PERSON].tolist() == ["a", "b"]
    assert rows[c.DAY].tolist() == [19723, 19724]
    assert rows[c.SALES].tolist() == [1.0, 2.0]


@given(st.binary(max_size=400))
def test_any_bytes_give_a_report_and_never_another_exception(content):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "transactions.csv").write_bytes(content)
        assert not check_folder(folder).ok
        (folder / "transactions.csv").write_bytes(f"{HEADER}\n".encode() + content)
        report = check_folder(folder)
        assert report.ok or report.message


@given(st.lists(st.text(max_size=12), min_size=7, max_size=7))
def test_any_cells_are_loaded_or_refused_with_the_file_named(cells):
    with tempfile.TemporaryDirectory() as name:
        frame = pd.DataFrame([cells], columns=HEADER.split(","))
        try:
            frame.to_parquet(Path(name) / "transactions.parquet")
        except (UnicodeEncodeError, ValueError):
            return
        report = check_folder(Path(name))
        assert all(problem.file == "transactions.parquet" for problem in report.problems)
        assert all(str(problem).isprintable() for problem in report.problems)
        assert report.ok or report.rows == {"transactions": 1}


def test_a_row_that_is_both_uneven_and_not_utf_8_is_not_lost(tmp_path):
    write(tmp_path, ROWS[0], "2,caf\xe9", *ROWS[2:], encoding="latin-1")
    problem = only_problem(tmp_path)
    assert (problem.column, problem.first_rows) == (c.BASKET, (2,))


def test_the_documented_example_loads(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    for name, start in (("transactions", "person_id,basket_id"), ("products", "product_id,type")):
        (tmp_path / f"{name}.csv").write_text(page[page.index(start) :].split("```")[0])
    data = load_folder(tmp_path, timezone="Europe/Paris")
    assert len(data.transactions) == 3
    assert data.products[c.DEPARTMENT].tolist() == ["GROCERY", "GROCERY"]


def test_the_documented_columns_are_those_of_the_schema():
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    assert all(f"**{table.name}**" in page for table in TABLES)
    assert all(f"`{name}`" in page for table in TABLES for name in table.names)
