"""Sheets of what was left out: each picture with the reason, and beside it the one in its place."""

from collections.abc import Iterator, Sequence

from artgrab.common import likeness
from artgrab.common.pages import plain
from artgrab.common.store import Store
from artgrab.common.urls import site_of
from artgrab.dataset.pictures import EXACT_DUPLICATE, NEAR_DUPLICATE, Dropped, Picture
from artgrab.dataset.reasons import meaning_of
from artgrab.dataset.sheets import Section, Tile, contact_sheet
from artgrab.dataset.thumbnails import read_thumbnail

MAX_PICTURES = 200
"""Of one reason on a sheet; they are in the order of their originals."""


def dropped_sheet(store: Store, category: str, dropped: Sequence[Dropped]) -> bytes:
    """Return the sheet of what a category lost.

    Args:
        store: where the pictures lie.
        category: its name.
        dropped: its own pictures that are left out; at least one.

    Raises:
        ObjectMissingError: an object that a record names is gone.
        ObjectCorruptError: an object is not what its record says.
    """
    sections = [
        _section(store, reason, [one for one in dropped if one.reason == reason])
        for reason in sorted({one.reason for one in dropped})
    ]
    return contact_sheet(f"{category}: {len(dropped):,} left out", sections)


def apart(dropped: Dropped) -> int | None:
    """Return in how many of 64 bits a near-duplicate's hash differs from its original's."""
    if dropped.reason != NEAR_DUPLICATE or dropped.original is None:
        return None
    one, other = dropped.picture.record, dropped.original.record
    return likeness.distance(one.perceptual_hash, other.perceptual_hash)


def _section(store: Store, reason: str, dropped: Sequence[Dropped]) -> Section:
    heading = f"{reason}: {len(dropped):,}; {meaning_of(reason)}"
    if any(one.original is not None for one in dropped):
        heading += " (framed: the one that is kept)"
    ordered = sorted(dropped, key=_beside_its_like)
    return Section(heading, list(_tiles(store, ordered[:MAX_PICTURES])))


def _tiles(store: Store, dropped: Sequence[Dropped]) -> Iterator[Tile]:
    previous: Picture | None = None
    for one in dropped:
        if one.original is not None and one.original != previous:
            kept = read_thumbnail(store, one.original.record)
            yield Tile(kept, marked=True, caption=_kept(one))
        previous = one.original
        yield Tile(read_thumbnail(store, one.picture.record), caption=_why(one))


def _kept(dropped: Dropped) -> str:
    assert dropped.original is not None
    other = dropped.original.category
    return "kept" if other == dropped.picture.category else f"kept in {other}"


def _why(dropped: Dropped) -> str:
    bits = apart(dropped)
    if bits is not None:
        return f"{bits} of {likeness.HASH_BITS} bits apart"
    if dropped.reason == EXACT_DUPLICATE:
        return f"same, {plain(site_of(dropped.picture.candidate.url), 60)}"
    return plain(site_of(dropped.picture.candidate.url), 60)


def _beside_its_like(dropped: Dropped) -> tuple[tuple[str, str], str, tuple[str, str]]:
    """Sort key: copies of one original together, others by what they look like."""
    original = dropped.original.key if dropped.original else ("", "")
    return original, dropped.picture.record.perceptual_hash, dropped.picture.key
