import json

import numpy as np
import pytest

from federation.faces.encoder import DRAWINGS_ONLY, FaceEncoder, export_encoder
from federation.faces.net import SmallFaceNet
from matching.face.encoder import CropEncoder
from matching.face.exported import ExportedNet
from retail.errors import DataError


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    path = tmp_path_factory.mktemp("encoder") / "net.pt2"
    net = FaceEncoder(SmallFaceNet(seed=3), np.zeros(128), np.eye(128)).eval()
    export_encoder(net, path, model="small", claim=DRAWINGS_ONLY)
    return net, path


def test_an_exported_encoder_gives_the_embeddings_of_the_net_that_was_trained(exported, orl):
    import torch

    net, path = exported
    encoder = CropEncoder(ExportedNet(path))
    found = encoder.encode(list(orl.images[:5]))
    with torch.no_grad():
        expected = net(torch.from_numpy(orl.images[:5].copy())).numpy()
    assert np.allclose(found.vectors, expected, atol=1e-5)
    assert encoder.model.startswith("small-")
    assert encoder.net.privacy["epsilon"] == 0


def test_an_encoder_whose_files_do_not_belong_together_is_refused(exported, tmp_path):
    _, path = exported
    manifest = json.loads(path.with_suffix(".json").read_text())
    program = path.read_bytes()

    def load(program=program, **changes):
        (tmp_path / "net.pt2").write_bytes(program)
        (tmp_path / "net.json").write_text(json.dumps(manifest | changes))
        return ExportedNet(tmp_path / "net.pt2")

    assert load().dimension == 128
    with pytest.raises(DataError, match="is expected"):
        load(program[:-1])
    with pytest.raises(DataError, match="64 numbers"):
        load(dimensions=64)
    with pytest.raises(DataError, match="no manifest"):
        load(format="something else")
    with pytest.raises(DataError, match="crops here are 64 x 64"):
        load(input={"shape": ["n", 112, 92]})
    with pytest.raises(DataError, match="is expected"):
        ExportedNet(path, sha256="0" * 64)
    with pytest.raises(DataError, match="cannot read"):
        ExportedNet(tmp_path / "missing.pt2")
    import hashlib

    with pytest.raises(DataError, match=r"no program of torch\.export"):
        load(b"junk", sha256=hashlib.sha256(b"junk").hexdigest())
