"""The face task: merchants learn together to tell people apart, and no picture leaves any of them.

Rounds, by `options.learn`:

- "merchant": "train-1" ...: each merchant takes optimiser steps with a class for each of its people, and where
  `options.replay` says so of drawn ones, and sends how far its weights moved. Class heads and the optimiser's moments
  stay. No privacy can be claimed: see `federation.faces.merchant`.
- "person": "train-1" ...: each person's own gradient of a few weights, from public weights.
- "moments", when `options.moments` > 0: each person's own mean and covariance in public directions, once.

What pooled data would give is `federation.local.train` with one node of everybody; what a merchant does alone, with
that merchant's node; both with as many optimiser steps, `rounds` x `steps`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

import numpy as np
import torch

from federation.faces.encoder import FaceEncoder
from federation.faces.holdings import FaceMarket, FaceNode
from federation.faces.merchant import LocalState, class_means, merchant_steps
from federation.faces.moments import Frame, adapted_map, person_rows, public_frame, row_size, whitening
from federation.faces.net import DIMENSIONS, SmallFaceNet, embed, load_weights, weights_of
from federation.faces.person import PersonLoss, adapted, person_gradients
from federation.faces.settings import FaceOptions
from federation.faces.start import drawn, few_drawn, start_of
from federation.task import Model, Round, TaskSettings
from privacy.clipping import Updates
from retail.errors import ConfigError

_BLOCK: Final = 64  # persons whose contributions are in memory at a time
_FRAME: Final = ("centre", "basis", "within", "lengths", "spread")


class FaceTask:
    """Learn an encoder of faces. See the module's docstring for the rounds.

    Args:
        settings: public settings; `settings.steps` are a merchant's optimiser steps in a round, `settings.options` as
            in `FaceOptions`.
        public: which merchants hold how many people.

    Raises:
        ConfigError: an option is refused, or the data are not faces.
    """

    def __init__(self, settings: TaskSettings, public: FaceMarket) -> None:
        if not isinstance(public, FaceMarket):
            raise ConfigError(f'task "faces" needs a source of faces, not {type(public).__name__}; name one in data')
        self.settings = settings
        self.options = FaceOptions.read(settings.options)
        self.public = public
        self._net = SmallFaceNet(seed=settings.seed)
        self._unit = settings.clip_norm if settings.clip_norm is not None else 1.0
        self._names = adapted(self._net, self.options.adapt)
        self._free = _mask(self._net, self._names)

    def rounds(self) -> tuple[Round, ...]:
        """List the exchanges, in order; see `Task`."""
        o, planned = self.options, list[Round]()
        if o.learn != "nothing":
            size = int(self._free.sum()) if o.learn == "person" else len(self._free) + self._slots * DIMENSIONS
            share = o.train_share / self.settings.rounds
            rounds = range(1, self.settings.rounds + 1)
            planned += [Round(f"train-{one}", "training", size, share, o.learn) for one in rounds]
        if o.moments:
            planned.append(Round("moments", "moments", row_size(o.moments, o.spread), o.moments_share))
        return tuple(planned)

    def initial(self) -> Model:
        """Return public constants: the weights to start from, and the moments of drawings where they are used."""
        weights = start_of(self.options, self.settings.seed)
        model: Model = {
            "weights": weights,
            "shift": np.zeros(DIMENSIONS),
            "map": np.eye(DIMENSIONS),
            "prototypes": np.zeros((self._slots, DIMENSIONS), dtype=np.float32),
        }
        return self._framed(model) if self.options.moments else model

    def broadcast(self, model: Model, round_: Round) -> Model:
        """Return what nodes need in a round."""
        names = _FRAME if round_.purpose == "moments" else ("prototypes",)
        return {name: model[name] for name in ("weights", *names)}

    def person_updates(self, model: Model, round_: Round, node: FaceNode) -> Iterator[Updates]:
        """Yield one row per person, or one for all where `contribution` is "merchant"; see `Task`."""
        load_weights(self._net, model["weights"])
        if not len(node.persons):
            return
        if round_.purpose == "moments":
            yield from self._moments(model, node)
        elif self.options.learn == "person":
            yield from self._gradients(node)
        else:
            yield self._steps(model, round_, node)

    def advance(self, model: Model, round_: Round, mean: np.ndarray, *, noise_scale: float) -> Model:
        """Return the model after a round; see `Task`."""
        new, weights = dict(model), model["weights"].astype(np.float64)
        if round_.purpose == "moments":
            new["shift"], new["map"] = adapted_map(mean, _frame(model), unit=self._unit, noise_scale=noise_scale)
            return new
        if self.options.learn == "person":
            weights[self._free] -= self.settings.learning_rate * mean
        else:
            weights += self.settings.learning_rate * mean[: len(weights)]
            held = (mean[len(weights) :] * self.settings.population).reshape(-1, DIMENSIONS)
            new["prototypes"] = held.astype(np.float32)
        new["weights"] = weights.astype(np.float32)
        last = [one.name for one in self.rounds() if one.purpose == "training"][-1]
        return self._framed(new) if self.options.moments and round_.name == last else new

    def encoder(self, model: Model) -> FaceEncoder:
        """Return the encoder that a model makes."""
        return FaceEncoder.of(model["weights"], model["shift"], model["map"])

    @property
    def _slots(self) -> int:
        """Places for prototypes of people, the same number for each merchant."""
        if not self.options.share_prototypes or self.options.learn != "merchant":
            return 0
        return len(self.public.merchants) * self._slots_of_one

    @property
    def _slots_of_one(self) -> int:
        return -(-self.settings.population // len(self.public.merchants))

    def _moments(self, model: Model, node: FaceNode) -> Iterator[Updates]:
        frame = _frame(model)
        for start in range(0, len(node.persons), _BLOCK):
            block = range(start, min(start + _BLOCK, len(node.persons)))
            yield person_rows([embed(self._net, node.of(one)) for one in block], frame, unit=self._unit)

    def _gradients(self, node: FaceNode) -> Iterator[Updates]:
        o = self.options
        if o.head == "fixed":
            public = SmallFaceNet(seed=self.settings.seed).head.weight.detach()[:, :DIMENSIONS]
            directions = torch.linalg.qr(public.double())[0].float().T
        else:
            others = few_drawn(o, self.settings.seed)
            directions = torch.from_numpy(embed(self._net, others.images))
        loss = PersonLoss(directions, o.scale, o.margin, fixed=o.head == "fixed")
        for start in range(0, len(node.persons), _BLOCK):
            block = range(start, min(start + _BLOCK, len(node.persons)))
            people = [node.of(one) for one in block]
            owns = [_number(node.persons[one]) % len(directions) for one in block]
            yield person_gradients(self._net, people, owns, names=self._names, loss=loss)

    def _steps(self, model: Model, round_: Round, node: FaceNode) -> np.ndarray:
        o, state = self.options, node.memo.get("faces")
        public = drawn(o.drawn_people, o.drawn_images, self.settings.seed) if o.replay else None
        if state is None:
            heads = [class_means(self._net, node.images, node.starts)]
            if public is not None:
                heads.append(class_means(self._net, public.images, np.arange(len(public) + 1)[:: o.drawn_images]))
            state = LocalState(torch.cat(heads))
        seeds = [self.settings.seed, _number(node.merchant) % 2**32, self.rounds().index(round_)]
        generator = torch.Generator().manual_seed(int(np.random.SeedSequence(seeds).generate_state(1)[0]))
        others, own = self._others(model, node)
        node.memo["faces"] = merchant_steps(
            self._net,
            node.images,
            node.labels,
            state=state,
            steps=self.settings.steps,
            options=o,
            generator=generator,
            others=others,
            public=public,
        )
        moved = weights_of(self._net).astype(np.float64) - model["weights"]
        row = np.concatenate([moved * len(node.persons), np.zeros(self._slots * DIMENSIONS)])
        if own is not None:
            means = class_means(self._net, node.images, node.starts).numpy()[: self._slots_of_one]
            row[len(moved) + own * DIMENSIONS :][: means.size] = means.ravel()
        return row[None, :]

    def _others(self, model: Model, node: FaceNode) -> tuple[np.ndarray | None, int | None]:
        """Return the prototypes of other merchants' people, and where this merchant's begin."""
        if not self._slots or node.merchant not in self.public.merchants:
            return None, None
        own = self.public.merchants.index(node.merchant) * self._slots_of_one
        others = np.delete(model["prototypes"], np.s_[own : own + self._slots_of_one], axis=0)
        return others[np.linalg.norm(others, axis=1) > 0.5], own

    def _framed(self, model: Model) -> Model:
        """Learn public directions for these weights, from drawings, and let the map follow them."""
        o = self.options
        load_weights(self._net, model["weights"])
        faces = drawn(o.drawn_people, o.drawn_images, self.settings.seed)
        frame = public_frame(embed(self._net, faces.images), faces.person, directions=o.moments, spread=o.spread)
        return {
            **model,
            "centre": frame.centre,
            "basis": frame.basis,
            "within": frame.within,
            "lengths": frame.lengths,
            "spread": np.array([frame.spread]),
            "shift": frame.centre,
            "map": whitening(frame.within, frame),
        }


def _frame(model: Model) -> Frame:
    return Frame(model["centre"], model["basis"], model["within"], model["lengths"], int(model["spread"][0]))


def _mask(net: torch.nn.Module, names: tuple[str, ...]) -> np.ndarray:
    parts = [np.full(value.numel(), name in names) for name, value in net.named_parameters()]
    return np.concatenate(parts)


def _number(name: object) -> int:
    """A number that belongs to an id alone."""
    return int.from_bytes(hashlib.sha256(str(name).encode()).digest()[:8], "big")
