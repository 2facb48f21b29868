import json
import random
import tomllib
from importlib import resources

import jsonschema
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from retail.errors import ConfigError
from simulation.store.categories import CATEGORIES
from simulation.store.plan import (
    Fixture,
    StorePlan,
    Zone,
    bundled_plans,
    load_plan,
    plan_schema,
    plan_table,
    plan_text,
    rasterise,
    read_plan,
)
from simulation.store.plan.kinds import DISPLAY_KINDS, SIDES, TILL_KINDS

MAP = """
aaaa..
......
..bb..
..bb..
......
.L....
X....E
"""
LEGEND = """
a = { kind = "shelf", category = "dairy" }
b = { kind = "shelf", category = "bakery" }
L = { kind = "till", till = "lane" }
X = { kind = "exit" }
E = { kind = "entrance" }
"""


def drawn(plan_map=MAP, legend=LEGEND, head='name = "Tiny"\n'):
    return f"{head}map = '''{plan_map}'''\n[legend]\n{legend}"


def in_metres(fixtures, *, width="10", depth="10"):
    rows = ",\n".join(fixtures)
    return f'name = "Tiny"\nwidth = {width}\ndepth = {depth}\nfixtures = [\n{rows}\n]\n'


def fixture(name, kind, x, y, width=1.0, depth=1.0, more=""):
    return f'{{ name = "{name}", kind = "{kind}", x = {x}, y = {y}, width = {width}, depth = {depth}{more} }}'


SOUND = [
    fixture("in", "entrance", 0, 9),
    fixture("out", "exit", 9, 9),
    fixture("till", "till", 5, 7, more=', till = "lane"'),
    fixture("shelf", "shelf", 4, 3, 2, more=', category = "dairy"'),
]


def test_a_map_becomes_rectangles_in_metres_numbered_in_reading_order():
    plan = read_plan(drawn())
    found = {one.name: (one.x, one.y, one.width, one.depth) for one in plan.fixtures}
    assert found == {
        "dairy-1": (0.0, 0.0, 2.0, 0.5),
        "bakery-1": (1.0, 1.0, 1.0, 1.0),
        "till-1": (0.5, 2.5, 0.5, 0.5),
        "exit-1": (0.0, 3.0, 0.5, 0.5),
        "entrance-1": (2.5, 3.0, 0.5, 0.5),
    }
    assert (plan.width, plan.depth, plan.categories) == (3.0, 3.5, ("bakery", "dairy"))


def test_short_lines_of_a_map_end_in_floor_and_hashes_are_walls():
    plan = read_plan(drawn(MAP.replace("......\n..bb", "##\n..bb")))
    assert plan.fixture("wall-1").width == 1.0
    assert plan.width == 3.0


def test_an_angle_of_one_letter_becomes_two_fixtures():
    plan = read_plan(drawn(MAP.replace("......\n..bb", "a.....\n..bb")))
    assert [one.name for one in plan.shelves] == ["dairy-1", "dairy-2", "bakery-1"]


def test_cell_m_scales_a_map():
    plan = read_plan(drawn(head='name = "Tiny"\ncell_m = 1\n'))
    assert (plan.width, plan.fixture("bakery-1").x) == (6.0, 2.0)


def test_a_map_and_fixtures_in_metres_may_be_mixed():
    extra = (
        '[[fixtures]]\nname = "pillar"\nkind = "blocked"\nx = 2.5\ny = 0.1\nwidth = 0.3\ndepth = 0.3\nrotation = 20\n'
    )
    plan = read_plan(drawn() + extra)
    assert plan.fixture("pillar").rotation == 20.0


@pytest.mark.parametrize("name", bundled_plans())
def test_bundled_plans_follow_the_schema_and_read_back_the_same(name):
    plan = load_plan(name)
    raw = tomllib.loads((resources.files("simulation.store") / "plans" / f"{name}.toml").read_text())
    jsonschema.validate(raw, plan_schema())
    jsonschema.validate(plan_table(plan), plan_schema())
    assert read_plan(plan_text(plan)) == plan
    assert set(plan.categories) <= set(CATEGORIES)


def test_the_bundled_stores_grow_from_a_corner_shop_to_a_hypermarket():
    plans = {name: load_plan(name) for name in bundled_plans()}
    order = ["corner-shop", "convenience", "supermarket", "large-supermarket", "hypermarket"]
    assert set(order) == set(plans)
    areas = [plans[name].area_m2 for name in order]
    assert areas == sorted(areas)
    assert (areas[0], areas[-1]) == (80.0, 6000.0)
    for name in order[2:]:
        assert plans[name].categories == CATEGORIES
        assert len({one.till for one in plans[name].tills}) >= 3
        assert len({one.display for one in plans[name].displays}) >= 4
    assert 3000 < rasterise(plans["supermarket"]).walkable.sum() < 4000


