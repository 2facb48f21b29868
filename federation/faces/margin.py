"""The loss: softmax over cosines, with a margin that the right class must win by."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, pad


def cosine_margin_loss(cosines: Tensor, labels: Tensor, *, scale: float, margin: float) -> Tensor:
    """Mean cross-entropy of scale * (cosine - margin of the right class).

    Args:
        cosines: (n, classes) between embeddings and classes, all of length 1.
        labels: (n,) int64, the right class.
        scale: of the logits.
        margin: 0 for none.

    Source: Wang et al. 2018, "CosFace: large margin cosine loss for deep face recognition", equation 4.
    """
    right = torch.zeros_like(cosines).scatter(1, labels[:, None], margin)
    return cross_entropy(scale * (cosines - right), labels)


def moved(images: Tensor, generator: torch.Generator, *, flip: bool, move: int) -> Tensor:
    """Return the images, half of them mirrored, all moved by the same few pixels with their edges drawn out.

    Args:
        images: (n, h, w) uint8 or float.
        generator: draws.
        flip: whether to mirror.
        move: pixels at most.
    """
    values = images.float()
    if flip:
        mirrored = torch.rand(len(values), generator=generator) < 0.5
        values = torch.where(mirrored[:, None, None], values.flip(2), values)
    if move:
        height, width = values.shape[1:]
        down, across = torch.randint(0, 2 * move + 1, (2,), generator=generator).tolist()
        wide = pad(values[:, None], (move,) * 4, mode="replicate")[:, 0]
        values = wide[:, down : down + height, across : across + width]
    return values
