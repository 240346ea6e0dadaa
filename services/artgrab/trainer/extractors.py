"""What is computed of each picture: features of the frozen backbone, or colours and edges."""

from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np
from torch import nn

from artgrab.model.backbone import BackboneInput, features_of
from artgrab.model.preprocess import Pixels, to_batch, view_of
from artgrab.trainer.features import BATCH, Compute, Features, Row
from artgrab.trainer.grounds import Change, counterfactual_view

_BASELINE_SIDE = 128
_COLOUR_LEVELS = 4
_DIRECTIONS = 8
_EDGE_LEVELS = (16, 64, 160)
"""Gradient magnitudes (Sobel, grey levels) that part faint, soft, clear and hard edges."""

BASELINE_VERSION = 1
"""To be raised with any change of simple_features."""


def backbone_features(
    model: nn.Module, spec: BackboneInput, *, change: Change | None = None
) -> Compute:
    """Return the function from stored pictures to features of a frozen backbone.

    Args:
        model: the backbone.
        spec: what it wants to see.
        change: to other grounds; where not given pictures are seen as they are.
    """
    see: Callable[..., Pixels] = partial(counterfactual_view, change=change) if change else view_of

    def compute(stored: Sequence[bytes]) -> Features:
        views = [see(picture, side=spec.image_size) for picture in stored]
        # Always a full batch: its size decides the order in which sums are made, and so the last
        # digits, and a resumed run must not differ from an undisturbed one.
        filled = views + [views[0]] * (BATCH - len(views))
        features = features_of(model, to_batch(filled, spec))
        return np.asarray(features[: len(views)].numpy(), np.float32)

    return compute


def simple_features(stored: Sequence[bytes]) -> Features:
    """Return 92 figures of colours and edges for each picture.

    A histogram of 64 colours, mean and deviation of hue, saturation and value, the directions of
    edges and how hard they are: what a classifier can know without having seen anything before.
    """
    return np.stack([_simple_features_of(view_of(one, side=_BASELINE_SIDE)) for one in stored])


def _simple_features_of(pixels: Pixels) -> Row:
    hsv = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV).reshape(-1, 3).astype(np.float32) / 255
    parts = [_colours(pixels), hsv.mean(axis=0), hsv.std(axis=0), *_edges(pixels)]
    return np.concatenate(parts).astype(np.float32)


def _colours(pixels: Pixels) -> Row:
    levels = (pixels.reshape(-1, 3) // (256 // _COLOUR_LEVELS)).astype(np.int64)
    index = levels @ np.array([_COLOUR_LEVELS**2, _COLOUR_LEVELS, 1])
    counts = np.bincount(index, minlength=_COLOUR_LEVELS**3)
    return np.asarray(np.sqrt(counts / index.size), np.float32)


def _edges(pixels: Pixels) -> tuple[Row, Row, Row]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    strength = np.hypot(across, down)
    turn = (np.arctan2(down, across) % np.pi) / np.pi
    directions, _ = np.histogram(turn, _DIRECTIONS, range=(0, 1), weights=strength)
    hardness = [float((strength > level).mean()) for level in _EDGE_LEVELS]
    return (
        np.asarray(directions / (strength.sum() + 1), np.float32),
        np.asarray(hardness, np.float32),
        np.asarray([strength.mean() / 255, strength.std() / 255], np.float32),
    )
