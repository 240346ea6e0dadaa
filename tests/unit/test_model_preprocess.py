"""What of a picture reaches the model, and what does not."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from artgrab.images import PictureRefusedError
from artgrab.model.backbone import BackboneInput
from artgrab.model.preprocess import (
    Pixels,
    read_pixels,
    square,
    stored_bytes,
    to_batch,
    trim_margins,
    view_of,
)
from tests.support.drawn import drawn, encoded

HALF = (0.5, 0.5, 0.5)


def _sticker(side: int, *, ground: str | None) -> Image.Image:
    """Return one and the same drawing of 100 pixels in the middle of a ground."""
    picture = Image.new("RGBA", (side, side), ground or (0, 0, 0, 0))
    left = side // 2 - 50
    ImageDraw.Draw(picture).rectangle((left, left, left + 99, left + 99), fill="navy")
    ImageDraw.Draw(picture).ellipse((left + 20, left + 20, left + 60, left + 70), fill="orange")
    return picture


def _difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other.astype(int)).mean())


def test_the_width_of_a_white_margin_does_not_reach_the_model() -> None:
    narrow, wide = (
        view_of(stored_bytes(encoded(_sticker(side, ground="white"), "PNG")), side=64)
        for side in (120, 240)
    )
    assert _difference(narrow, wide) < 4


def test_transparency_and_format_do_not_reach_the_model() -> None:
    cut_out = encoded(_sticker(200, ground=None), "PNG")
    flat = encoded(_sticker(200, ground="white").convert("RGB"), "JPEG", quality=98)
    views = [view_of(stored_bytes(one), side=64) for one in (cut_out, flat)]
    assert _difference(*views) < 4


def test_the_size_of_the_original_does_not_reach_the_model() -> None:
    large = drawn(3, width=1200, height=900)
    views = [
        view_of(stored_bytes(encoded(large.resize(size))), side=96)
        for size in ((1200, 900), (400, 300))
    ]
    assert _difference(*views) < 4


def test_a_picture_without_margins_is_seen_whole() -> None:
    pixels = read_pixels(stored_bytes(encoded(drawn(1, width=120, height=90))))
    assert trim_margins(pixels).shape == pixels.shape


def test_a_picture_that_is_all_margin_is_seen_whole() -> None:
    assert trim_margins(np.full((40, 30, 3), 255, np.uint8)).shape == (40, 30, 3)


@given(arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24), st.just(3))))
def test_trimming_takes_nothing_but_white_and_is_done_after_once(pixels: Pixels) -> None:
    trimmed = trim_margins(pixels)
    assert np.array_equal(trim_margins(trimmed), trimmed)
    assert (trimmed < 200).sum() == (pixels < 200).sum()


def test_what_is_no_jpeg_is_no_stored_picture() -> None:
    with pytest.raises(PictureRefusedError, match="damaged"):
        read_pixels(b"\xff\xd8 not a picture")


@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 7)])
def test_any_shape_becomes_the_square(size: tuple[int, int]) -> None:
    pixels = np.asarray(Image.new("RGB", size, "teal"))
    assert square(pixels, side=32).shape == (32, 32, 3)


def test_a_batch_has_the_colours_that_the_backbone_was_made_for() -> None:
    view = np.zeros((8, 8, 3), np.uint8)
    view[:, :, 0] = 255
    spec = BackboneInput(image_size=8, mean=HALF, std=HALF)
    batch = to_batch([view, view], spec)
    assert batch.shape == (2, 3, 8, 8)
    assert batch[:, 0].unique().tolist() == [1]
    assert batch[:, 1:].unique().tolist() == [-1]


def test_a_raw_picture_goes_through_the_very_steps_of_a_stored_one() -> None:
    raw = encoded(drawn(5, width=900, height=700), "PNG")
    with Image.open(io.BytesIO(stored_bytes(raw))) as stored:
        assert min(stored.size) == 384
        assert stored.format == "JPEG"
