"""Setting up a shop: on whom it is calibrated, and what is refused for want of people."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from face_shop import state

from experiments.assistant.calibration import CalibratedOn, calibrate, choose_people
from experiments.assistant.encoders import Origin, install_encoder
from experiments.assistant.pictures import drawn_customers, orl_people, read_picture
from experiments.assistant.recommender_run import find_run
from experiments.assistant.settings import ShopSettings
from experiments.assistant.setup import open_shop
from experiments.assistant.till import minor_units
from matching.face.baselines import PcaWccn
from matching.face.calibration import Calibration
from matching.face.encoder import CropEncoder
from retail.errors import ConfigError, DataError
from retail.faces import load_orl

ROOT = Path(__file__).parents[3]
UNSEEN_BY = {"nobody's picture": 40, "a quarter of ORL": 30, "half of ORL": 20}


@pytest.mark.parametrize("what", UNSEEN_BY)
def test_nobody_who_was_trained_on_gives_a_threshold_and_some_are_left_to_be_enrolled(what):
    seen = tuple(f"orl:{number}" for number in range(1, 41 - UNSEEN_BY[what]))
    chosen = choose_people(Origin("exported", "a run", seen))
    assert not set(chosen.thresholds.names) & set(seen)
    left = {f"orl:{number}" for number in range(1, 41)} - set(seen) - set(chosen.names)
    assert len(left) >= 4
    assert chosen.words.startswith(f"thresholds: {chosen.thresholds.people} people of ORL")


def test_an_encoder_of_people_unknown_or_of_all_but_a_few_is_calibrated_on_drawings():
    few = Origin("exported", "a run", tuple(f"orl:{number}" for number in range(1, 31)))
    unknown = Origin("exported", "who knows", known=False)
    for origin in (few, unknown):
        assert "drawn people, who are no photos" in choose_people(origin).words
    with pytest.raises(ConfigError, match="all but 10 people of ORL"):
        choose_people(few, "orl")
    with pytest.raises(ConfigError, match="trained on is unknown"):
        choose_people(unknown, "orl")


def test_people_of_a_folder_who_were_trained_on_are_refused(tmp_path):
    from PIL import Image

    for name in ("anna", "bert"):
        (tmp_path / name).mkdir()
        Image.fromarray(read_picture("orl:1/1").photo).save(tmp_path / name / "1.png")
    with pytest.raises(ConfigError, match="trained on 1 people"):
        choose_people(Origin("exported", "a run", ("anna",)), str(tmp_path))


@pytest.fixture(scope="session")
def baseline():
    orl = load_orl()
    fitted = orl.person < 15
    return CropEncoder(PcaWccn(orl.images[fitted], orl.person[fitted]))


@pytest.mark.slow
def test_with_too_few_people_payment_stays_off_and_the_door_gets_a_looser_target(baseline, tmp_path):
    faces = orl_people(list(range(16, 22)))
    people = CalibratedOn(faces, orl_people(list(range(1, 31))), "six people")
    with pytest.raises(ConfigError, match="6 people to calibrate on admit 1 to 5"):
        calibrate(tmp_path, baseline, people, gallery=6)
    why = calibrate(tmp_path, baseline, people, gallery=5)
    assert "at least 3,000 non-mated comparisons" in why
    assert "1,500" in why
    assert Calibration.load(tmp_path / "door.json").thresholds[-1][0] == 0.05
    assert not (tmp_path / "payment.json").exists()


@pytest.mark.slow
def test_drawings_give_a_threshold_at_the_door_and_none_for_payment(baseline, tmp_path):
    """Nobody knows whether thresholds of drawings hold on photos."""
    few = drawn_customers(1, 10)
    why = calibrate(
        tmp_path, baseline, CalibratedOn(few, orl_people([*range(1, 31)]), "drawings", photos=False), gallery=5
    )
    assert "thresholds come from drawings" in why
    assert (tmp_path / "door.json").exists()
    assert not (tmp_path / "payment.json").exists()


def test_with_hardly_anybody_there_is_no_shop(baseline, tmp_path):
    people = CalibratedOn(orl_people([16, 17]), orl_people(list(range(1, 31))), "two people")
    with pytest.raises(DataError, match="have 20 pictures"):
        calibrate(tmp_path, baseline, people)
    assert state(tmp_path) == {}


def test_a_run_of_a_face_scenario_says_whom_its_encoder_was_trained_on(made, tmp_path):
    run = tmp_path / "runs" / "faces" / "ab"
    (run / "artifacts").mkdir(parents=True)
    manifest = json.loads((made / "shop" / "encoder.json").read_text())
    manifest["privacy"] = {"epsilon": None, "delta": None, "unit": "nobody", "statement": "No privacy is claimed."}
    (run / "artifacts" / "encoder.json").write_text(json.dumps(manifest))
    (run / "artifacts" / "encoder.pt2").write_bytes((made / "shop" / "encoder.pt2").read_bytes())
    unknown = install_encoder(tmp_path, str(run / "artifacts" / "encoder.pt2"))
    assert not unknown.known
    settings = 'kind = "faces"\nfold = 1\n[data]\nsource = "orl"\nfolds = 4\nmerchants = 5\nsplit_seed = 3\n'
    (run / "config.toml").write_text(settings)
    origin = install_encoder(tmp_path, str(run / "artifacts" / "encoder.pt2"))
    assert origin.known
    assert len(origin.trained_on) == 30
    chosen = choose_people(origin)
    assert not set(chosen.thresholds.names) & set(origin.trained_on)


def test_a_failed_setup_leaves_no_folder(tmp_path):
    for place in ("none.pt2", "something"):
        with pytest.raises((DataError, ConfigError)):
            open_shop(tmp_path / "faces", encoder=place)
        assert not (tmp_path / "faces").exists()


KILLED = """
import os, signal, sys
from experiments.assistant import open_shop
def stop(line):
    if line != "encoder":
        os.kill(os.getpid(), signal.SIGKILL)
