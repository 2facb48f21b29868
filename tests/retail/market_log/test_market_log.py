"""A folder of tables becomes a checked log, or one clear message."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.errors import DataError
from retail.market_log import MarketLog, check, read_log, write_log

IMPRESSIONS = """list,period,position,product,seller,own,price,note
L1,0,1,10,p,true,2.5,x
L1,0,2,11,m1,false,2.0,y
L2,1,1,11,m1,0,2.0,z
"""
SALES = "period,product,units,revenue,currency\n0,10,3,7.5,EUR\n0,11,1,2,EUR\n"
REQUESTS = "period,merchant,answered,complete,free\n0,m1,2,true,true\n1,m2,,false,true\n"
READS = "period,actor,owner,data,columns,purpose,allowed\n0,platform_retail,m1,orders,units;price,ranking,true\n"
PRODUCTS = "product,seller,own,category,launched,copy_of\n10,p,true,tea,3,11\n11,m1,false,tea,0,\n"


def folder(tmp_path, **tables):
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return tmp_path


def refused(tmp_path, **tables):
    with pytest.raises(DataError) as caught:
        read_log(folder(tmp_path, **tables))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_folder_written_by_hand_is_read_with_typed_columns(tmp_path):
    log = read_log(folder(tmp_path, impressions=IMPRESSIONS, sales=SALES, requests=REQUESTS, reads=READS))
    assert log.impressions["own"].tolist() == [True, False, False]
    assert log.impressions["product"].tolist() == [10, 11, 11]
    assert log.impressions["query"].tolist() == ["L1", "L1", "L2"]
    assert log.impressions["shown"].tolist() == [1, 1, 1]
    assert log.qualities == ("price",)
    assert log.requests["answered"].isna().tolist() == [False, True]
    assert log.reads["role"].tolist() == [""]
    assert not log.reads["public"].any()
    assert log.figures is None
    assert any("note" in note for note in log.notes)


CUT = IMPRESSIONS + "L1,0,,12,m2,false,1.5,x\nL1,0,,13,m2,false,1.0,x\n"


def test_a_row_without_a_position_is_a_candidate_that_was_not_shown(tmp_path):
    log = read_log(folder(tmp_path, impressions=CUT))
    assert log.impressions["position"].isna().tolist() == [False, False, False, True, True]
    write_log(log, tmp_path / "again", format="csv")
    pd.testing.assert_frame_equal(read_log(tmp_path / "again").impressions, log.impressions)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("L1,0,,13", "L1,0,,12", "impressions.csv, row 5: list L1, product 12 stands in row 4 already"),
        ("L1,0,,13", "L1,0,,10", "impressions.csv, row 5: list L1, product 10 stands in row 1 already"),
        ("L1,0,,13", "L1,0,2,13", "impressions.csv, row 5: list L1, position 2 stands in row 2 already"),
        ("L1,0,,13", "L1,1,,13", "row 5, column period holds '1': list L1 has another period"),
        ("L1,0,,13", "L9,0,,13", "row 5, column position: list L9 has no position at all"),
    ],
)
def test_a_candidate_keeps_the_rules_of_its_list(tmp_path, old, new, words):
    assert words in refused(tmp_path, impressions=CUT.replace(old, new, 1))


def test_decimal_commas_are_refused_instead_of_dropping_the_column(tmp_path):
    commas = IMPRESSIONS.replace("2.5", '"2,5"').replace("2.0", '"1.002,0"')
    words = "impressions.csv, row 1, column price holds '2,5': a number with a decimal comma"
    assert words in refused(tmp_path, impressions=commas)
    words = "row 2, column price holds '2,0': not a number; write 1234.5"
    assert words in refused(tmp_path, impressions=IMPRESSIONS.replace("2.0", '"2,0"', 1))
    noted = read_log(folder(tmp_path, impressions=IMPRESSIONS.replace(",x", ',"4,5"'))).notes
    assert any("note is not read" in note for note in noted)  # one of three cells


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_what_is_written_is_read_back_the_same(tmp_path, format):
    tables = {"impressions": IMPRESSIONS, "sales": SALES, "requests": REQUESTS, "reads": READS, "products": PRODUCTS}
    log = read_log(folder(tmp_path, **tables))
    write_log(log, tmp_path / "new" / "log", format=format)
    again = read_log(tmp_path / "new" / "log")
    assert list(again.tables) == list(log.tables)
    for name, frame in log.tables.items():
        pd.testing.assert_frame_equal(frame, again.tables[name], check_dtype=False)


def test_a_log_is_not_written_over_what_is_there(tmp_path):
    log = read_log(folder(tmp_path, sales=SALES))
    with pytest.raises(DataError, match="not an empty folder"):
        write_log(log, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sales.csv"]


def test_a_log_that_breaks_a_rule_leaves_no_folder(tmp_path):
    with pytest.raises(DataError, match="column product is missing"):
        write_log(MarketLog(sales=pd.DataFrame({"period": [0]})), tmp_path / "log")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("list,period,position", "list,period,rank", "impressions.csv: column position is missing"),
        ("L1,0,2,11", "L1,0,1,11", "impressions.csv, row 2: list L1, position 1 stands in row 1 already"),
        ("L1,0,2,11", "L1,0,2,10", "impressions.csv, row 2: list L1, product 10 stands in row 1 already"),
        ("L1,0,1,10", "L1,0,0,10", "row 1, column position holds '0': position counts from 1; if yours"),
        ("L1,0,1,10", "L1,0,-3,10", "row 1, column position holds '-3': below 1; correct it"),
        ("m1,false,2.0", "m1,false,-2.0", "row 2, column price holds '-2.0': below 0"),
        ("m1,false,2.0", "m1,false,NaN", "row 2, column price holds 'NaN': not a number"),
        ("m1,false,2.0", "m1,false,", "row 2, column price: empty cell"),
        ("m1,false,2.0", "m1,perhaps,2.0", "row 2, column own holds 'perhaps': not a flag"),
        ("L1,0,2,11", "L1,1,2,11", "row 2, column period holds '1': list L1 has another period"),
        ("L1,0,2,11", "L1,0.5,2,11", "row 2, column period holds '0.5': not a whole number"),
        ("L1,0,2,11", "L1,May,2,11", "row 2, column period holds 'May': not a whole number below 2^53; write one"),
        ("L1,0,2,11", "L1,0,2,", "row 2, column product: empty cell"),
        (
            "L1,0,2,11",
            "L1,0,2,11,7",
            "impressions.csv: row 2 has 9 cells, and the header names 8 columns; write",
        ),
        ("false,2.0,y", "false,2.0", "impressions.csv: row 2 has 7 cells, and the header names 8 columns; fill in"),
        ("list,period", "liste,period", "column list is missing; rename 'liste' or add it"),
        ("price,note", "price,price", "column price stands twice"),
        ("L2,1,1,11", "L2,1,,11", "row 3, column position: list L2 has no position at all"),
    ],
)
def test_a_wrong_cell_of_impressions_is_named_with_table_row_and_value(tmp_path, old, new, words):
    assert words in refused(tmp_path, impressions=IMPRESSIONS.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [("L1,0,1,10", "L1,0,0,10"), ("m1,false,2.0", "m1,false,-2.0"), ("m1,false,2.0", "m1,false,"),
     ("L1,0,2,11", "L1,0,1,11"), ("L1,0,2,11", "L1,0,2,10"), ("L1,0,2,11", "L1,0,2,")],
)  # fmt: skip
def test_nobody_is_told_to_leave_a_row_of_a_list_out(tmp_path, old, new):
    message = refused(tmp_path, impressions=IMPRESSIONS.replace(old, new, 1))
    assert "row out" not in message
    assert "keep one" not in message


def test_text_that_is_not_utf_8_and_a_table_in_capitals_are_told_what_to_do(tmp_path):
    (tmp_path / "impressions.csv").write_bytes(IMPRESSIONS.replace("m1", "caf\u00e9").encode("latin-1"))
    assert "impressions.csv: text that is not UTF-8" in refused(tmp_path)
    assert "save it as CSV UTF-8" in refused(tmp_path)
    (tmp_path / "impressions.csv").rename(tmp_path / "Impressions.CSV")
    assert "Impressions.CSV: names of tables are in lower case; rename it to impressions.csv" in refused(
        tmp_path, sales=SALES
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0,11,1,2,EUR", "0,11,1,2,USD", "sales.csv, row 2, column currency holds 'USD': the rows before are in EUR"),
        ("0,10,3", "0,10,-3", "sales.csv, row 1, column units holds '-3': below 0"),
        ("0,11,1,2", "0,10,1,2", "sales.csv, row 2: period 0, product 10 stands in row 1"),
        ("EUR", "euro", "not an ISO 4217 code"),
        ("7.5", "inf", "not a number"),
        ("7.5", "1e308", "sales.csv, row 1, column revenue holds '1e308': beyond 1e+100"),
    ],
)
def test_a_wrong_cell_of_sales_is_named_with_table_row_and_value(tmp_path, old, new, words):
    assert words in refused(tmp_path, sales=SALES.replace(old, new, 1))


def test_files_that_are_no_tables_are_refused_in_one_sentence(tmp_path):
    assert "holds no table" in refused(tmp_path)
    assert "no rows" in refused(tmp_path, sales=SALES.splitlines()[0] + "\n")
    assert "empty file" in refused(tmp_path, sales="")
    (tmp_path / "sales.csv").write_bytes(bytes(range(256)) * 9)
    assert "no text" in refused(tmp_path)
    (tmp_path / "sales.csv").write_bytes(b"period,product\n" + b"\xff\xfe\xfa" * 9)
    assert "sales.csv" in refused(tmp_path)
    (tmp_path / "sales.parquet").write_text("no parquet")
    assert "both there" in refused(tmp_path)
    (tmp_path / "sales.csv").unlink()
    assert "damaged, or not a parquet file" in refused(tmp_path)
    with pytest.raises(DataError, match="cannot be opened as a folder"):
        read_log(tmp_path / "sales.parquet")
    with pytest.raises(DataError, match="cannot be opened as a folder"):
        read_log(tmp_path / "nowhere")


def test_a_product_that_is_own_in_one_table_alone_is_refused(tmp_path):
    message = refused(tmp_path, impressions=IMPRESSIONS, products=PRODUCTS.replace("10,p,true", "10,p,false"))
    assert re.search(r"impressions.csv, row 1, column own holds 'true': product 10 has the other flag", message)


def test_an_answer_before_its_request_is_refused(tmp_path):
    message = refused(tmp_path, requests=REQUESTS.replace("0,m1,2", "3,m1,2"))
    assert "requests.csv, row 1, column answered holds '2': before the request, in period 3" in message


def test_ids_that_are_text_in_one_table_become_text_in_all(tmp_path):
    log = read_log(folder(tmp_path, impressions=IMPRESSIONS, sales=SALES.replace("0,11,1", "0,a11,1")))
    assert log.impressions["product"].tolist() == ["10", "11", "11"]
    assert log.sales["product"].tolist() == ["10", "a11"]


@given(st.permutations(range(6)))
def test_the_order_of_rows_does_not_matter(order):
    frame = pd.DataFrame(
        {
            "list": [0, 0, 0, 1, 1, 1],
            "period": 0,
            "position": [1, 2, 3, 1, 2, 3],
            "product": [1, 2, 3, 3, 2, 1],
            "seller": "s",
            "own": False,
            "rating": np.arange(6.0),
        }
    )
    shuffled = check(MarketLog(impressions=frame.iloc[list(order)])).impressions
    assert shuffled["rating"].tolist() == [float(at) for at in order]


def test_whole_ids_that_pandas_turned_into_floats_are_read_as_ids():
    frame = pd.DataFrame(
        {"product": [1, 2], "seller": "p", "own": True, "category": 0, "launched": 0, "copy_of": [np.nan, 1.0]}
    )
    assert check(MarketLog(products=frame)).products["copy_of"].tolist() == [None, 1]
    with pytest.raises(DataError, match=r"products, row 2, column copy_of holds '1.5'"):
        check(MarketLog(products=frame.assign(copy_of=[np.nan, 1.5])))


def test_a_frame_that_lacks_a_column_or_mixes_kinds_is_refused():
    with pytest.raises(DataError, match="sales: column product is missing"):
        check(MarketLog(sales=pd.DataFrame({"period": [0]})))
    with pytest.raises(DataError, match="several kinds"):
        check(MarketLog(requests=pd.DataFrame({"period": [0, "x"]})))
    with pytest.raises(DataError, match="there is no table"):
        check(MarketLog())
