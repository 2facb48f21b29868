"""What the server loads ahead is what pages need."""

import importlib.util
import threading

from streamlit.testing.v1 import AppTest

from apps import warm
from apps.market import live

NEEDED = {"apps.market.choose", "apps.market.check", "apps.compliance.access", "apps.compliance.report"}


def test_every_module_of_a_page_is_found_also_those_that_are_imported_late():
    found = warm.page_modules()
    assert set(found) >= NEEDED
    assert len(found) == len(set(found))
    assert all(importlib.util.find_spec(name) is not None for name in found)


def test_the_market_that_is_simulated_ahead_is_the_one_that_the_page_shows_first(monkeypatch):
    monkeypatch.setattr(live, "MARKET", {"merchants": 10, "products": 20, "consumers": 50})
    page = AppTest.from_function(_market, default_timeout=60).run()
    assert not page.exception
    assert page.session_state["market_count"][0][0] == live.first_choice()


def test_a_step_that_fails_keeps_none_of_the_others_from_being_done(monkeypatch):
    done = []

    def fail():
        raise OSError("no such file")

    monkeypatch.setattr(warm, "_wait_for_server", lambda: None)
    monkeypatch.setattr(warm, "steps", lambda: iter([fail, lambda: done.append(1)]))
    warm.begin().join(10)
    assert done == [1]


def test_nothing_is_loaded_while_a_page_is_being_made(monkeypatch):
    ended, done = threading.Event(), threading.Event()
    monkeypatch.setattr(warm, "_wait_for_server", lambda: None)
    monkeypatch.setattr(warm, "steps", lambda: iter([done.set]))
    reader = threading.Thread(target=ended.wait, name="ScriptRunner.scriptThread")
    reader.start()
    thread = warm.begin()
    assert not done.wait(0.3)
    ended.set()
    reader.join()
    thread.join(10)
    assert done.is_set()


def _market():
    import streamlit as st

    from apps.market.choose import choose_rules

    choose_rules(st.container())
