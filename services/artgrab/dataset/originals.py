"""Which of the pictures that look alike is kept."""

from collections.abc import Callable, Sequence
from typing import Any

from artgrab.common.likeness import distance as distance_of
from artgrab.dataset.near_duplicates import near_pairs
from artgrab.dataset.pictures import LABEL_CONFLICT, NEAR_DUPLICATE, Dropped, Picture


def drop_near_duplicates(
    pictures: Sequence[Picture], *, distance: int, preference: Callable[[Picture], Any]
) -> tuple[list[Picture], list[Dropped]]:
    """Keep one of the pictures that look alike, and none where their labels differ.

    By preference, each picture is an original or joins the nearest original that it looks like.
    So chains (a like b, b like c, c unlike a) do not run together as they would by union.
    """
    ordered = sorted(pictures, key=preference)
    kept: list[Picture] = []
    dropped: list[Dropped] = []
    for original, others in _clusters(ordered, distance):
        if len({one.label for one in (original, *others)}) > 1:
            dropped += [Dropped(picture=one, reason=LABEL_CONFLICT) for one in (original, *others)]
            continue
        kept.append(original)
        dropped += [
            Dropped(picture=one, reason=NEAR_DUPLICATE, original=original) for one in others
        ]
    return kept, dropped


def _clusters(ordered: Sequence[Picture], distance: int) -> list[tuple[Picture, list[Picture]]]:
    near: dict[int, list[int]] = {}
    for one, other in near_pairs(ordered, distance=distance):
        near.setdefault(other, []).append(one)
    clusters: dict[int, list[Picture]] = {}
    for index, picture in enumerate(ordered):
        originals = [one for one in near.get(index, ()) if one in clusters]
        if originals:
            nearest = min(originals, key=lambda one: (_distance(ordered[one], picture), one))
            clusters[nearest].append(picture)
        else:
            clusters[index] = []
    return [(ordered[index], others) for index, others in clusters.items()]


def _distance(one: Picture, other: Picture) -> int:
    return distance_of(one.record.perceptual_hash, other.record.perceptual_hash)
