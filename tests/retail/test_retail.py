"""The package as a whole: its public names, its example, and what importing it costs."""

import subprocess
import sys
from textwrap import dedent

import pytest

import retail


@pytest.mark.parametrize("name", retail.__all__)
def test_every_public_name_can_be_used(name):
    assert getattr(retail, name) is not None
    assert name in dir(retail)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'retail' has no attribute 'nothing'"):
        _ = retail.nothing


@pytest.mark.slow
def test_the_example_of_the_docstring_runs(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("TRADEFAIR_CACHE", str(tmp_path))
    text = retail.__doc__
    start = text.index("    from retail import")
    exec(dedent(text[start : text.index("\n\n", start)]), {})
    members, lines, *_ = capsys.readouterr().out.split()
    assert members == "99"
    assert int(lines) > 0


def test_importing_the_errors_does_not_load_pandas():
    code = "import sys, retail.errors, retail.columns; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_in_the_shops_world_loads_a_learning_framework():
    load_all = "import sys, retail; [getattr(retail, name) for name in retail.__all__]"
    code = f"{load_all}; sys.exit(bool({{'torch', 'flwr'}} & {{*sys.modules}}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
