"""Uploads that are too large, damaged, or made to do harm; each is one message."""

import io
import zipfile

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from apps.market import upload as market_upload
from apps.market.upload import read_upload, zipped
from retail.errors import DataError
from retail.market_log import MarketLog

ROWS = pd.DataFrame(
    [
        {"list": at // 3, "period": 0, "position": at % 3 + 1, "product": at % 3, "seller": 1, "own": at % 3 == 0,
         "price": 1.5 + at % 2}
        for at in range(30)
    ]
)  # fmt: skip
CSV = ROWS.to_csv(index=False).encode()


def archive(*members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return file.getvalue()


def parquet(table):
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def test_tables_come_as_files_or_in_a_zip_file_with_folders():
    for files in (
        [("impressions.csv", CSV)],
        [("impressions.parquet", parquet(pa.Table.from_pandas(ROWS, preserve_index=False)))],
        [("log.zip", archive(("log/impressions.csv", CSV), ("log/", b""), ("__MACOSX/._impressions.csv", b"x")))],
    ):
        log = read_upload(files)
        assert len(log.impressions) == 30
        assert log.qualities == ("price",)


def test_a_log_that_was_packed_is_the_same_when_it_is_read_again():
    log = read_upload([("impressions.csv", CSV)])
    content = zipped(MarketLog(impressions=log.impressions))
    assert content == zipped(log)
    pd.testing.assert_frame_equal(read_upload([("again.zip", content)]).impressions, log.impressions)


def test_names_of_members_are_never_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = archive(("../../impressions.csv", CSV), ("/etc/passwd", b"x"), ("..\\..\\note.txt", b"x"))
    log = read_upload([("log.zip", content)])
    assert len(log.impressions) == 30
    assert any("passwd" in note for note in log.notes)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("notes.txt", b"hello")], "no table of a market's log"),
        ([("impressions.csv", CSV), ("log.zip", archive(("impressions.csv", CSV)))], "uploaded twice"),
        ([("log.zip", archive(("a/impressions.csv", CSV), ("b/impressions.csv", CSV)))], "twice"),
        ([("impressions.csv", CSV), ("impressions.parquet", b"x")], "both there"),
        ([("log.zip", archive(("impressions.csv", CSV))[:-60] + b"\0" * 20)], "no table"),
        ([("impressions.parquet", b"PAR1 no more")], "damaged"),
        ([("impressions.csv", b"")], "empty file"),
        ([("impressions.csv", b"a," * 1_000_000 + b"b\n")], "more than 200"),
        ([("impressions.csv", b"\x00\x01\x02")], "no text"),
        ([(f"{at}.csv", b"") for at in range(101)], "101 files"),
        ([("log.zip", archive(*((f"{at}.csv", b"") for at in range(101))))], "holds 101 files"),
    ],
)
def test_what_cannot_be_read_is_one_message_without_a_path_of_this_machine(files, words):
    with pytest.raises(DataError, match=words) as caught:
        read_upload(files)
    assert "tradefair-log-" not in str(caught.value)


def test_a_zip_bomb_is_refused_by_what_it_unpacks_to_not_by_what_it_claims(monkeypatch):
    monkeypatch.setattr(market_upload, "MOST_UNPACKED", 1024**2)
    bomb = archive(("impressions.csv", b"0" * 20 * 1024**2))
    assert len(bomb) < 50_000
    with pytest.raises(DataError, match="more than 1 MB unpacked"):
        read_upload([("log.zip", bomb)])


def test_a_damaged_member_is_one_message():
    content = bytearray(archive(("impressions.csv", CSV)))
    content[45:70] = b"\xff" * 25
    with pytest.raises(DataError, match="damaged"):
        read_upload([("log.zip", bytes(content))])


def test_an_encrypted_member_is_one_message():
    content = bytearray(archive(("impressions.csv", CSV)))
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    with pytest.raises(DataError, match="encrypted"):
        read_upload([("log.zip", bytes(content))])


def test_a_parquet_file_whose_dictionary_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(market_upload, "MOST_UNPACKED", 10 * 1024**2)
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["x" * 10_000]))
    content = parquet(pa.table({"list": words}))
    assert len(content) < 100_000
    with pytest.raises(DataError, match="unpacked"):
        read_upload([("impressions.parquet", content)])


@pytest.mark.parametrize("content", [b"a,b\n" + b"1,2\n" * 60, parquet(pa.table({"a": list(range(60))}))])
def test_more_rows_than_the_page_reads_are_refused_with_the_command_that_reads_them(monkeypatch, content):
    monkeypatch.setattr(market_upload, "MOST_ROWS", 50)
    name = "impressions.csv" if content.startswith(b"a,b") else "impressions.parquet"
    with pytest.raises(DataError, match="tradefair audit"):
        read_upload([(name, content)])
