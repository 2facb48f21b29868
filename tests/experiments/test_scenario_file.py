import copy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.scenario_file import bundled_scenarios, load_scenario, scenario_text, toml_table, validate
from retail.errors import ConfigError

BAD_OVERRIDES = [
    ("federation.round=3", r"unknown key federation\.round; did you mean federation\.rounds"),
    ("Seeds=[1]", r"unknown key Seeds; did you mean seeds"),
    ("arms.ials.epsilonn=3", r"unknown key arms\.ials\.epsilonn; did you mean arms\.ials\.epsilon"),
    ("federation.rounds=ten", r"federation\.rounds = 'ten' must be a whole number"),
    ("federation.rounds=1.5", r"federation\.rounds = 1\.5 must be a whole number"),
    ("federation.rounds=true", r"federation\.rounds = True must be a whole number"),
    ("federation.clip_norm=inf", r"federation\.clip_norm = inf must be a finite number"),
    ("arms.federated-dp-4.epsilon=0", r"arms\.federated-dp-4\.epsilon = 0 must be greater than 0"),
    ("arms.federated-dp-4.epsilon=-1", r"epsilon = -1 must be greater than 0"),
    ("arms.federated-dp-4.epsilon=nan", r"epsilon = nan must be a finite number"),
    ("arms.popularity.epsilon=1", r"popularity.*adds no noise"),
    ("arms.ials.noise=every_node", r"ials: noise = 'every_node' lacks epsilon"),
    ("privacy.delta=1", r"privacy\.delta = 1 must be less than 1"),
    ("privacy.delta=0", r"privacy\.delta = 0 must be greater than 0"),
    ("privacy.delta=nan", r"privacy\.delta = nan must be a finite number"),
    ("privacy.delta=1e-3", r"privacy\.delta = 0\.001 is not below 1/population"),
    ("privacy.mode=deployment", r"privacy\.ledger = \"run\" forgets"),
    ("privacy.total_epsilon=0", r"privacy\.total_epsilon = 0 must be greater than 0"),
    ("privacy.total_epsilon=8", r"total_epsilon = 8\.0 adds up over runs.*name a ledger file"),
    ("seeds=[]", r"seeds = \[\] must not be empty"),
    ("seeds=[0, 0]", r"seeds: 0 appears twice"),
    ("seeds=[-1]", r"seeds\.1 = -1 must be greater than or equal to 0"),
    ("split.origins=0", r"split\.origins = 0 must be greater"),
    ("split.window_days=-1", r"split\.window_days = -1 must be greater"),
    ("arms.ials.name=popularity", r"'popularity' appears twice"),
    ("arms.ials.name=I ALS", r"name = 'I ALS' is not well formed"),
    ("arms.ial.method=ials", r"arms has no 'ial'; did you mean ials"),
    ("arms.ials.method=alss", r"did you mean ials"),
    ("arms=[]", r"arms = \[\] must not be empty"),
    ("name.x=1", r"name is a single value"),
    ("name=../up", r"name = '\.\./up' is not well formed"),
    ("data=3", r"data = 3 must be a table"),
    ("data.source=web", r"data\.source = 'web' must be 'complete-journey', 'folder' or 'generated'"),
    ("data.source=folder", r"data\.path is missing"),
    ("data.source=generated", r"data\.shoppers is missing"),
    ("data.path=x", r"remove it"),
    ("data.merchants=50", r"data\.merchants = 50 is read only with source = \"generated\"; remove it"),
    ("data.merchants=10001", r"data\.merchants = 10001 must be less than or equal to 10000"),
    ("data.timezone=Mars", r"no time zone"),
    ("data.start=2017-13-01", r"data\.start = '2017-13-01' must be a date"),
    ("partition.merchants=[]", r"partition\.merchants = \[\] must be"),
    ("partition.merchants=[1, 1]", r"lists an id twice"),
    ("partition.k_max=2", r"a shopper has one home"),
    ("options.weight=nan", r"options\.weight = nan is not a finite number"),
    ("sweep.federation.rounds=[]", r"lists no value"),
    ("sweep.federation.rounds=3", r"must be a list"),
    (f"sweep.federation.rounds={list(range(1, 1002))}", r"sweep has 1,001 points, more than 1,000"),
    ("targets.foo=>= 1", r"\"foo\" is not understood"),
    ("targets.total_ndcg10(nobody)=>= 1", r"names arm 'nobody'"),
    ("targets.total_ndcg10(ials)=about 1", r"is no comparison"),
    ("rounds", r"has no key=value"),
]


