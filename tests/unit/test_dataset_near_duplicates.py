"""Near-duplicates against brute force."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from artgrab.common.likeness import MAX_PROPORTION_RATIO
from artgrab.common.records import Licence
from artgrab.dataset.near_duplicates import near_pairs
from artgrab.dataset.pictures import Picture
from tests.support.stored import candidate, stored


def picture(perceptual_hash: str, *, width: int = 100, height: int = 100) -> Picture:
    found = candidate("http://a.test/")
    record = stored(found, category="c", source_sha256="s", perceptual_hash=perceptual_hash)
    record = replace(record, source_width=width, source_height=height)
    return Picture(
        category="c", label="art", record=record, candidate=found, licence=Licence(), creator=""
    )


HASHES = st.builds(
    lambda base, flips: f"{base ^ sum(1 << flip for flip in flips):016x}",
    st.sampled_from([0x0F0F0F0F0F0F0F0F, 0x33333333CCCCCCCC]),
    st.sets(st.integers(0, 63), max_size=6),
)
PICTURES = st.lists(
    st.builds(picture, HASHES, width=st.integers(64, 200), height=st.just(100)), max_size=15
)


def is_near(one: Picture, other: Picture, distance: int) -> bool:
    bits = int(one.record.perceptual_hash, 16) ^ int(other.record.perceptual_hash, 16)
    widths = sorted((one.record.source_width, other.record.source_width))
    return bits.bit_count() <= distance and widths[1] <= MAX_PROPORTION_RATIO * widths[0]


@settings(max_examples=60, deadline=None)
@given(pictures=PICTURES, distance=st.integers(0, 16))
def test_exactly_the_pairs_of_brute_force_are_found(pictures: list[Picture], distance: int) -> None:
    expected = [
        (i, j)
        for j in range(len(pictures))
        for i in range(j)
        if is_near(pictures[i], pictures[j], distance)
    ]
    assert sorted(near_pairs(pictures, distance=distance)) == sorted(expected)


def test_a_record_without_a_hash_is_like_nothing() -> None:
    assert not list(near_pairs([picture(""), picture("")], distance=16))


def test_many_pictures_are_searched_in_several_pieces() -> None:
    far = [picture(f"{(0x9E3779B97F4A7C15 * n) % 2**64:016x}") for n in range(1, 5000)]
    pairs = list(near_pairs([*far, far[0]], distance=0))
    assert pairs == [(0, len(far))]
