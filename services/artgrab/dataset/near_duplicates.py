"""Pictures that look alike, found among many; what looks alike is said in common.likeness."""

import itertools
from collections.abc import Iterator, Sequence

import faiss
import numpy as np
import numpy.typing as npt

from artgrab.common.likeness import HASH_BITS, alike_in_shape, tells_something
from artgrab.dataset.pictures import Picture

_CHUNK = 4096


def near_pairs(pictures: Sequence[Picture], *, distance: int) -> Iterator[tuple[int, int]]:
    """Yield the index pairs (lower first) of pictures that look alike.

    Args:
        pictures: their order does not matter to what is a pair.
        distance: bits of 64 in which the hashes may differ.
    """
    places: dict[str, list[int]] = {}
    for index, picture in enumerate(pictures):
        if tells_something(picture.record.perceptual_hash):
            places.setdefault(picture.record.perceptual_hash, []).append(index)
    for first, second in _near_hashes(list(places), distance):
        for one in places[first]:
            for other in places[second]:
                if one < other and alike_in_shape(pictures[one].look, pictures[other].look):
                    yield one, other


def _near_hashes(hashes: Sequence[str], distance: int) -> Iterator[tuple[str, str]]:
    """Yield both orders of each pair of distinct hashes, and each hash with itself."""
    if not hashes:
        return
    codes = _codes(hashes)
    index = faiss.IndexBinaryFlat(HASH_BITS)
    index.add(codes)
    for start in range(0, len(hashes), _CHUNK):
        # range_search is exclusive of its radius.
        limits, _, found = index.range_search(codes[start : start + _CHUNK], distance + 1)
        for row, (low, high) in enumerate(itertools.pairwise(limits)):
            for other in found[int(low) : int(high)]:
                yield hashes[start + row], hashes[int(other)]


def _codes(hashes: Sequence[str]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(-1, HASH_BITS // 8)