open_shop(sys.argv[1], drawn_people=4, drawn_steps=1, progress=stop)
"""


@pytest.mark.slow
def test_a_setup_that_was_killed_is_cleared_away_by_the_next_one_and_nothing_else_is(tmp_path):
    folder = tmp_path / "faces"
    dead = subprocess.run([sys.executable, "-c", KILLED, str(folder)], cwd=ROOT, check=False, timeout=300)
    assert dead.returncode == -signal.SIGKILL
    assert (folder / "encoder.pt2").is_file()
    with pytest.raises((DataError, ConfigError), match=r"none\.json"):
        open_shop(folder, encoder="none.pt2")
    assert list(folder.iterdir()) == []
    (folder / "mine.txt").write_text("kept")
    with pytest.raises(ConfigError, match="not empty"):
        open_shop(folder, encoder="none.pt2")
    assert (folder / "mine.txt").read_text() == "kept"


def test_settings_that_were_damaged_are_refused_in_words(tmp_path):
    (tmp_path / "shop.json").write_text('{"schema": "tradefair-face-shop/1"}')
    with pytest.raises(DataError, match="holds no settings of a shop"):
        ShopSettings.load(tmp_path)


def test_a_drawing_is_the_same_whenever_it_is_asked_for_and_of_nobody_else():
    one = read_picture("drawn:5/2")
    assert one.public == "drawn:5"
    np.testing.assert_array_equal(one.photo, drawn_customers(3, 4).images[2 * 10 + 1])
    assert read_picture("orl:31/4").public == "orl:31"


AMOUNTS = {("12.50", "EUR"): 1250, ("7", "EUR"): 700, ("500", "JPY"): 500, ("1.234", "KWD"): 1234, ("0.07", "USD"): 7}


@pytest.mark.parametrize(("amount", "currency"), AMOUNTS)
def test_amounts_become_the_smallest_unit_exactly(amount, currency):
    assert minor_units(amount, currency) == AMOUNTS[amount, currency]


@pytest.mark.parametrize("amount", ["", "0", "0.00", "12,50", "-1", "1e3", "NaN", "12.505", " 1"])
def test_amounts_that_cannot_be_charged_are_refused(amount):
    with pytest.raises(ConfigError, match="amount is"):
        minor_units(amount, "EUR")


def test_a_scenario_stands_for_its_private_run_with_the_latest_window(tmp_path):
    def record(name, **facts):
        folder = tmp_path / "shop" / name
        (folder / "artifacts").mkdir(parents=True)
        (folder / "artifacts" / "model.npz").touch()
        body = {"status": "finished", "method": "federated", "origin": 0, "seed": 0, "epsilon": None, "noise": None}
        (folder / "run.json").write_text(json.dumps({**body, **facts}))

    record("a", origin=0, epsilon=4.0)
    record("b", origin=1)
    record("c", origin=1, epsilon=1.0, noise="aggregator")
    record("d", origin=1, epsilon=4.0, noise="aggregator")
    record("e", origin=1, epsilon=8.0, noise="every_node")
    record("f", origin=1, epsilon=8.0, method="dp_popularity")
    assert find_run("shop", tmp_path).name == "d"
    assert find_run(str(tmp_path / "shop" / "b"), tmp_path).name == "b"
    with pytest.raises(ConfigError, match="no run in"):
        find_run("other", tmp_path)
