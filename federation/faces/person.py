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
from torch.func import functional_call, grad
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

    def of(self, seen: Tensor, own: Tensor) -> Tensor:
        """Judge the embeddings of one person.

        Args:
            seen: (m, d) embeddings.
            own: () int64, the person's direction where they are fixed.

        Returns: () the mean over images; 0 for a person with too few images to compare (one, or none where fixed).
        """
        if self.fixed:
            cosines = seen @ self.public.T
            right = own.expand(len(seen))
            least = 1
        else:
            others = normalize(seen.sum(dim=0) - seen, dim=1)
            cosines = torch.cat([(seen * others).sum(dim=1, keepdim=True), seen @ self.public.T], dim=1)
            right = torch.zeros_like(own).expand(len(seen))
            least = 2
        marked = torch.zeros_like(cosines).scatter(1, right[:, None], self.margin)
        logits = self.scale * (cosines - marked)
        each = torch.logsumexp(logits, dim=1) - logits.gather(1, right[:, None])[:, 0]
        return float(len(seen) >= least) * each.sum() / max(len(seen), 1)


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
) -> np.ndarray:
    """Return the gradient of each person's own loss.

    Args:
        net: with the broadcast weights.
        people: of each person (m, side, side) uint8 images.
        owns: of each person the number of a fixed direction.
        names: of the parameters to differentiate by.
        loss: the loss. People come one after the other: several at once, padded to the longest (torch.func.vmap), took
            more CPU time except for "head".

    Returns: (persons, d) float32, d the size of the parameters in the order of `names`; not clipped. A row is a
        function of the weights, public constants and that person's images.
    """
    free = {name: value.detach() for name, value in net.named_parameters() if name in names}
    kept = {name: value.detach() for name, value in net.named_parameters() if name not in names}
    free = {name: free[name] for name in names}

    def judge(weights: Weights, images: Tensor, own: Tensor) -> Tensor:
        seen: Tensor = functional_call(net, {**kept, **weights}, (images,))
        return loss.of(seen, own)

    one: Callable[..., Weights] = grad(judge)
    rows = _one_by_one(one, free, people, owns)
    size = sum(value.numel() for value in free.values())
    return np.concatenate([*rows, np.zeros((0, size), dtype=np.float32)])


def _one_by_one(
    one: Callable[..., Weights], free: Weights, people: Sequence[np.ndarray], owns: Sequence[int]
) -> Iterator[np.ndarray]:
    for images, own in zip(people, owns, strict=True):
        found = one(free, torch.from_numpy(np.array(images)), torch.tensor(own))
        yield torch.cat([value.flatten() for value in found.values()]).numpy()[None, :]
