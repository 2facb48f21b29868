import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.errors import DataError
from simulation.store.traces import read_traces, trace_heat, trace_presence, traces_of

HEADER = "visit,time,x,y\n"
GOOD = HEADER + "a,0,0.2,0.2\na,10,0.7,0.2\na,25,0.7,1.2\nb,5,0.2,0.2\nb,6,3.9,2.9\n"


@pytest.fixture
def read(tmp_path):
    def write_and_read(text, **others):
        path = tmp_path / "traces.csv"
        path.write_text(text, encoding="utf-8")
        return read_traces(path, width_m=4.0, depth_m=3.0, **others)

    return write_and_read


def test_a_visit_counts_once_in_each_square_it_was_in(read):
    traces = read(GOOD)
    visits = trace_heat(traces, what="visits", side_m=1.0)
    assert visits.values.tolist() == [[2, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    assert trace_heat(traces, what="visits").values[0, :2].tolist() == [2, 1]


def test_time_is_spent_where_the_visit_was_until_its_next_point(read):
    dwell = trace_heat(read(GOOD), what="dwell")
    assert dwell.values[0, 0] == 10 + 1
    assert dwell.values[0, 1] == 15
    assert dwell.values.sum() == 26


def test_moves_count_in_the_directions_that_they_go(read):
    traces = read(GOOD)
    assert trace_heat(traces, what="flow_east").values[0].tolist() == [2, 0, 0, 0, 0, 0, 0, 0]
    assert trace_heat(traces, what="flow_south").values[0].tolist() == [1, 1, 0, 0, 0, 0, 0, 0]
    assert trace_heat(traces, what="flow_west").values.sum() == 0


def test_points_of_different_visits_may_be_mixed(read):
    mixed = HEADER + "a,0,0.2,0.2\nb,5,0.2,0.2\na,10,0.7,0.2\nb,6,3.9,2.9\na,25,0.7,1.2\n"
    for what in ("visits", "dwell", "flow_east", "flow_north"):
        assert (trace_heat(read(mixed), what=what).values == trace_heat(read(GOOD), what=what).values).all()


def test_dates_are_averaged_over_the_days_on_which_visits_began(read):
    dated = HEADER + (
        "a,2026-03-02T10:00:00,1,1\na,2026-03-02T10:00:30,1,1\nb,2026-03-03T23:59:50,1,1\nb,2026-03-04T00:00:10,1,1\n"
    )
    traces = read(dated)
    assert traces.days == 2
    assert trace_heat(traces, what="dwell").values.sum() == pytest.approx((30 + 20) / 2)


def test_persons_are_whom_a_release_protects(read):
    traces = read("visit,time,x,y,person\na,0,1,1,p\nb,0,1,1,q\nc,0,2,2,p\n")
    assert traces.named
    assert traces.person.tolist() == [0, 1, 0]
    assert not read(GOOD).named


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        (HEADER, "no row"),
        ("visit,time,x\na,0,1\n", "column y is missing"),
        ("visit;time;x;y\na;0;1.5;2\n", "parted by semicolons: save it as CSV with commas"),
        ("visit;time;x;y\na;0;1;2\na;1;1,5;2,5\n", "parted by semicolons: save it as CSV with commas"),
        ("visit\ttime\tx\ty\na\t0\t1\t2\n", "parted by tabs"),
        (HEADER + "a,0,1,1\na,1,,1\n", "row 3: x = '' is no finite number"),
        (HEADER + "a,0,1,nan\n", "row 2: y = 'nan' is no finite number"),
        (HEADER + "a,0,1,inf\n", "row 2: y = 'inf' is no finite number"),
        (HEADER + "a,0,1,1\na,1,4.1,1\n", r"row 3: x = 4.1 lies outside the plan \(0 to 4 m\)"),
        (HEADER + "a,0,1,-0.1\n", "row 2: y = -0.1 lies outside the plan"),
        (HEADER + "a,0,1,1\nb,9,1,1\na,7,1,1\na,5,1,1\n", "row 5: time 5 of visit 'a' is before the one above"),
        (HEADER + "a,soon,1,1\n", "row 2: time is neither"),
        (HEADER + "a,0,1,1\na,noon,1,1\n", "row 3: time = 'noon' is no finite number"),
        (HEADER + "a,-5,1,1\n", "row 2: time is before opening"),
        (HEADER + "a,0,1,1\n ,1,1,1\n", "row 3: visit is empty"),
        (HEADER + "b,1,1,1\na,0,1,1\na,604800,1,1\n", "row 3 to 4: visit 'a' lasts 168.0 hours"),
        ("visit,time,x,y,person\na,0,1,1,p\na,1,1,1,q\n", "row 3: visit 'a' has a second person 'q'"),
        ("visit,time,x,y,person\na,0,1,1,\n", "row 2: person is empty"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_row(read, text, told):
    with pytest.raises(DataError, match=told):
        read(text)


def test_a_file_that_is_not_there_is_one_clear_line(tmp_path):
    with pytest.raises(DataError, match=r"cannot read the traces .*no\.csv"):
        read_traces(tmp_path / "no.csv", width_m=4.0, depth_m=3.0)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 1.0, 2.0]))
def test_presence_agrees_with_sets_of_squares(seed, side):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    table = pd.DataFrame(
        {
            "visit": rng.integers(0, 6, n),
            "time": np.arange(n),
            "x": rng.uniform(0, 4, n).round(2),
            "y": rng.uniform(0, 3, n).round(2),
        }
    )
    found = trace_presence(traces_of(table.astype(str), width_m=4.0, depth_m=3.0), side_m=side)
    expected = {(v, int(x // side), int(y // side)) for v, x, y in zip(table.visit, table.x, table.y, strict=True)}
    edge = {(v, min(c, int(np.ceil(4 / side)) - 1), min(r, int(np.ceil(3 / side)) - 1)) for v, c, r in expected}
    assert len(found.square) == len(edge)
    assert found.counts.sum() == len(edge)
    for _v, c, r in edge:
        assert found.counts[r, c] == sum((w, c, r) in edge for w in range(6))
