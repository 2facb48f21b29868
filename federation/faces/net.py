"""SmallFaceNet: a grey crop becomes a point on a sphere."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from retail.faces.faceset import SIDE

DIMENSIONS: Final = 128
WIDTHS: Final = (16, 32, 64, 64)
_GROUP: Final = 8  # channels that are normalised together


class SmallFaceNet(nn.Module):
    """Four convolutions with GroupNorm, and a linear map of what is left: about 192,000 parameters.

    GroupNorm looks at one image alone: batch normalisation would let a person change other people's embeddings, and has
    no gradient for each person.

    Args:
        widths: channels of each convolution, multiples of 8; each halves height and width.
        dimensions: of the embedding.
        seed: of the weights at the start.
    """

    def __init__(
        self, *, widths: tuple[int, ...] = WIDTHS, dimensions: int = DIMENSIONS, seed: int = 0, side: int = SIDE
    ) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for before, after in pairwise((1, *widths)):
            blocks += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)]
            blocks += [nn.GroupNorm(after // _GROUP, after), nn.ReLU()]
        self.body = nn.Sequential(*blocks)
        left = side // 2 ** len(widths)
        self.head = nn.Linear(widths[-1] * left * left, dimensions)
        self._start(torch.Generator().manual_seed(seed))

    def forward(self, images: Tensor) -> Tensor:
        """Embed images.

        Args:
            images: (n, side, side) uint8 or float; each is brought to mean 0 and deviation 1 first, so that brightness
                and contrast do not matter.

        Returns: (n, dimensions) float32 of length 1.
        """
        return normalize(self.head(self.features(images)), dim=1)

    def features(self, images: Tensor) -> Tensor:
        """Return what the last linear map sees, (n, channels x places)."""
        values = images.float()
        centred = values - values.mean(dim=(1, 2), keepdim=True)
        spread = centred.square().mean(dim=(1, 2), keepdim=True).sqrt()
        left: Tensor = self.body((centred / (spread + 1.0)).unsqueeze(1))
        return left.flatten(1)

    def _start(self, generator: torch.Generator) -> None:
        for name, parameter in self.named_parameters():
            if parameter.ndim > 1:
                fan = parameter[0].numel()
                with torch.no_grad():
                    parameter.normal_(0.0, (2.0 / fan) ** 0.5, generator=generator)
            else:
                nn.init.constant_(parameter, 1.0 if name.endswith("weight") else 0.0)


def embed(net: nn.Module, images: np.ndarray, *, block: int = 256) -> np.ndarray:
    """Return (n, dimensions) float32 embeddings of (n, 64, 64) uint8 images."""
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), block):
            parts.append(net(torch.from_numpy(np.array(images[start : start + block]))).numpy())
    return np.concatenate(parts) if parts else np.zeros((0, DIMENSIONS), dtype=np.float32)


def weights_of(net: nn.Module) -> np.ndarray:
    """Return all parameters, one after the other, (p,) float32."""
    return nn.utils.parameters_to_vector(net.parameters()).detach().numpy().copy()


def load_weights(net: nn.Module, weights: np.ndarray) -> None:
    """Put back what `weights_of` returned."""
    nn.utils.vector_to_parameters(torch.from_numpy(np.array(weights, dtype=np.float32)), net.parameters())
