import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail.errors import ConfigError
from simulation.store.speed import weidmann
from simulation.store.theory import erlang_c, flow_per_m_s, mean_present, mgc_wait_s, mmc_wait_s


def erlang_c_by_its_sum(servers, load):
    last = load**servers / math.factorial(servers) * servers / (servers - load)
    return last / (sum(load**k / math.factorial(k) for k in range(servers)) + last)


@given(servers=st.integers(1, 40), share=st.floats(0, 0.99))
def test_erlang_c_equals_its_textbook_sum_and_stays_a_chance(servers, share):
    found = erlang_c(servers, servers * share)
    assert found == pytest.approx(erlang_c_by_its_sum(servers, servers * share), rel=1e-9)
    assert 0 <= found <= 1


def test_erlang_c_of_published_cases_and_of_one_server():
    assert erlang_c(10, 8.0) == pytest.approx(0.4092, abs=1e-4)
    assert erlang_c(5, 4.0) == pytest.approx(0.5541, abs=1e-4)
    assert erlang_c(1, 0.3) == pytest.approx(0.3)
    assert erlang_c(500, 480.0) < 1


def test_waits_of_known_queues():
    assert mmc_wait_s(1, 0.8, 1.0) == pytest.approx(0.8 / 0.2)
    assert mgc_wait_s(1, 0.8, 1.0, 0.0) == pytest.approx(0.8 / 0.2 / 2)  # M/D/1 waits half as long
    assert mgc_wait_s(3, 2.0, 1.0, 1.0) == mmc_wait_s(3, 2.0, 1.0)


def test_littles_law_counts_only_the_time_observed():
    assert mean_present(np.array([0.0, 5.0]), np.array([10.0, 25.0]), start_s=0.0, end_s=20.0) == pytest.approx(25 / 20)
    assert mean_present(np.array([]), np.array([]), start_s=0.0, end_s=1.0) == 0


def test_weidmanns_curve_has_his_capacity_and_ends():
    densities = np.linspace(0.01, 5.4, 2000)
    flows = [flow_per_m_s(density, 1.34) for density in densities]
    assert max(flows) == pytest.approx(1.225, abs=0.01)  # people per metre and second, at 1.75 per m2
    assert densities[int(np.argmax(flows))] == pytest.approx(1.75, abs=0.1)
    assert weidmann(0.0) == 1
    assert weidmann([5.4, 9.0]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: erlang_c(2, 2.0), "load 2 is too much for 2 servers"),
        (lambda: erlang_c(0, 0.0), "servers = 0"),
        (lambda: erlang_c(1, math.nan), "load = nan"),
        (lambda: mgc_wait_s(1, 0.5, 1.0, -1.0), "service_cv = -1.0"),
        (lambda: mean_present(np.array([]), np.array([]), start_s=1.0, end_s=1.0), "give an end after the start"),
        (lambda: flow_per_m_s(-1.0, 1.0), "density = -1.0"),
    ],
)
def test_values_without_a_meaning_are_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