def test_the_bundled_schema_is_the_one_of_the_code():
    text = (resources.files("simulation.store.plan") / "schema.json").read_text()
    assert json.loads(text) == plan_schema()


def names(prefix):
    return st.text("abc xyz'\"é", min_size=1, max_size=6).filter(str.strip).map(lambda text: f"{prefix}{text}")


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), names("n"), names("c"))
def test_any_plan_reads_back_the_same(seed, name, category):
    rng = random.Random(seed)
    fixtures = [
        Fixture("in", "entrance", 0.0, 9.5, 1.0, 0.5),
        Fixture("out", "exit", 9.0, 9.5, 1.0, 0.5),
        Fixture(
            "t",
            "till",
            rng.uniform(4, 5),
            7.0,
            1.0,
            0.7,
            till=rng.choice(TILL_KINDS),
            servers=rng.randint(1, 9),
            max_items=rng.choice([None, 10]),
            open_h=rng.choice([(), ((8.0, 12.5), (13.0, 20.0))]),
        ),
        Fixture(
            "shelf",
            "shelf",
            rng.uniform(2, 3),
            rng.uniform(2, 3),
            rng.uniform(0.1, 2),
            rng.uniform(0.1, 2),
            rotation=rng.uniform(-180, 180),
            categories=(category, "dairy"),
            sides=tuple(rng.sample(SIDES, rng.randint(1, 4))),
        ),
        Fixture("show", "display", 7.0, 1.0, 1.0, 1.0, categories=("dairy",), display=rng.choice(DISPLAY_KINDS)),
    ]
    zones = (Zone(name, 0.0, 0.0, 5.0, 5.0),)
    plan = StorePlan(name, 10.0, 10.0, tuple(fixtures), rng.uniform(0, 12), rng.uniform(13, 24), zones)
    try:
        again = read_plan(plan_text(plan))
    except ConfigError as error:
        assume("cannot be reached" not in str(error))  # a thin shelf at an angle may have no free cell beside it
        raise
    assert again == plan


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "plan: is not TOML"),
        ('name = "a"', "needs a map, or width and depth"),
        ('name = "a"\nwidth = 5\ndepth = 5', "holds no fixtures"),
        (drawn("\n\n"), "map is empty"),
        (drawn("E"), "only 1 x 1 cells of 0.5 m; a store needs at least 4 x 4"),
        (drawn(MAP.replace(".L....", ".L.Q..")), "map line 6, column 4: 'Q' is not in the legend"),
        (drawn(legend=LEGEND + 'bb = { kind = "wall" }'), "legend key 'bb' must be one letter"),
        (drawn(legend=LEGEND + '"." = { kind = "wall" }'), "legend key '.' must be one letter"),
        (drawn(head='name = "T"\nwidth = 4\n'), "width and depth follow from the map"),
        (drawn(head='name = "T"\ncell_m = -1\n'), "cell_m = -1 should be greater than or equal to 0.1"),
        (drawn(head='name = "T"\nopens_h = 20\ncloses_h = 8\n'), "opens_h = 20.0, closes_h = 8.0"),
        (drawn(head='name = "T"\nheight = 3\n'), "height is no key of a plan; drop it, or use one of name, opens_h"),
        (drawn(head='name = "T"\ncurrency = "EUR"\n'), "currency is no key of a plan; drop it"),
        (drawn(legend=LEGEND.replace('till = "lane"', 'till = "fast"')), "legend.L.till = 'fast' should be 'lane'"),
        (drawn(legend=LEGEND.replace(', till = "lane"', "")), "till 'till-1': needs a kind of till"),
        (drawn(legend=LEGEND.replace(', category = "dairy"', "")), "shelf 'shelf-1': has no category"),
        (drawn(MAP.replace("E", ".")), "has no entrance"),
        (drawn(MAP.replace("X", ".")), "has no exit"),
        (drawn(MAP.replace("L", ".")), "has no till"),
        (drawn(MAP.replace("a", ".").replace("b", ".")), "sells nothing"),
        (
            drawn(MAP.replace("aaaa..\n......", "a#....\n##....")),
            "'dairy-1' at x 0 m, y 0 m (map line 1, column 1), which sells dairy, cannot be reached: no free cell",
        ),
        (
            drawn(MAP.replace("aaaa..\n......", "a.#...\n..#...").replace("..bb..\n", "###b..\n", 1)),
            "'dairy-1' at x 0 m, y 0 m (map line 1, column 1), which sells dairy, cannot be reached: no way from",
        ),
        (drawn("\n" + "a" * 801 + MAP), "map is 801 letters wide"),
        (in_metres(SOUND, width="5000"), "is 5000 m x 10 m; both sides must be more than 0 and at most 250 m"),
        (in_metres(SOUND, width="-2"), "width = -2 should be greater than 0"),
        (in_metres(SOUND, depth="nan"), "depth = nan should be a finite number"),
        (in_metres([*SOUND, fixture("a", "wall", 1, 1, -3)]), "fixtures.5.width = -3 should be greater than 0"),
        (in_metres([*SOUND, fixture("a", "wall", '"1"', 1)]), "fixtures.5.x = '1' should be a valid number"),
        (in_metres([*SOUND, fixture("a", "wall", 1, 1, more=", colour = 3")]), "fixtures.5.colour is no key"),
        (in_metres([*SOUND, fixture("in", "wall", 1, 1)]), "two fixtures are named 'in'"),
        (
            in_metres([*SOUND, fixture("a", "wall", 5.5, 3.5)]),
            "shelf 'shelf' at x 4 m, y 3 m and wall 'a' at x 5.5 m, y 3.5 m overlap by 0.25 m2",
        ),
        (
            in_metres([*SOUND, fixture("a", "wall", 9.5, 1)]),
            "wall 'a' at x 9.5 m, y 1 m reaches 0.50 m out of the plan",
        ),
        (in_metres([*SOUND, fixture("a", "wall", 0, 9)]), "entrance 'in' at x 0 m, y 9 m and wall 'a'"),
        (
            in_metres([*SOUND, fixture("w", "wall", 0, 8, 1.2, 0.2), fixture("v", "wall", 1.2, 8, 0.2, 2)]),
            "exit 'out' at x 9 m, y 9 m cannot be reached: no way from an entrance",
        ),
        (
            in_metres(
                [
                    *SOUND,
                    fixture("w", "wall", 0, 2, 2, 0.2),
                    fixture("v", "wall", 2, 0, 0.2, 2.2),
                    fixture("b", "entrance", 0, 0),
                ]
            ),
            "entrance 'b' at x 0 m, y 0 m leads to another part of the floor",
        ),
        (
            in_metres([*SOUND, fixture("d", "display", 1, 1, more=', display = "side_aisle", category = "tea"')]),
            "shows 'tea', which is on no shelf; show one of dairy",
        ),
        (in_metres([*SOUND, fixture("d", "display", 1, 1, more=', category = "dairy"')]), "needs a kind of display"),
        (in_metres([*SOUND, fixture("a", "wall", 1, 1, more=', category = "tea"')]), "holds no category, got tea"),
        (in_metres([*SOUND, fixture("a", "wall", 1, 1, more=", servers = 2")]), "servers = 2 must be"),
        (
            in_metres([*SOUND, fixture("a", "shelf", 1, 1, more=', category = "a", categories = ["b"]')]),
            "give category or categories, not both",
        ),
        (
            in_metres([*SOUND, fixture("a", "till", 1, 1, more=', till = "lane", open_h = [[9, 8]]')]),
            "must be [from, to] hours within 0 and 24",
        ),
        (
            in_metres([*SOUND, fixture("a", "till", 1, 1, more=', till = "lane", open_h = [[8, 10], [9, 11]]')]),
            "must follow one another without overlap",
        ),
        (
            drawn("\n" + "ab" * 250 + "\n" + "ba" * 250 + "\n" + ("ab" * 250 + "\n" + "ba" * 250 + "\n") * 5 + MAP),
            "more than 5000; join some",
        ),
        (
            drawn() + '[[zones]]\nname = "z"\nx = 3\ny = 0\nwidth = 1\ndepth = 1',
            "zone 'z' lies outside the plan of 3 m x 3.5 m",
        ),
    ],
)
def test_a_mistake_is_named_in_one_line(text, message):
    with pytest.raises(ConfigError) as caught:
        read_plan(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plan_that_is_not_there_lists_those_that_are():
    with pytest.raises(ConfigError, match="nowhere: is no file and no bundled plan; take one of convenience"):
        load_plan("nowhere")


def test_a_file_is_named_in_messages_and_wins_over_a_bundled_plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "supermarket").write_text(drawn())
    assert load_plan("supermarket").name == "Tiny"
    bad = tmp_path / "bad.toml"
    bad.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"bad\.toml: cannot be read as text"):
        load_plan(bad)
