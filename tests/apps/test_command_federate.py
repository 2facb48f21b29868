"""`tradefair federate` as far as it goes without a process: folders, keys, and one message for every mistake."""

import json
import tomllib
from pathlib import Path

import pytest

from apps.command import main as entry
from retail.generator import Settings, generate_tables

SCENARIO = """
name = "small"
[data]
source = "folder"
path = "shop"
population = 300
start = 2024-01-01
end = 2024-12-29
[federation]
rounds = 1
[privacy]
delta = 1e-4
[[arms]]
name = "plain"
method = "federated"
[[arms]]
name = "private"
method = "federated"
epsilon = 4.0
noise = "distributed"
dropouts = 1
"""
INIT = ("init", "fed", "--data", "shop", "--population", "300", "--start", "2024-01-01", "--end", "2024-12-29")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables") / "shop"
    generate_tables(folder, Settings(300, seed=3, merchants=3, products=400))
    return folder


@pytest.fixture
def call(shop, tmp_path, monkeypatch, capsys):
    """Run the command in a folder with a shop: exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").symlink_to(shop)
    (tmp_path / "small.toml").write_text(SCENARIO)

    def run(*arguments: str):
        code = entry.main(["federate", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_federation_is_made_and_shown_before_it_is_up(call, tmp_path):
    code, out, _ = call(*INIT, "--json")
    (row,) = json.loads(out)["rows"]
    assert (code, row["merchants"]) == (0, ["1", "2", "3"])
    assert (tmp_path / "fed" / "merchant-2" / "data" / "shop" / "transactions.parquet").is_file()
    code, out, _ = call("status", "fed")
    assert code == 0
    assert out.count("does not run") == 4
    assert call("down", "fed")[1] == "ended: nothing ran\n"


def test_mistakes_end_with_one_line_and_nothing_made(call, tmp_path):
    for arguments, message in (
        (("init", "fed", *INIT[2:], "--merchants", "1,9"), "9 not among them"),
        (("init", "fed", *INIT[2:], "--by", "department"), "merchants of a deployment are stores"),
        (("init", "shop", *INIT[2:]), "is there already"),
        (("up", "nowhere"), "holds no federation"),
        (("status", "nowhere"), "holds no federation"),
    ):
        code, out, err = call(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert message in err
    assert not (tmp_path / "fed").exists()


def test_a_taken_port_is_told_before_anything_starts(call, tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        call(*INIT, "--port", str(taken.getsockname()[1]))
        code, _, err = call("up", "fed")
    assert (code, "cannot be used" in err) == (2, True)
    assert not list(Path(tmp_path).rglob("running.json"))


def test_a_run_needs_an_arm_with_privacy_and_a_federation_that_is_up(call):
    call(*INIT)
    for arguments, message in (
        (("small.toml",), "the server of fed is not up"),
        (("small.toml", "--arm", "plain"), "claims no privacy"),
        (("small.toml", "--arm", "other"), "choose one of plain, private"),
        (("demo",), "needs data.source"),
        (("faces-demo",), 'needs data.source = "face-folder"'),
        (("small.toml", "--set", "arms.private.epsilon=9"), "more than the 4 that this party allows"),
        (("small.toml", "--set", 'data.path="market"'), "this party holds 'shop'"),
    ):
        code, out, err = call("run", "fed", *arguments)
        assert (code, out) == (2, ""), err
        assert message in err


def test_an_invitation_says_how_shoppers_are_enrolled_and_what_pictures_are_called(call, tmp_path):
    public = tmp_path / "public" / "shop"
    public.mkdir(parents=True)
    for name in ("products.parquet", "stores.parquet"):
        (public / name).write_bytes((tmp_path / "shop" / name).read_bytes())
    about = ("invite", "apart", "--data", "public/shop", *INIT[4:], "--host", "127.0.0.1")
    code, _, err = call(*about, "--by", "store", "--k-max", "2", "--pictures", "door")
    assert code == 0, err
    for party in ("server", "invitation"):
        said = tomllib.loads((tmp_path / "apart" / party / "party.toml").read_text())
        assert (said["by"], said["k_max"], said["faces"]) == ("store", 2, "faces/door")


def test_a_merchants_key_that_is_missing_is_named(call, tmp_path):
    call(*INIT)
    (tmp_path / "fed" / "server" / "members" / "1.pub").unlink()
    code, _, err = call("up", "fed")
    assert (code, "the public key of merchant 2, is missing" in err) == (2, True)


def test_a_run_over_ray_or_a_deployment_is_for_recommenders(capsys):
    for arguments, message in (
        (["run", "demo", "--engine", "deploy"], "tradefair federate"),
        (["run", "faces-demo", "--engine", "ray"], "about faces has no engine"),
        (["run", "demo", "--engine", "spark"], "must be 'inprocess', 'cohort' or 'ray'"),
    ):
        assert entry.main(arguments) == 2
        assert message in capsys.readouterr().err
