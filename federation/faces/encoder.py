"""The encoder that a run leaves: the net, then a shift and a linear map; as a module, and as an exported file."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from federation.faces.net import SmallFaceNet, load_weights
from retail.errors import DataError, PrivacyError
from retail.faces.faceset import SIDE
from retail.files import atomic_write, sha256_file

MANIFEST: Final = "tradefair-encoder/1"


class FaceEncoder(nn.Module):
    """Crops to points on a sphere: (n, 64, 64) uint8 -> (n, 128) float32 of length 1.

    Args:
        net: makes embeddings.
        shift: (d,) taken off them.
        linear: (d, d) applied afterwards, before the length becomes 1 again.
    """

    def __init__(self, net: SmallFaceNet, shift: np.ndarray, linear: np.ndarray) -> None:
        super().__init__()
        self.net = net
        self.shift: Tensor
        self.linear: Tensor
        self.register_buffer("shift", torch.from_numpy(np.array(shift, dtype=np.float32)))
        self.register_buffer("linear", torch.from_numpy(np.array(linear, dtype=np.float32)))

    @classmethod
    def of(cls, weights: np.ndarray, shift: np.ndarray, linear: np.ndarray) -> FaceEncoder:
        """Make the encoder of a model's arrays."""
        net = SmallFaceNet()
        load_weights(net, weights)
        return cls(net, shift, linear).eval()

    def forward(self, images: Tensor) -> Tensor:
        """Embed crops."""
        return normalize((self.net(images) - self.shift) @ self.linear.T, dim=1)


@dataclass(frozen=True, slots=True)
class Claim:
    """What may be said about the privacy of the people an encoder was trained on.

    Attributes:
        epsilon: of what the run released about them; None where nothing is claimed. Other runs over the same people add
            theirs.
        delta: of epsilon.
        unit: who is protected.
        statement: one sentence for people.
    """

    epsilon: float | None
    delta: float | None
    unit: str
    statement: str


NO_CLAIM: Final = Claim(
    None, None, "nobody", "No privacy is claimed: the weights were trained on people's images without noise."
)
DRAWINGS_ONLY: Final = Claim(
    0.0, 0.0, "everybody", "Nobody's image was used: the weights were trained on drawings alone."
)


def person_claim(epsilon: float, delta: float, *, seeded: bool) -> Claim:
    """Say what an (epsilon, delta) over people means.

    Args:
        epsilon: of the run's ledger.
        delta: likewise.
        seeded: whether the noise came from the run's seed. Then it hides nobody, and nothing is claimed.

    Raises:
        PrivacyError: the numbers are none.
    """
    if not (0 < epsilon < float("inf") and 0 < delta < 1):
        raise PrivacyError(f"epsilon {epsilon!r}, delta {delta!r} make no claim; give those of the run's ledger")
    if seeded:
        return Claim(
            None,
            None,
            "nobody",
            "No privacy is claimed: in this simulation the noise came from the run's seed, and whoever knows the seed "
            f"can take it away. The same noise from a secret source would have given epsilon {epsilon:g} at delta "
            f"{delta:g} for one person with all images, in this run alone.",
        )
    return Claim(
        epsilon,
        delta,
        "one person with all images",
        f"Adding or removing one person with all images changes the odds of any outcome of this run by at most a "
        f"factor of e^{epsilon:g}, but for a probability of {delta:g}; other runs over the same people add theirs. "
        "Templates that the encoder makes are not covered.",
    )


def export_encoder(net: nn.Module, path: Path, *, model: str, claim: Claim) -> Path:
    """Write an encoder as a program of torch.export with a manifest beside it.

    Args:
        net: takes (n, 64, 64) uint8 and returns (n, d) float32 of length 1, such as `FaceEncoder`.
        path: of the program, called *.pt2. The manifest is `path` with the suffix .json; it is written last and holds
            the program's hash, so that a program without its manifest, or with another's, can be told.
        model: what the encoder is called; embeddings of two models are never compared.
        claim: what may be said about the people behind the weights.

    Returns: path of the manifest.

    Raises:
        DataError: another suffix, no name, a net whose output is not finite or not of length 1, or a file that cannot
            be written.
    """
    path = Path(path)
    if path.suffix != ".pt2":
        raise DataError(f"an encoder goes to a file called *.pt2, not {path}; rename it")
    if not model.strip() or model != model.strip():
        raise DataError(f"model = {model!r}: give the encoder a name")
    dimensions = _checked(net)
    count = torch.export.Dim("n", min=1, max=4096)
    example = (torch.zeros(2, SIDE, SIDE, dtype=torch.uint8),)
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # about torch's own archive; what was written is checked by its readers
        logging.getLogger("torch.export").setLevel(logging.ERROR)
        program = torch.export.export(net.eval(), example, dynamic_shapes=({0: count},))
        written = Path(folder) / "encoder.pt2"
        torch.export.save(program, written)
        atomic_write(path, lambda temporary: shutil.copyfile(written, temporary))
    manifest = {
        "format": MANIFEST,
        "model": model,
        "file": path.name,
        "sha256": sha256_file(path),
        "input": {"shape": ["n", SIDE, SIDE], "dtype": "uint8", "content": "aligned grey crops, 0 to 255"},
        "output": {"shape": ["n", dimensions], "dtype": "float32", "content": "length 1"},
        "dimensions": dimensions,
        "privacy": asdict(claim),
    }
    target = path.with_suffix(".json")
    atomic_write(target, lambda temporary: temporary.write_text(json.dumps(manifest, indent=2) + "\n", "utf-8"))
    return target


def _checked(net: nn.Module) -> int:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (3, SIDE, SIDE), generator=generator).to(torch.uint8)
    with torch.no_grad():
        seen: Tensor = net(images)
    if seen.ndim != 2 or seen.dtype != torch.float32 or not bool(torch.isfinite(seen).all()):
        raise DataError(f"the encoder returns {tuple(seen.shape)} {seen.dtype} with NaN or infinity; train it again")
    if bool(((seen.norm(dim=1) - 1).abs() > 1e-3).any()):
        raise DataError("the encoder's embeddings are not of length 1; normalise them")
    return int(seen.shape[1])
