"""What lies next to the cases is asked of the unchanged packs: what the chosen domain leaves out shows there."""

import shutil
from dataclasses import replace

import pytest

from privacy.policy import cases as case_tables
from privacy.policy import sources
from privacy.policy.cases import cases_of, run_cases
from privacy.policy.check import ask_neighbours, enumerate_all
from privacy.policy.proof import Proof
from privacy.policy.sources import PACKS, PACKS_FOLDER, REGIME_PACK

QUICK = ("bipa",)
WEAKENED = [
    ("bipa", "bipa-15-c,any,may not,sell,any,face_templates,any,any,", "any but payment; security,"),
    ("ccpa", "ccpa-120-c,any,may not,sell,any,any,any,any,", "any but research; payment; audit,"),
    ("pipl", "pipl-31,any,may not,any,any,any,raw,any,", "any but audit; research,"),
    ("gdpr", "gdpr-9-1,any,may not,any,any,biometric,raw; aggregate,any,", "any but research; audit; evaluation,"),
    ("gdpr", "gdpr-9-1,any,may not,any,", "any but release,"),
    ("gdpr", "gdpr-9-1,any,", "any but researcher; auditor; regulator; public,"),
    ("dma", "dma-6-2-held,marketplace,may not,any,", "any but train,"),
]


def asked(pack):
    return ask_neighbours(pack, cases_of(pack))


@pytest.mark.parametrize("pack", QUICK)
def test_what_lies_next_to_the_cases_of_a_pack_is_answered_as_meant(pack):
    found = asked(pack)
    assert "everything else permitted" in found
    assert [one.wrong for one in found.values()] == [()] * len(found)
    assert sum(one.requests for one in found.values()) > 3_000


@pytest.mark.slow
@pytest.mark.parametrize("source", [one for one in (*PACKS, REGIME_PACK) if one not in QUICK])
def test_what_lies_next_to_all_other_cases_is_answered_as_meant(source):
    assert all(not one.wrong for one in asked(source).values())


@pytest.mark.parametrize(
    ("pack", "row", "narrowed"),
    [pytest.param(*one, marks=[] if one[0] in QUICK else pytest.mark.slow) for one in WEAKENED],
)
def test_a_pack_whose_any_was_narrowed_passes_its_cases_and_is_found_next_to_them(
    pack, row, narrowed, tmp_path, monkeypatch
):
    shutil.copytree(PACKS_FOLDER, tmp_path / "packs")
    table = tmp_path / "packs" / pack / "rules.csv"
    text = table.read_text(encoding="utf-8")
    assert text.count(row) == 1
    table.write_text(text.replace(row, row.removesuffix("any,") + narrowed), encoding="utf-8")
    for module in (sources, case_tables):
        monkeypatch.setattr(module, "PACKS_FOLDER", tmp_path / "packs")
    if pack != "dma":
        assert run_cases(pack, cases_of(pack)) == []
    assert any(one.wrong_allow for one in asked(pack).values())


def test_a_rule_that_decides_nothing_of_what_is_asked_is_no_proof(folder):
    house = folder("never,merchant,may not,read,marketplace's,mood,dp,payment,guardian; no consent,minor,any,x,")
    requests = [case.request for case in cases_of("base")]
    with_it, without = (enumerate_all(["base", *more], requests=requests) for more in ([house], []))
    proof = Proof({"": with_it}, {}, 0, (), (), ())
    assert proof.idle == ("never",)
    assert not proof.holds
    assert any("rule never decided nothing" in line for line in proof.complaints())
    assert Proof({"": with_it}, {"elsewhere": replace(with_it, used=("never",))}, 0, (), (), ()).idle == ()
    assert Proof({"": without}, {}, 0, (), (), ()).holds
