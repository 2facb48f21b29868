"""One person's gradient: a loss of that person's own images alone, told apart from faces of nobody.

A class head trained on other people would make each gradient depend on all of them, and clipping would bound nobody.
Here the other classes are public: drawn faces, or directions that are fixed before anybody is seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import normalize

_PREFIXES = {"head": ("head.",), "all": ("",)}
Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class PersonLoss:
    """How one person's images are judged.

    Attributes:
        public: (m, d) directions of the other classes, length 1.
        scale: of the logits.
        margin: of the right class.
        fixed: whether each person is to go to a direction of `public`, chosen by that person's own id, instead of to
            the mean of the person's other images.
    """

    public: Tensor
    scale: float
    margin: float
    fixed: bool

    def of(self, seen: Tensor, here: Tensor, own: Tensor) -> Tensor:
        """Judge the embeddings of one person.

        Args:
            seen: (m, d) embeddings; rows with `here` 0 are padding.
            here: (m,) 1.0 for an image, else 0.0.
            own: () int64, the person's direction where they are fixed.

        Returns: () the mean over images; 0 for a person with too few images to compare (one, or none where fixed).
        """
        if self.fixed:
            cosines = seen @ self.public.T
            right = own.expand(len(seen))
            enough = here.sum().clamp(max=1.0)
        else:
            total = (seen * here[:, None]).sum(dim=0)
            others = normalize(total - seen * here[:, None], dim=1)
            cosines = torch.cat([(seen * others).sum(dim=1, keepdim=True), seen @ self.public.T], dim=1)
            right = torch.zeros_like(own).expand(len(seen))
            enough = (here.sum() - 1).clamp(0.0, 1.0)
        marked = torch.zeros_like(cosines).scatter(1, right[:, None], self.margin)
        logits = self.scale * (cosines - marked)
        each = torch.logsumexp(logits, dim=1) - logits.gather(1, right[:, None])[:, 0]
        return enough * (each * here).sum() / here.sum().clamp(min=1.0)


def adapted(net: nn.Module, which: str) -> tuple[str, ...]:
    """Return the names of the parameters that may change: "norms", "head" or "all"."""
    if which == "norms":
        groups = [name for name, module in net.named_modules() if isinstance(module, nn.GroupNorm)]
        return tuple(name for name, _ in net.named_parameters() if name.rpartition(".")[0] in groups)
    return tuple(name for name, _ in net.named_parameters() if name.startswith(_PREFIXES[which]))


def person_gradients(
    net: nn.Module,
    people: Sequence[np.ndarray],
    owns: Sequence[int],
    *,
    names: Sequence[str],
    loss: PersonLoss,
    together: bool = False,
) -> np.ndarray:
    """Return the gradient of each person's own loss.

    Args:
        net: with the broadcast weights.
        people: of each person (m, side, side) uint8 images.
        owns: of each person the number of a fixed direction.
        names: of the parameters to differentiate by.
        loss: the loss.
        together: compute several people at once, padded to the longest (torch.func.vmap); else one after the other,
            which took less CPU time except for "head". The result differs by rounding only.

    Returns: (persons, d) float32, d the size of the parameters in the order of `names`; not clipped. A row is a
        function of the weights, public constants and that person's images.
    """
    free = {name: value.detach() for name, value in net.named_parameters() if name in names}
    kept = {name: value.detach() for name, value in net.named_parameters() if name not in names}
    free = {name: free[name] for name in names}

    def judge(weights: Weights, images: Tensor, here: Tensor, own: Tensor) -> Tensor:
        seen: Tensor = functional_call(net, {**kept, **weights}, (images,))
        return loss.of(seen, here, own)

    one: Callable[..., Weights] = grad(judge)
    rows = _together(one, free, people, owns) if together else _one_by_one(one, free, people, owns)
    size = sum(value.numel() for value in free.values())
    return np.concatenate([*rows, np.zeros((0, size), dtype=np.float32)])


def _one_by_one(
    one: Callable[..., Weights], free: Weights, people: Sequence[np.ndarray], owns: Sequence[int]
) -> Iterator[np.ndarray]:
    for images, own in zip(people, owns, strict=True):
        found = one(free, torch.from_numpy(np.array(images)), torch.ones(len(images)), torch.tensor(own))
        yield torch.cat([value.flatten() for value in found.values()]).numpy()[None, :]


def _together(
    one: Callable[..., Weights], free: Weights, people: Sequence[np.ndarray], owns: Sequence[int]
) -> Iterator[np.ndarray]:
    if not people:
        return
    longest = max(len(images) for images in people)
    padded = np.zeros((len(people), longest, *people[0].shape[1:]), dtype=np.uint8)
    here = np.zeros((len(people), longest), dtype=np.float32)
    for index, images in enumerate(people):
        padded[index, : len(images)], here[index, : len(images)] = images, 1.0
    found = vmap(one, in_dims=(None, 0, 0, 0))(
        free, torch.from_numpy(padded), torch.from_numpy(here), torch.tensor(list(owns))
    )
    yield torch.cat([value.flatten(1) for value in found.values()], dim=1).numpy()
