"""Each person's own loss and its gradient, for all persons of a block at once.

The weights are those of a ranking among products never bought ("explore"), two numbers that turn that score into the
odds of a purchase ("scale"), and a logistic model of buying again ("habit"). A person's loss is made of that
person's examples; each part is divided by the root of its number of examples so that heavy shoppers do not speak
much louder, and clipping does the rest.
"""

from __future__ import annotations

import numpy as np
import torch

from federation.recommend.examples import EXPLORE_FEATURES, EXPLORE_START, OWN, SHARED, Window
from federation.recommend.habit import HABIT_FEATURES, HABIT_START
from federation.recommend.taste import LEVELS

EXPLORE = slice(0, len(EXPLORE_FEATURES))
SCALE = slice(EXPLORE.stop, EXPLORE.stop + 2)
HABIT = slice(SCALE.stop, SCALE.stop + len(HABIT_FEATURES))
WEIGHTS = HABIT.stop


def starting_weights(*, rich: bool) -> np.ndarray:
    """(WEIGHTS,) float64: the public start."""
    start = np.zeros(WEIGHTS)
    start[EXPLORE] = EXPLORE_START
    if not rich:
        start[EXPLORE.stop - 1] = 0.0
    start[SCALE] = (1.0, -np.log(100))  # popularity is in percent
    start[HABIT] = HABIT_START
    return start


def trainable(*, rich: bool) -> np.ndarray:
    """(WEIGHTS,) 0 or 1: which weights move. Popularity keeps weight 1: exploration is popularity times a lift."""
    free = np.ones(WEIGHTS)
    free[EXPLORE.stop - 2] = 0.0
    if not rich:
        free[EXPLORE.stop - 1] = 0.0
        free[len(LEVELS) : 2 * len(LEVELS)] = 0.0
        free[HABIT.start + HABIT_FEATURES.index("popularity")] = 0.0
    return free


def person_gradients(
    windows: list[Window], weights: np.ndarray, *, free: np.ndarray, steps: int, rate: float, device: str
) -> np.ndarray:
    """Move each person's copy of the weights `steps` times down that person's own loss.

    Args:
        windows: examples; every window lists the same persons.
        weights: (WEIGHTS,) broadcast.
        free: (WEIGHTS,) 0 or 1, which weights move; the others use up no part of the clip norm.
        steps: gradient steps per person.
        rate: size of a step.
        device: torch device.

    Returns: (persons, WEIGHTS) float32, (start - end) / rate: the gradient for one step, the sum of gradients along
        the person's own path for more.
    """
    persons = len(windows[0].open) if windows else 0
    start = torch.as_tensor(weights, dtype=torch.float32, device=device).repeat(persons, 1)
    mask = torch.as_tensor(free, dtype=torch.float32, device=device)
    tensors = [_Tensors(window, device) for window in windows]
    current = start.clone()
    for _ in range(steps):
        gradient = torch.zeros_like(current)
        for window in tensors:
            window.add_gradient(current, gradient)
        current -= rate * mask * gradient / len(windows)
    moved: np.ndarray = ((start - current) / rate).cpu().numpy()
    return moved


class _Tensors:
    def __init__(self, window: Window, device: str) -> None:
        self.own = torch.as_tensor(window.own, device=device)
        self.shared = torch.as_tensor(window.shared, device=device)
        self.open = torch.as_tensor(window.open, device=device)
        self.taken = torch.as_tensor(window.taken, device=device).float()
        self.habit = torch.as_tensor(window.habit, device=device)
        self.person = torch.as_tensor(window.habit_person, device=device)
        self.again = torch.as_tensor(window.again, device=device).float()

    def add_gradient(self, weights: torch.Tensor, gradient: torch.Tensor) -> None:
        """Add each person's gradient at that person's weights, (persons, WEIGHTS), in closed form."""
        # One product of matrices would do for the shared features, but how it rounds depends on who else is in it.
        shared = self.shared.expand(len(weights), -1, -1)
        score = torch.einsum("pkf,pf->pk", self.own, weights[:, OWN])
        score += torch.einsum("pkf,pf->pk", shared, weights[:, SHARED])
        chance = torch.softmax(score.masked_fill(~self.open, -1e9), dim=1) * self.open
        positives = self.taken.sum(1, keepdim=True)
        root = positives.clamp(min=1).sqrt()
        error = (chance * positives - self.taken) / root
        gradient[:, OWN] += torch.einsum("pk,pkf->pf", error, self.own)
        gradient[:, SHARED] += torch.einsum("pk,pkf->pf", error, shared)

        scale = weights[:, SCALE]
        odds = torch.sigmoid(scale[:, :1] * score + scale[:, 1:])
        error = (odds - self.taken) * self.open / score.shape[1] ** 0.5
        gradient[:, SCALE.start] += (error * score).sum(1) / 4
        gradient[:, SCALE.start + 1] += error.sum(1)

        if len(self.person):
            own = weights[self.person][:, HABIT]
            odds = torch.sigmoid((own * self.habit).sum(1))
            count = torch.bincount(self.person, minlength=len(weights)).clamp(min=1).sqrt()
            error = (odds - self.again) / count[self.person]
            gradient[:, HABIT].index_add_(0, self.person, error[:, None] * self.habit)
