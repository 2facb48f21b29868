import json

import numpy as np
import pytest
import torch

from federation.faces.encoder import DRAWINGS_ONLY, NO_CLAIM, FaceEncoder, export_encoder, person_claim
from federation.faces.net import SmallFaceNet, embed, weights_of
from retail.errors import DataError, PrivacyError
from retail.files import sha256_file

RNG = np.random.default_rng(0)


@pytest.fixture
def encoder():
    linear = np.eye(128) + 0.1 * np.random.default_rng(1).normal(size=(128, 128))
    return FaceEncoder.of(weights_of(SmallFaceNet(seed=2)), np.full(128, 0.05), linear)


def test_embeddings_have_length_one_and_ignore_brightness_and_contrast():
    images = RNG.integers(60, 120, (3, 64, 64)).astype(np.uint8)
    net = SmallFaceNet()
    seen, brighter = embed(net, images), embed(net, (images * 2).astype(np.uint8))
    assert np.allclose(np.linalg.norm(seen, axis=1), 1.0, atol=1e-5)
    assert (seen * brighter).sum(axis=1).min() > 0.99
    assert np.isfinite(embed(net, np.zeros((1, 64, 64), np.uint8))).all()


def test_an_image_is_embedded_alike_whatever_it_comes_with():
    images = RNG.integers(0, 256, (5, 64, 64)).astype(np.uint8)
    net = SmallFaceNet()
    assert np.allclose(embed(net, images)[2], embed(net, images[2:3])[0], atol=1e-5)
    assert 190_000 < sum(one.numel() for one in net.parameters()) < 200_000


@pytest.mark.slow
def test_an_exported_encoder_gives_the_same_embeddings_without_this_package(encoder, tmp_path):
    claim = person_claim(8.0, 1e-5, seeded=False)
    manifest = export_encoder(encoder, tmp_path / "door.pt2", model="door-1", claim=claim)
    said = json.loads(manifest.read_text("utf-8"))
    assert said["model"] == "door-1"
    assert said["sha256"] == sha256_file(tmp_path / said["file"])
    assert said["dimensions"] == 128
    assert said["input"]["shape"] == ["n", 64, 64]
    assert said["privacy"]["epsilon"] == 8.0
    assert "one person" in said["privacy"]["unit"]
    program = torch.export.load(tmp_path / "door.pt2").module()
    for count in (1, 7):
        images = RNG.integers(0, 256, (count, 64, 64)).astype(np.uint8)
        assert np.allclose(program(torch.from_numpy(images)).detach(), embed(encoder, images), atol=1e-5)


def test_what_cannot_be_exported_leaves_no_file(encoder, tmp_path):
    with pytest.raises(DataError, match="pt2"):
        export_encoder(encoder, tmp_path / "door.bin", model="door-1", claim=NO_CLAIM)
    with pytest.raises(DataError, match="name"):
        export_encoder(encoder, tmp_path / "door.pt2", model=" ", claim=NO_CLAIM)
    encoder.shift[0] = float("nan")
    with pytest.raises(DataError, match="NaN"):
        export_encoder(encoder, tmp_path / "door.pt2", model="door-1", claim=NO_CLAIM)
    assert list(tmp_path.iterdir()) == []


def test_claims_say_what_they_cover():
    assert NO_CLAIM.epsilon is None
    assert "without noise" in NO_CLAIM.statement
    assert DRAWINGS_ONLY.epsilon == 0.0
    for epsilon, delta in ((0.0, 1e-5), (float("inf"), 1e-5), (8.0, 0.0), (float("nan"), 1e-5)):
        with pytest.raises(PrivacyError):
            person_claim(epsilon, delta, seeded=False)


def test_noise_out_of_a_seed_makes_no_claim():
    seeded, secret = (person_claim(8.0, 1e-5, seeded=one) for one in (True, False))
    assert (seeded.epsilon, seeded.delta, seeded.unit) == (None, None, "nobody")
    assert "from the run's seed" in seeded.statement
    assert "epsilon 8" in seeded.statement
    assert (secret.epsilon, secret.delta) == (8.0, 1e-5)
    assert "other runs over the same people add theirs" in secret.statement
