"""TOML that somebody sent is parsed or refused in one line, and never keeps the app busy."""

import pytest

from retail.toml_text import parsed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (".".join(["a"] * 100_000) + " = 1", "line 1 has 99,999 dots"),  # the standard parser needs minutes for it
        ("[" + ".".join(["a"] * 400) + "]\n" + "b = 1\n" * 90_000, "line 1 has 399 dots"),
        ("a = " + "[" * 5_000, "nested too deeply"),
        ("a = " + "9" * 5_000, "digits"),
        ("a = ?", "line 1"),
    ],
)
def test_what_cannot_be_read_or_not_in_time_is_told_in_one_line(text, words):
    with pytest.raises(ValueError, match=words) as told:
        parsed(text)
    assert "\n" not in str(told.value)


def test_long_lines_of_numbers_are_read():
    assert parsed(f"a = {[0.5] * 1_000}\nb.c = 'x. y.'") == {"a": [0.5] * 1_000, "b": {"c": "x. y."}}
