"""The layer that is learned: multinomial logistic regression on fixed features."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from artgrab.trainer.features import Features

_PENALTY = 0.1
"""L2 penalty on the weights of standardised features, by the mean loss of a picture."""
MAX_STEPS = 200
"""Of the solver."""
_TINY = 1e-6
"""Added to deviations: a feature that never changes must not divide by zero."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Head:
    """Weights on the features as they come; float64."""

    weight: Tensor
    """A row for each class."""
    bias: Tensor

    def probabilities(self, features: Features) -> Tensor:
        """Return the probability of each class (column) for each picture (row)."""
        logits = torch.from_numpy(features).double() @ self.weight.T + self.bias
        return torch.softmax(logits, dim=1)


Watch = Callable[[float, Head], None]
"""Told the loss and the head of each step that lowers it; has no effect on what is learned."""


def balanced_weights(classes: Indices, categories: Sequence[str]) -> NDArray[np.float64]:
    """Return a weight for each picture, 1 in all.

    Every class weighs the same, within it every category, within that every picture: else the
    largest category would be what a class means.
    """
    names = np.asarray(categories)
    weights = np.zeros(len(classes))
    present = np.unique(classes)
    for one in present:
        members = np.unique(names[classes == one])
        for category in members:
            chosen = (classes == one) & (names == category)
            weights[chosen] = 1 / (len(present) * len(members) * chosen.sum())
    return weights


def train_head(
    features: Features,
    classes: Indices,
    categories: Sequence[str],
    *,
    count: int,
    watch: Watch | None = None,
) -> Head:
    """Fit a head; the same input gives the same head.

    Args:
        features: a row for each picture.
        classes: index of its class for each picture.
        categories: name of its category for each picture.
        count: number of classes.
        watch: told of each step.
    """
    x, target = torch.from_numpy(features).double(), torch.from_numpy(classes)
    share = torch.from_numpy(balanced_weights(classes, categories))
    mean = share @ x
    deviation = (share @ (x - mean).square()).sqrt() + _TINY

    def head(weight: Tensor, bias: Tensor) -> Head:
        plain = weight / deviation
        return Head(weight=plain, bias=bias - plain @ mean)

    def watched(value: float, weight: Tensor, bias: Tensor) -> None:
        if watch is not None:
            watch(value, head(weight, bias))

    return head(*_fit((x - mean) / deviation, target, share, count, watched))


def _fit(
    x: Tensor,
    target: Tensor,
    share: Tensor,
    count: int,
    watched: Callable[[float, Tensor, Tensor], None],
) -> tuple[Tensor, Tensor]:
    weight = torch.zeros(count, x.shape[1], dtype=torch.double, requires_grad=True)
    bias = torch.zeros(count, dtype=torch.double, requires_grad=True)
    solver = torch.optim.LBFGS(
        [weight, bias], max_iter=MAX_STEPS, tolerance_grad=1e-7, line_search_fn="strong_wolfe"
    )
    lowest = math.inf

    def loss() -> float:
        nonlocal lowest
        solver.zero_grad()
        losses = cross_entropy(x @ weight.T + bias, target, reduction="none")
        total = share @ losses + _PENALTY / 2 * weight.square().sum()
        total.backward()
        value = float(total.detach())
        if value < lowest:  # the solver also tries steps that are too wide
            lowest = value
            watched(value, weight.detach(), bias.detach())
        return value

    solver.step(loss)
    return weight.detach(), bias.detach()
