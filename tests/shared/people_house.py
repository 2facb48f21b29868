"""A merchant's house with generated tables, a model, a list of places, and two people's receipts, 17 and 18."""

import pytest

from apps.command.main import main
from retail.generator import Settings, generate_tables

PLACES = """
[[place]]
name = "tables"
kind = "tables"
path = "my-shop"

[[place]]
name = "lookalike"
kind = "model"
paths = ["lookalike.npz"]
command = "make lookalike"
from = ["tables"]
"""


def make_people_house(house):
    """Fill a folder; its books lie in `books`."""
    generate_tables(house / "my-shop", Settings(shoppers=60, seed=1, merchants=3, products=40))
    (house / "lookalike.npz").write_bytes(b"weights")
    (house / "books").mkdir()
    (house / "books" / "places.toml").write_text(PLACES)
    (house / "notice.txt").write_text("We suggest what you may like.")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(house)
        notice = "consent notice notice.txt --controller m1 --reference n1 --language en"
        assert main([*notice.split(), "--published", "2025-01-01T00:00:00+00:00"]) == 0
        for person in ("17", "18"):
            with (house / "receipt.json").open("w") as file, pytest.MonkeyPatch.context() as out:
                out.setattr("sys.stdout", file)
                assert main("consent template --controller m1 --purpose recommendation --notice n1".split()) == 0
            assert main(["consent", "record", "receipt.json", "--person", person]) == 0
    return house
