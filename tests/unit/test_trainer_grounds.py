"""Pictures on other grounds: what changes, what stays, and that nothing but the picture decides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from artgrab.images import process_picture
from artgrab.model.preprocess import Pixels, read_pixels, trim_margins, view_of
from artgrab.trainer.grounds import (
    PROBE,
    RANDOMISED,
    Change,
    change_ground,
    counterfactual_view,
    stands_on_white,
)
from tests.support.drawn import encoded, jpeg
from tests.support.snapshots import picture

changes = pytest.mark.parametrize("change", [RANDOMISED, PROBE], ids=lambda one: one.name)


def _stored(raw: bytes) -> bytes:
    return process_picture(raw).object_bytes


def _white_share(pixels: Pixels) -> float:
    return float((pixels > 223).all(axis=2).mean())


def _disc() -> bytes:
    """Return a dark disc on white, edges antialiased."""
    image = Image.new("RGB", (800, 800), "white")
    ImageDraw.Draw(image).ellipse((80, 80, 720, 720), fill="navy")
    return _stored(encoded(image.resize((200, 200), Image.Resampling.BOX), "PNG"))


def test_drawings_stand_on_white_and_photographs_fill_their_frame() -> None:
    assert all(stands_on_white(_stored(picture("circles", number))) for number in range(10))
    assert not any(stands_on_white(_stored(jpeg(number))) for number in range(10))


def test_white_inside_of_a_picture_is_no_ground() -> None:
    image = Image.new("RGB", (160, 160), "navy")
    ImageDraw.Draw(image).rectangle((20, 20, 140, 140), fill="white")
    assert not stands_on_white(_stored(encoded(image)))


@changes
def test_a_picture_that_fills_its_frame_is_put_onto_white(change: Change) -> None:
    pixels = np.full((90, 120, 3), 90, np.uint8)
    for seed in range(200):
        cut = change_ground(pixels, change, np.random.default_rng(seed))
        assert 0.05 < _white_share(cut) < 0.9
        assert trim_margins(cut).shape == cut.shape


@changes
def test_a_picture_on_white_is_put_onto_another_ground(change: Change) -> None:
    for number in range(20):
        stored = _stored(picture("circles", number))
        assert _white_share(view_of(stored, side=64)) > 0.1
        assert _white_share(counterfactual_view(stored, change, side=64)) < 0.1


def test_what_stands_on_a_ground_keeps_its_colours_and_no_white_rim() -> None:
    before = trim_margins(read_pixels(_disc()))
    after = change_ground(before, PROBE, np.random.default_rng(0))
    height, width = before.shape[:2]
    middle = np.s_[height // 4 : -height // 4, width // 4 : -width // 4]
    assert np.array_equal(after[middle], before[middle])
    assert after[3:-3, 3:-3].max() <= 160  # at the very edge there is no ground left to mix with


@changes
def test_the_bytes_of_a_picture_alone_decide(change: Change) -> None:
    for stored in (_stored(jpeg(1)), _disc()):
        one, other = (counterfactual_view(stored, change, side=64) for _ in range(2))
        assert np.array_equal(one, other)


def test_equal_pictures_of_other_bytes_are_changed_otherwise() -> None:
    drawing = trim_margins(read_pixels(_disc()))
    one, other = (
        change_ground(drawing, RANDOMISED, np.random.default_rng(seed)) for seed in (1, 2)
    )
    assert np.abs(one.astype(int) - other).mean() > 10


@changes
@given(pixels=arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24), st.just(3))))
def test_any_picture_can_be_changed_and_keeps_its_shape(change: Change, pixels: Pixels) -> None:
    changed = change_ground(pixels, change, np.random.default_rng(0))
    assert changed.shape == pixels.shape
    assert changed.dtype == np.uint8
