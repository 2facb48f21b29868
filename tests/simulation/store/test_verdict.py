import pytest

from simulation.store.intervals import Interval
from simulation.store.verdict import LEAST_DRAWS, verdict


@pytest.mark.parametrize(
    ("better", "ends", "draws", "said"),
    [
        (1, (0.1, 0.2), LEAST_DRAWS, "better"),
        (1, (-0.2, -0.1), LEAST_DRAWS, "worse"),
        (-1, (-0.2, -0.1), LEAST_DRAWS, "better"),
        (0, (0.1, 0.2), LEAST_DRAWS, "higher"),
        (0, (-0.2, -0.1), LEAST_DRAWS, "lower"),
        (1, (-0.1, 0.2), LEAST_DRAWS, "no clear difference"),
        (1, (0.0, 0.2), LEAST_DRAWS, "no clear difference"),
        (1, (0.1, 0.2), LEAST_DRAWS - 1, "not judged"),
        (1, (-0.1, 0.2), 2, "no clear difference"),
    ],
)
def test_a_claim_takes_an_interval_without_0_and_enough_draws(better, ends, draws, said):
    assert verdict(better, Interval(*ends), draws=draws) == said


def test_without_an_interval_nothing_is_judged():
    assert verdict(1, None, draws=100) == "not judged"
