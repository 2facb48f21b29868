"""The limit of requests where the threads of a page share one shop."""

import sys
import threading

import pytest

from matching.face.rate_limit import RateLimit


@pytest.fixture
def switching_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def asked_by_threads(limit, threads, keys) -> tuple[list[bool], list[Exception]]:
    answers, errors, start = [], [], threading.Barrier(threads)

    def ask(number):
        start.wait()
        try:
            for key in keys(number):
                answers.append(limit.take(key))
        except Exception as error:  # whatever it is, the test says it
            errors.append(error)

    started = [threading.Thread(target=ask, args=(number,)) for number in range(threads)]
    for one in started:
        one.start()
    for one in started:
        one.join()
    return answers, errors


def test_threads_that_ask_at_once_get_an_answer_each_while_old_keys_are_forgotten(switching_often):
    """Without the lock one of two or three rounds ends in a deque that is empty or a dictionary that changed."""
    for _ in range(3):
        answers, errors = asked_by_threads(
            RateLimit(1, 1e-4), 8, lambda number: [f"{number}-{one}" for one in range(1000)]
        )
        assert errors == []
        assert answers == [True] * 8000


def test_threads_that_ask_at_once_for_one_device_get_no_more_than_the_limit_together(switching_often):
    answers, errors = asked_by_threads(RateLimit(50, 3600.0), 8, lambda number: ["till"] * 200)
    assert errors == []
    assert sum(answers) == 50
