"""Optimiser steps on one merchant's images: what a merchant can do alone, and between the rounds of a federation.

Every step mixes the images of several people, so what leaves a merchant after such steps depends on all of
them together: no clipping bounds one person's part in it, and no privacy may be claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from federation.faces.margin import cosine_margin_loss, moved
from federation.faces.settings import FaceOptions
from retail.faces.faceset import FaceSet


@dataclass(eq=False)
class LocalState:
    """What stays at a merchant between rounds.

    Attributes:
        classes: (p + q, d) one direction for each person, then for each of q drawn ones; the class head.
        optimiser: moments of Adam, by the position of the parameter; None before the first step.
    """

    classes: Tensor
    optimiser: dict[str, Any] | None = None


def merchant_steps(
    net: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    state: LocalState,
    steps: int,
    options: FaceOptions,
    generator: torch.Generator,
    others: np.ndarray | None = None,
    public: FaceSet | None = None,
) -> LocalState:
    """Train a net and the class head in place.

    Args:
        net: with the weights to start from; holds the new ones afterwards.
        images: (n, side, side) uint8, n >= 1.
        labels: (n,) position of each image's person.
        state: from the merchant's last round.
        steps: of Adam, each on `options.batch` images drawn with replacement.
        options: of the task.
        generator: draws batches, mirroring and moves.
        others: (m, d) directions of other merchants' people, further classes that do not move; None for none.
        public: drawn people, of whom each step sees `options.replay` images more, each in a class of its own; None for
            none. Telling six people apart is soon learned; with hundreds beside them, merchants learn much the same.

    Returns: the state for the next round.
    """
    classes = nn.Parameter(state.classes.clone())
    optimiser = torch.optim.Adam([*net.parameters(), classes], lr=options.rate)
    if state.optimiser is not None:
        optimiser.load_state_dict(state.optimiser)
    pictures, right = torch.from_numpy(np.array(images)), torch.from_numpy(np.asarray(labels, dtype=np.int64))
    own = len(classes) - (public.people if public is not None else 0)
    fixed = torch.zeros((0, classes.shape[1])) if others is None else torch.from_numpy(np.array(others, np.float32))
    for _ in range(steps):
        drawn = torch.randint(len(pictures), (options.batch,), generator=generator)
        batch, who = pictures[drawn], right[drawn]
        if public is not None and options.replay:
            more = torch.randint(len(public), (options.replay,), generator=generator).numpy()
            batch = torch.cat([batch, torch.from_numpy(public.images[more])])
            who = torch.cat([who, torch.from_numpy(public.person[more]) + own])
        seen = net(moved(batch, generator, flip=options.flip, move=options.move))
        cosines = seen @ torch.cat([normalize(classes, dim=1), fixed]).T
        loss = cosine_margin_loss(cosines, who, scale=options.scale, margin=options.margin)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return LocalState(classes.detach(), optimiser.state_dict())


def class_means(net: nn.Module, images: np.ndarray, starts: np.ndarray) -> Tensor:
    """Return the direction of each person's mean embedding, (p, d): where a class head starts."""
    with torch.no_grad():
        seen = net(torch.from_numpy(np.array(images)))
        sums = [seen[first:last].sum(dim=0) for first, last in pairwise(starts)]
    return normalize(torch.stack(sums), dim=1)
