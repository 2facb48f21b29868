"""Rule tables: what a cell may hold, what is said of a bad one, and what is compiled from a good one."""

import pytest

from privacy.policy import Context, PolicyEngine, Request
from privacy.policy.compiled import compile_texts
from privacy.policy.sources import PACKS, PolicyText, load_source
from privacy.policy.table import check_rules
from retail.errors import PolicyError

from .conftest import HEADER

GOOD = "house-1,merchant,may,read,own,mood,raw,research,,,any,house rule,"


def problems(folder, *rows):
    return check_rules(folder(*rows) / "rules.csv")[1]


@pytest.mark.parametrize(
    ("row", "column", "advice"),
    [
        (GOOD.replace("house-1", "House 1"), "id", "small letters"),
        (GOOD.replace("house-1", ""), "id", "small letters"),
        (GOOD.replace("house-1", 'x") permit(principal'), "id", "small letters"),
        (GOOD.replace("merchant", "mercant"), "who", "'mercant' is unknown"),
        (GOOD.replace("merchant", ""), "who", "empty"),
        (GOOD.replace("merchant", "merchant; merchant"), "who", "twice"),
        (GOOD.replace("merchant", "any but"), "who", "unknown"),
        (GOOD.replace(",may,", ",must,"), "effect", "may not"),
        (GOOD.replace(",read,", ",delete,"), "action", "'delete' is unknown"),
        (GOOD.replace(",own,", ",mine,"), "whose", "another's"),
        (GOOD.replace(",own,", ",nobody's,"), "whose", "another's"),
        (GOOD.replace(",mood,", ",moods,"), "kind", "'moods' is unknown"),
        (GOOD.replace(",raw,", ",hashed,"), "form", "'hashed' is unknown"),
        (GOOD.replace("research", "fun"), "purpose", "'fun' is unknown"),
        (GOOD.replace("research,,", "research,agreed,"), "when", "'agreed' is not a condition"),
        (GOOD.replace("research,,,", "research,,age > -1,"), "unless", "'age > -1' is not a condition"),
        (GOOD.replace(",any,house", ",UK,house"), "jurisdiction", "'UK' is unknown"),
        (GOOD.replace("house rule", ""), "article", "house rule"),
        (GOOD.replace("house rule", "a\x07b"), "article", "control characters"),
    ],
)
def test_a_bad_cell_is_told_with_line_column_value_and_advice(folder, row, column, advice):
    if '"' in row:
        row = '"' + row.replace('"', '""').replace(",merchant", '",merchant', 1)
    (found,) = problems(folder, GOOD.replace("house-1", "house-0"), row)
    assert (found.line, found.column) == (3, column)
    assert advice in found.advice
    assert str(found).startswith(found.file)


def test_an_id_used_twice_is_told(folder):
    (found,) = problems(folder, GOOD, GOOD)
    assert (found.line, found.column) == (3, "id")
    assert "line 2" in found.advice


def test_every_bad_cell_is_told_at_once(folder):
    found = problems(
        folder,
        GOOD.replace("mood", "moods").replace("raw", "rare"),
        GOOD.replace("house-1", "house-2").replace("own", "mine"),
    )
    assert [(one.line, one.column) for one in found] == [(2, "kind"), (2, "form"), (3, "whose")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id,who\nx,merchant\n",
        f"{HEADER}\n",
        f"{HEADER}\n{GOOD},extra\n",
        f'{HEADER}\n"{GOOD}\n',
        f"{HEADER},flag\n{GOOD},x\n",
    ],
)
def test_a_file_that_is_no_rule_table_is_refused(tmp_path, text):
    path = tmp_path / "rules.csv"
    path.write_text(text)
    rules, found = check_rules(path)
    assert rules == []
    assert len(found) == 1


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "rules.csv").write_bytes(b"\xff\xfe\x00id,who")
    assert "UTF-8" in check_rules(tmp_path / "rules.csv")[1][0].advice


def test_columns_may_come_in_any_order_and_rows_may_be_empty(tmp_path):
    order = HEADER.split(",")[::-1]
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    empty = "," * (len(order) - 1)
    (tmp_path / "rules.csv").write_text(
        "\ufeff" + ",".join(order) + f"\n{empty}\n" + ",".join(row[name] for name in order) + "\n", encoding="utf-8"
    )
    (rule,), found = check_rules(tmp_path / "rules.csv")
    assert found == []
    assert rule.id == "house-1"


def test_free_text_cannot_leave_its_annotation(folder, register):
    text = 'x"") permit(principal, action, resource); @sentence(""\\'
    house = folder(GOOD.replace("house rule,", f'"{text}","{text}"'))
    engine = PolicyEngine.load([house], register=register)
    assert [info.id for info in engine.policies.infos.values()] == ["house-1"]
    assert next(iter(engine.policies.infos.values())).article == text.replace('""', '"')
    assert not engine.decide(Request("m2", "read", "m1/mood/raw", "research")).allowed


