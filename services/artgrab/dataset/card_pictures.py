"""The pictures that a card shows itself: a few of each category, and examples of copies."""

from collections.abc import Sequence
from typing import NamedTuple

from artgrab.common.pages import Thumbnail
from artgrab.common.store import Store
from artgrab.common.urls import site_of
from artgrab.dataset.dropped_sheets import apart
from artgrab.dataset.pictures import Dropped, Picture
from artgrab.dataset.thumbnails import page_thumbnail, read_thumbnail

CROP = 96
"""Pixels of the side of a category's first pictures."""

_MOST_OF_A_CATEGORY = 5
_MOST = 400
"""First pictures of all categories: at 3 kB each, 5 at worst, a card stays below 3 MB."""
_MOST_PAIRS = 6
_PAIR_SIDE = 176


class Shown(NamedTuple):
    """One of two pictures that look alike."""

    thumbnail: Thumbnail
    site: str
    width: int
    height: int
    """As it was fetched."""


class Pair(NamedTuple):
    """A picture that was left out, and the one that is kept in its place."""

    category: str
    bits: int
    """Of 64 in which their perceptual hashes differ."""
    kept: Shown
    left_out: Shown


def first_pictures(categories: int) -> int:
    """Return how many pictures of each category a card shows."""
    return max(1, min(_MOST_OF_A_CATEGORY, _MOST // max(1, categories)))


def pick_pairs(store: Store, dropped: Sequence[Dropped]) -> list[Pair]:
    """Return near-duplicates, those that differ most first: there a person may judge otherwise.

    Raises:
        ObjectMissingError, ObjectCorruptError: a picture is not there or not the recorded one.
    """
    found: dict[tuple[str, str], tuple[int, Dropped, Picture]] = {}
    for one in dropped:
        bits = apart(one)
        if bits is not None and one.original is not None:
            found.setdefault(one.original.key, (bits, one, one.original))
    ordered = sorted(found.values(), key=lambda pair: (-pair[0], pair[1].picture.key))
    return [
        Pair(one.picture.category, bits, _shown(store, original), _shown(store, one.picture))
        for bits, one, original in ordered[:_MOST_PAIRS]
    ]


def _shown(store: Store, picture: Picture) -> Shown:
    record = picture.record
    image = read_thumbnail(store, record, side=_PAIR_SIDE)
    site = site_of(picture.candidate.url)
    small = page_thumbnail(record, image)
    return Shown(small, site, record.source_width, record.source_height)
