"""Which pictures are chosen, and which are held out."""

import struct
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.support.hostile.pictures import PNG_MAGIC, chunk
from tests.world import pictures
from tests.world.origins import Original, caption
from tests.world.pictures import has_usable_size, spread


def original(group: str, name: str, work: str | None = None) -> Original:
    return Original(Path(f"/x/{group}/{name}"), group, name, licence=None, work=work)


ORIGINALS = st.lists(
    st.builds(original, st.sampled_from("abcd"), st.text("xyz", min_size=1, max_size=4)),
    unique_by=lambda one: (one.group, one.path.name),
)


@given(ORIGINALS, st.randoms())
def test_the_order_does_not_depend_on_the_order_of_the_files(found, random):
    shuffled = found.copy()
    random.shuffle(shuffled)
    assert spread(shuffled) == spread(found)


@given(ORIGINALS, st.integers(0, 30))
def test_any_beginning_takes_from_every_group_in_turn(found, length):
    taken = Counter(one.group for one in spread(found)[:length])
    sizes = Counter(one.group for one in found)
    most = max(taken.values(), default=0)
    assert all(taken[group] >= min(sizes[group], most - 1) for group in sizes)


@pytest.mark.parametrize(
    ("size", "usable"),
    [((64, 64), True), ((63, 500), False), ((8000, 5000), True), ((8001, 5000), False)],
)
def test_tiny_and_huge_pictures_are_left_out(size, usable, tmp_path):
    path = tmp_path / "picture.png"
    Image.new("1", size).save(path)
    assert has_usable_size(path) is usable


def test_a_decompression_bomb_is_left_out_without_a_warning(tmp_path):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    path = tmp_path / "bomb.png"
    path.write_bytes(PNG_MAGIC + header + chunk(b"IDAT"))
    assert not has_usable_size(path)


def test_all_pieces_of_a_held_out_work_stay_unpublished():
    chosen = [
        (original(work, f"{work}{n}", work), f"{work}{n}") for n in range(5) for work in "abc"
    ]
    shown, hidden = pictures._split("painting-pieces", chosen)
    assert len(shown) == 10
    assert len(hidden) == pictures.HELD_OUT
    assert {one.work for one, _ in hidden}.isdisjoint(one.work for one, _ in shown)


@pytest.mark.parametrize(
    ("stem", "title"),
    [("tajMahal", "Taj Mahal"), ("frog_green-2", "Frog green 2"), ("fish1", "Fish 1"), ("__", "")],
)
def test_a_file_name_becomes_a_caption(stem, title):
    assert caption(stem) == title
