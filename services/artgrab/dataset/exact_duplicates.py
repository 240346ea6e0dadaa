"""Pictures with equal bytes, as fetched or as stored."""

from collections.abc import Callable, Sequence
from typing import Any

from artgrab.dataset.pictures import EXACT_DUPLICATE, LABEL_CONFLICT, Dropped, Picture
from artgrab.dataset.unions import Unions


def drop_exact_duplicates(
    pictures: Sequence[Picture], *, preference: Callable[[Picture], Any]
) -> tuple[list[Picture], list[Dropped]]:
    """Keep one of equal pictures, the first by preference, and none where their labels differ.

    One picture under two labels teaches nothing but noise, whichever label is the right one.
    """
    kept: list[Picture] = []
    dropped: list[Dropped] = []
    for copies in _copies(pictures):
        original, *others = sorted(copies, key=preference)
        if len({one.label for one in copies}) > 1:
            dropped += [Dropped(picture=one, reason=LABEL_CONFLICT) for one in copies]
            continue
        kept.append(original)
        dropped += [
            Dropped(picture=one, reason=EXACT_DUPLICATE, original=original) for one in others
        ]
    return kept, dropped


def _copies(pictures: Sequence[Picture]) -> list[list[Picture]]:
    unions = Unions()
    for one in pictures:
        unions.join(f"source {one.record.source_sha256}", f"object {one.record.object_sha256}")
    sets: dict[str, list[Picture]] = {}
    for one in pictures:
        sets.setdefault(unions.find(f"source {one.record.source_sha256}"), []).append(one)
    return list(sets.values())
