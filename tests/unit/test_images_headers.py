"""What a JPEG says of itself is read without Pillow where it is little, and means the same."""

import io
import random

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from artgrab.images import PictureRefusedError
from artgrab.images.decoding import Header, read_header
from tests.support.drawn import drawn, encoded

SOURCE = drawn(3, width=120, height=90)
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a tiff:Orientation="6"/></x:xmpmeta>'
SILENT = {
    "colours": encoded(SOURCE),
    "grey": encoded(SOURCE.convert("L")),
    "progressive": encoded(SOURCE, progressive=True),
    "comment": encoded(SOURCE, comment=b"drawn"),
    "profile": encoded(SOURCE, icc_profile=bytes(70_000)),
    "resolution": encoded(SOURCE, dpi=(300, 300)),
    "whole-colours": simplejpeg.encode_jpeg(np.asarray(SOURCE), colorsubsampling="444"),
    "what-follows": encoded(SOURCE) + encoded(drawn(4)),
}


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[ExifTags.Base.Orientation] = orientation
    return found


def read(data: bytes) -> Header:
    return read_header(data, source_format="jpeg")


@pytest.mark.parametrize("name", SILENT)
def test_a_jpeg_that_says_little_is_read_without_pillow(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Image, "open")
    assert read(SILENT[name]) == Header(120, 90, 1, is_plain=True)


@pytest.mark.parametrize(
    ("data", "header"),
    [
        (encoded(SOURCE, exif=exif(6)), Header(120, 90, 6, is_plain=True)),
        (encoded(SOURCE, xmp=XMP), Header(120, 90, 6, is_plain=True)),
        (encoded(SOURCE, exif=exif(1)), Header(120, 90, 1, is_plain=True)),
        (encoded(SOURCE.convert("CMYK")), Header(120, 90, 1, is_plain=False)),
        (encoded(SOURCE.convert("CMYK"), exif=exif(3)), Header(120, 90, 3, is_plain=False)),
    ],
)
def test_what_a_jpeg_says_of_its_turn_and_of_odd_colours_is_heard(
    data: bytes, header: Header
) -> None:
    assert read(data) == header


@pytest.mark.parametrize("end", [2, 4, 21, 100, 170])
def test_a_jpeg_that_ends_before_its_pixels_is_damaged(end: int) -> None:
    with pytest.raises(PictureRefusedError, match="damaged"):
        read(encoded(SOURCE)[:end])


def test_a_jpeg_of_a_frame_that_ends_before_it_begins_is_damaged() -> None:
    with pytest.raises(PictureRefusedError, match="damaged"):
        read(b"\xff\xd8\xff\xc0\x00\x02\xff\xda")


@pytest.mark.parametrize("side", [0, 65_535])
def test_a_jpeg_of_an_impossible_size_is_refused(side: int) -> None:
    data = bytearray(encoded(SOURCE))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = side.to_bytes(2, "big") * 2
    with pytest.raises(PictureRefusedError, match="too-many-pixels" if side else "damaged"):
        read(bytes(data))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SILENT)), st.integers(0, 2**32), st.integers(1, 4))
def test_what_is_read_without_pillow_is_what_pillow_reads(
    name: str, seed: int, changes: int
) -> None:
    data = bytearray(SILENT[name][:2000])
    chance = random.Random(seed)
    for _ in range(changes):
        data[chance.randrange(2, 700)] = chance.choice((0, 1, 3, 8, 0xC2, 0xD8, 0xE1, 0xFF))
    try:
        header = read(bytes(data))
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            size = image.size
    except (PictureRefusedError, OSError, SyntaxError, ValueError, KeyError, IndexError):
        return
    assert (header.width, header.height) == size