@pytest.mark.parametrize(
    ("cell", "allowed"),
    [
        ("own", {"m2"}),
        ("another's", {"m1", "m2-branch"}),
        ("own unit's", {"m2", "m2-branch"}),
        ("another unit's", {"m1"}),
        ("merchant's", {"m1", "m2", "m2-branch"}),
        ("another merchant's", {"m1", "m2-branch"}),
        ("platform's", set()),
        ("any", {"m1", "m2", "m2-branch"}),
    ],
)
def test_whose_means_what_it_says(folder, register, cell, allowed):
    house = folder(GOOD.replace(",own,", f",{cell},"))
    engine = PolicyEngine.load([house], register=register)
    for owner in ("m1", "m2", "m2-branch"):
        dataset = f"{owner}/mood/raw"
        if register.find_dataset(dataset) is None:
            from privacy.policy import Dataset

            register.add(Dataset(dataset, owner, "mood", "raw", True))
        assert engine.decide(Request("m2", "read", dataset, "research")).allowed == (owner in allowed)


@pytest.mark.parametrize(
    ("word", "context"),
    [
        ("consent", Context(consent="general")),
        ("separate consent", Context(consent="separate")),
        ("minor", Context(minor=True)),
        ("guardian", Context(guardian=True)),
        ("alternative", Context(alternative=True)),
    ],
)
def test_a_condition_and_its_opposite_never_agree(folder, register, word, context):
    with_it = folder(GOOD.replace("research,,", f"research,{word},"), name="with")
    without = folder(GOOD.replace("research,,", f"research,no {word},"), name="without")
    unless = folder(GOOD.replace("research,,,", f"research,,{word},"), name="unless")
    for one, holds in ((Context(), False), (context, True)):
        asked = Request("m1", "read", "m1/mood/raw", "research", (), one)
        answers = [
            PolicyEngine.load([it], register=register).decide(asked).allowed for it in (with_it, without, unless)
        ]
        assert answers == [holds, not holds, not holds]


def test_separate_consent_is_consent(folder, register):
    engine = PolicyEngine.load([folder(GOOD.replace("research,,", "research,consent,"))], register=register)
    asked = Request("m1", "read", "m1/mood/raw", "research", (), Context(consent="separate"))
    assert engine.decide(asked).allowed


def test_all_but_excludes_what_it_names_and_its_members(folder, register):
    house = folder(GOOD.replace(",mood,", ",any but biometric; mood,").replace(",raw,", ",any but raw,"))
    engine = PolicyEngine.load([house], register=register)
    asked = [Request("m1", "read", f"m1/{kind}", "research") for kind in ("face_images/dp", "mood/dp", "orders/dp")]
    assert [one.allowed for one in engine.decide_many(asked)] == [False, False, True]
    assert not engine.decide(Request("m1", "read", "m1/orders/raw", "research")).allowed


@pytest.mark.parametrize(
    ("cedar", "complaint"),
    [
        ("permit (principal, action, resource", "not valid Cedar"),
        ("permit (principal, action, resource);", "no @id"),
        ('@id("a")\nforbid (principal, action, resource);', "@law"),
        ('@id("a")\npermit (principal == ?principal, action, resource);', "template"),
        ('@id("a")\npermit (principal, action, resource) when { principal.age > 3 };', "schema"),
        ('@id("a")\npermit (principal, action == Action::"steal", resource);', "schema"),
        ('@id("a")\npermit (principal, action, resource) when { resource.form == Form::"rwa" };', "schema"),
        (
            '@id("a")\npermit (principal, action, resource) when { principal.role == Role::"mercant" };',
            "does not exist",
        ),
        ('@id("a")\npermit (principal, action, resource) when { resource.kind in Kind::"faces" };', "does not exist"),
        ('@id("a")\npermit(principal,action,resource);\n@id("a")\npermit(principal,action,resource);', "id of one of"),
    ],
)
def test_cedar_of_a_user_is_checked_too(folder, register, cedar, complaint):
    with pytest.raises(PolicyError, match=complaint):
        PolicyEngine.load([folder(cedar=cedar)], register=register)


def test_two_sources_may_not_share_an_id(folder, register):
    house = folder(GOOD.replace("house-1", "base-own"))
    with pytest.raises(PolicyError, match="base-own"):
        PolicyEngine.load(["base", house], register=register)


def test_the_order_of_sources_changes_no_answer(register):
    from privacy.policy.domain import enumerate_requests

    asked = enumerate_requests()[::97]
    one = PolicyEngine.load(PACKS, register=register, regime="pooled").verdicts(asked)
    other = PolicyEngine.load(PACKS[::-1], register=register, regime="pooled").verdicts(asked)
    assert [it.allowed for it in one] == [it.allowed for it in other]


def test_every_bundled_forbid_names_a_law_and_every_rule_says_what_it_means():
    for pack in PACKS:
        for info in compile_texts([load_source(pack)]).infos.values():
            assert info.article
            assert info.pack == pack
            assert info.english.endswith(".")
            assert "`" not in info.english  # nothing had to be quoted in Cedar


def test_a_folder_without_rules_is_refused(tmp_path):
    with pytest.raises(PolicyError, match=r"rules\.csv"):
        load_source(tmp_path)


def test_text_that_only_joins_to_something_else_is_refused():
    with pytest.raises(PolicyError):
        compile_texts([PolicyText("a", '@id("a")\npermit(principal, action, resource); //'), PolicyText("b", "junk")])
