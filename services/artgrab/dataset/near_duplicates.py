"""Pictures that look alike: close perceptual hashes and equal proportions.

Judged by eye on 1,872 drawings, pieces of clip art, jigsaw pieces and photos: where proportions
agree, all 64 pairs of up to 8 bits are copies or variants of one picture (three of them pieces of
one painting); 2 of 12 pairs at 10 bits are not, and 9 of 17 at 12. Without the proportions 11 of
75 pairs of up to 8 bits are unrelated pictures, most of them jigsaw pieces.
"""

import itertools
from collections.abc import Iterator, Sequence

import faiss
import numpy as np
import numpy.typing as npt

from artgrab.dataset.pictures import Picture

MAX_PROPORTION_RATIO = 1.1
"""How far the proportions (width to height) of near-duplicates may be apart."""

_BITS = 64
_MIN_BITS_SET = 8
"""About half the bits of a hash are set, as it compares with a median; a plain surface sets few."""

_CHUNK = 4096


def near_pairs(pictures: Sequence[Picture], *, distance: int) -> Iterator[tuple[int, int]]:
    """Yield the index pairs (lower first) of pictures that look alike.

    Args:
        pictures: their order does not matter to what is a pair.
        distance: bits of 64 in which the hashes may differ.
    """
    places: dict[str, list[int]] = {}
    for index, picture in enumerate(pictures):
        if _tells_something(picture.record.perceptual_hash):
            places.setdefault(picture.record.perceptual_hash, []).append(index)
    for first, second in _near_hashes(list(places), distance):
        for one in places[first]:
            for other in places[second]:
                if one < other and _alike_in_shape(pictures[one], pictures[other]):
                    yield one, other


def _near_hashes(hashes: Sequence[str], distance: int) -> Iterator[tuple[str, str]]:
    """Yield both orders of each pair of distinct hashes, and each hash with itself."""
    if not hashes:
        return
    codes = _codes(hashes)
    index = faiss.IndexBinaryFlat(_BITS)
    index.add(codes)
    for start in range(0, len(hashes), _CHUNK):
        # range_search is exclusive of its radius.
        limits, _, found = index.range_search(codes[start : start + _CHUNK], distance + 1)
        for row, (low, high) in enumerate(itertools.pairwise(limits)):
            for other in found[int(low) : int(high)]:
                yield hashes[start + row], hashes[int(other)]


def _codes(hashes: Sequence[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(-1, _BITS // 8)


def _tells_something(perceptual_hash: str) -> bool:
    return len(perceptual_hash) == _BITS // 4 and (
        _MIN_BITS_SET <= int(perceptual_hash, 16).bit_count() <= _BITS - _MIN_BITS_SET
    )


def _alike_in_shape(one: Picture, other: Picture) -> bool:
    wide = one.record.source_width * other.record.source_height
    high = one.record.source_height * other.record.source_width
    return max(wide, high) <= MAX_PROPORTION_RATIO * min(wide, high)
