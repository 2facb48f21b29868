import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privacy.consent import ConsentRegister, Period
from retail.errors import ConsentError

CODE = """
import sys, time
from pathlib import Path
from privacy.consent import ConsentRegister
from retail.errors import ConsentError
path, number = Path(sys.argv[1]), sys.argv[2]
register = ConsentRegister.open(path, log=None, commitments=None)
Path(f"{path}.ready-{number}").touch()
while not Path(f"{path}.go").exists():
    time.sleep(0.001)
taken = []
for person in range(8):
    try:
        register.enrol(register.token(person), f"merchant-{number}")
        taken.append(person)
    except ConsentError:
        pass
print(*taken)
"""


def at(register: ConsentRegister, person: object, *merchants: str) -> list[bool]:
    return [register.token(person) in register.enrolment.present(merchant) for merchant in merchants]


def test_a_person_is_at_no_more_than_k_max_merchants(shop):
    register = shop.register
    register.enrolment.open_period("loyalty-2026", k_max=2)
    token = register.token("17")
    register.enrol(token, "m1")
    register.enrol(token, "m1")
    register.enrol(token, "m2")
    with pytest.raises(ConsentError, match="all 2 slots"):
        register.enrol(token, "m3")
    assert at(register, "17", "m1", "m2", "m3") == [True, True, False]
    register.enrol(register.token("18"), "m3")
    assert register.enrolment.slots(token) == (2, 2)


def test_leaving_frees_no_slot_in_the_same_period_but_one_may_come_back(shop):
    register = shop.register
    register.enrolment.open_period("loyalty-2026", k_max=1)
    token = register.token("17")
    register.enrol(token, "m1")
    assert register.enrolment.leave(token, "m1")
    assert not register.enrolment.leave(token, "m1")
    assert at(register, "17", "m1") == [False]
    with pytest.raises(ConsentError, match="leaving a merchant frees none"):
        register.enrol(token, "m2")
    register.enrol(token, "m1")
    assert at(register, "17", "m1", "m2") == [True, False]


def test_a_new_period_must_be_opened_on_purpose_and_starts_empty(shop):
    enrolment = shop.register.enrolment
    token = shop.register.token("17")
    with pytest.raises(ConsentError, match="no accounting period"):
        shop.register.enrol(token, "m1")
    enrolment.open_period("2026", k_max=1)
    enrolment.open_period("2026", k_max=1)
    shop.register.enrol(token, "m1")
    with pytest.raises(ConsentError, match="still open"):
        enrolment.open_period("2027", k_max=1)
    with pytest.raises(ConsentError, match="keeps its cap"):
        enrolment.open_period("2026", k_max=2)
    enrolment.close_period("2026")
    assert enrolment.period is None
    assert at(shop.register, "17", "m1") == [False]
    with pytest.raises(ConsentError, match="keeps its cap"):
        enrolment.open_period("2026", k_max=1)
    assert enrolment.open_period("2027", k_max=1) == Period("2027", 1, True)
    shop.register.enrol(token, "m2")


@pytest.mark.parametrize("k_max", [0, -1, True, 1.5, float("nan"), "2"])
def test_a_cap_that_caps_nothing_is_refused(shop, k_max):
    with pytest.raises(ConsentError, match="k_max"):
        shop.register.enrolment.open_period("2026", k_max=k_max)


@pytest.mark.parametrize("merchant", ["", "m\0", "m\u202e", "x" * 5000, None])
def test_an_unusable_merchant_or_a_bare_id_takes_no_slot(shop, merchant):
    shop.register.enrolment.open_period("2026", k_max=1)
    with pytest.raises(ConsentError):
        shop.register.enrol(shop.register.token("17"), merchant)
    with pytest.raises(ConsentError, match="64 lower-case"):
        shop.register.enrol("17", "m1")
    assert shop.register.enrolment.slots(shop.register.token("17")) == (0, 1)


def test_three_processes_at_once_never_enrol_anybody_at_more_than_k_max_merchants(tmp_path, start_code):
    path = tmp_path / "consent.sqlite"
    register = ConsentRegister.open(path, log=None, commitments=None)
    register.enrolment.open_period("2026", k_max=2)
    processes = [start_code(CODE, path, number) for number in range(3)]
    while len(list(tmp_path.glob("*.ready-*"))) < 3:
        assert all(process.returncode is None for process in processes)
        time.sleep(0.01)
    (tmp_path / "consent.sqlite.go").touch()
    outputs = [process.communicate()[0] for process in processes]
    assert all(process.returncode == 0 for process in processes)
    taken = [int(person) for output in outputs for person in output.split()]
    assert [taken.count(person) for person in range(8)] == [2] * 8
    assert sum(len(register.enrolment.present(f"merchant-{number}")) for number in range(3)) == 16


@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.booleans(), st.integers(0, 1), st.sampled_from("abcde")), max_size=25),
)
@settings(max_examples=25)
def test_over_a_whole_period_nobody_is_ever_in_the_sums_of_more_than_k_max_merchants(k_max, moves):
    register = ConsentRegister.open(":memory:", log=None, commitments=None)
    register.enrolment.open_period("p", k_max=k_max)
    ever: dict[int, set[str]] = {0: set(), 1: set()}
    for joins, person, merchant in moves:
        token = register.token(person)
        if joins and (merchant in ever[person] or len(ever[person]) < k_max):
            register.enrol(token, merchant)
        elif joins:
            with pytest.raises(ConsentError, match="slots"):
                register.enrol(token, merchant)
        else:
            register.enrolment.leave(token, merchant)
        for shop in "abcde":
            if token in register.enrolment.present(shop):
                ever[person].add(shop)
        assert len(ever[person]) <= k_max