@pytest.mark.parametrize(("override", "message"), BAD_OVERRIDES, ids=[override for override, _ in BAD_OVERRIDES])
def test_a_bad_value_is_told_in_one_line_with_its_key(override, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_scenario("demo", [override])
    assert "\n" not in str(caught.value)


def test_every_bundled_scenario_loads_and_reads_back_as_itself():
    assert "demo" in bundled_scenarios()
    for name in bundled_scenarios():
        scenario = load_scenario(name)
        assert validate(toml_table(scenario_text(scenario), name), source=name) == scenario


def test_a_total_below_an_arms_epsilon_is_told_in_one_line_and_one_above_is_kept():
    ledger = "privacy.ledger=books/ledger.sqlite"
    with pytest.raises(ConfigError, match=r"total_epsilon = 0\.5 is less than arm [\w.-]+'s epsilon = ") as caught:
        load_scenario("demo", [ledger, "privacy.total_epsilon=0.5"])
    assert "\n" not in str(caught.value)
    scenario = load_scenario("demo", [ledger, "privacy.total_epsilon=40"])
    assert scenario.privacy.total_epsilon == 40.0
    assert validate(toml_table(scenario_text(scenario), "s"), source="s") == scenario


def test_overrides_reach_arms_by_name_and_take_text_without_quotes():
    scenario = load_scenario("demo", ["arms.federated-dp-4.epsilon=2", "partition.by=store", "seeds=[3, 4]"])
    arm = next(arm for arm in scenario.arms if arm.name == "federated-dp-4")
    assert (arm.epsilon, scenario.partition.by, scenario.seeds) == (2.0, "store", (3, 4))


def test_a_scenario_cannot_be_changed():
    scenario = load_scenario("demo")
    with pytest.raises(Exception, match="frozen"):
        scenario.name = "other"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"name = ", "not valid TOML"),
        (b"name = 'a'\nname = 'b'\n", "not valid TOML"),
        ("name = 'caf\xe9'".encode("latin-1"), "not UTF-8"),
        (b"", "name is missing"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path, content, message):
    path = tmp_path / "scenario.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=re.escape(str(path))) as caught:
        load_scenario(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_lists_the_bundled_scenarios():
    with pytest.raises(ConfigError, match=r"no scenario 'demoo': did you mean demo\? .*TOML.*faces-demo"):
        load_scenario("demoo")


def test_a_missing_file_is_named():
    with pytest.raises(ConfigError, match=r"cannot read scenario nowhere/x\.toml: No such file"):
        load_scenario("nowhere/x.toml")


@pytest.mark.parametrize(("text", "value"), [(".1", 0.1), ("-.5", -0.5), ("+.2e1", 2.0), ("0.1", 0.1), ("3", 3)])
def test_a_number_may_begin_with_its_point(text, value):
    scenario = load_scenario("market-demo", [f"settings.own_quality={text}"])
    assert scenario.settings["own_quality"] == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0,15", '0,15 has a comma; write 0.15 for a number, [0,15] for a list, or "0,15" in quotes for text'),
        ("20,000", "write 20.000 or 20000 for a number"),
        (".1,.2", ".1,.2 has a comma; write [.1,.2] for a list"),
        ("1,2,3", "1,2,3 has a comma; write [1,2,3] for a list"),
    ],
)
def test_a_comma_between_numbers_is_asked_about(text, words):
    with pytest.raises(ConfigError, match=re.escape(words)):
        load_scenario("market-demo", [f"settings.fee={text}"])


@pytest.mark.parametrize("text", ["a,b", "no. 1,2", "1,2 and more", '"1,2"'])
def test_other_commas_are_text(text):
    assert load_scenario("demo", [f"title={text}"]).title == text.strip('"')


@pytest.mark.parametrize("name", ["demo", "market-demo"])
def test_the_kind_is_among_the_known_keys(name):
    with pytest.raises(ConfigError, match="unknown key zzz; known keys: kind, name, title"):
        load_scenario(name, ["zzz=1"])


values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)  # fmt: skip
RAW = load_scenario("demo").model_dump(mode="json", exclude_none=True)
PLACES = [(key,) for key in RAW] + [
    (section, key) for section in ("data", "partition", "split", "federation", "privacy") for key in RAW[section]
]


@given(place=st.sampled_from(PLACES), value=values)
def test_any_value_anywhere_is_accepted_or_refused_in_one_line(place, value):
    raw = copy.deepcopy(RAW)
    section = raw
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    message = refusal(raw)
    assert message is None or (message.startswith("s: ") and len(message.splitlines()) == 1)


def refusal(raw):
    try:
        validate(raw, source="s")
    except ConfigError as error:
        return str(error)
    return None
