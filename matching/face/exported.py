"""An encoder that the federation exported: checked against its manifest, then loaded. The one place here with torch."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from matching.face.encoder import Crops
from retail.errors import DataError
from retail.faces import SIDE

MANIFEST: Final = "tradefair-encoder/1"
_BLOCK: Final = 256


class ExportedNet:
    """A network from a file of torch.export with its manifest (`federation.faces.encoder.export_encoder`).

    Its model id is the name in the manifest and the beginning of the program's hash, so that embeddings of two programs
    never compare, whatever they are called. What the manifest says about privacy is in `privacy`.

    The hash shows that the program is the one that the manifest names, not who made both: load files from those whom
    you trust, and give `sha256` where they told you.

    Args:
        path: the program, *.pt2; the manifest lies beside it with the suffix .json.
        sha256: the program's hash as its maker published it; None takes the manifest's word.

    Raises: DataError: one of the two files is missing, they do not belong together, or the program gives no embeddings.
    """

    def __init__(self, path: Path | str, *, sha256: str | None = None) -> None:
        path = Path(path)
        manifest = _manifest(path.with_suffix(".json"))
        program = _read(path)
        digest = hashlib.sha256(program).hexdigest()
        if digest != manifest["sha256"] or (sha256 is not None and digest != sha256):
            raise DataError(
                f"{path} has SHA-256 {digest}, and {manifest['sha256'] if sha256 is None else sha256} is expected; "
                "fetch program and manifest again"
            )
        self.dimension = int(manifest["dimensions"])
        self.model = f"{manifest['model']}-{digest[:12]}"
        self.privacy: dict[str, Any] = dict(manifest["privacy"])
        self._net = _load(program, path)
        self._check(path)

    def embed(self, crops: Crops) -> npt.NDArray[np.float64]:
        """Return (n, dimension) vectors for (n, 64, 64) crops."""
        import torch

        parts = []
        with torch.no_grad():
            for start in range(0, len(crops), _BLOCK):
                block = torch.from_numpy(np.array(crops[start : start + _BLOCK], order="C"))
                parts.append(self._net(block).numpy().astype(np.float64))
        return np.concatenate(parts)

    def _check(self, path: Path) -> None:
        crops = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE)).astype(np.uint8)
        try:
            found = self.embed(crops)
        except (RuntimeError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{path} does not take ({SIDE}, {SIDE}) crops of uint8 ({type(error).__name__})") from error
        if found.shape != (2, self.dimension) or not np.isfinite(found).all():
            raise DataError(f"{path} gives {found.shape} or NaN where its manifest says {self.dimension} numbers")


def _manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_read(path))
        if not isinstance(found, dict) or found.get("format") != MANIFEST:
            raise DataError(f"{path} is no manifest of an encoder ({MANIFEST}); export the encoder again")
        known = (found["model"], found["sha256"], found["dimensions"], found["privacy"], found["input"]["shape"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} lacks what a manifest of an encoder has ({error}); export the encoder again"
        ) from error
    if not isinstance(known[0], str) or type(known[2]) is not int or not isinstance(known[3], dict):
        raise DataError(f"{path} has a model, dimensions or privacy of a wrong type; export the encoder again")
    if known[4][1:] != [SIDE, SIDE]:
        raise DataError(f"{path} is of an encoder for {known[4]}, crops here are {SIDE} x {SIDE}; export another")
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}; an encoder is a .pt2 and a .json beside it") from error


def _load(program: bytes, path: Path) -> Any:
    import torch

    try:
        return torch.export.load(io.BytesIO(program)).module()
    except Exception as error:  # of many kinds, none of them ours
        raise DataError(f"{path} is no program of torch.export ({type(error).__name__}); export it again") from error
