"""JPEGs are decoded to their planes, at the least size that is enough, and look as they did."""

import io
import os
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from artgrab.images import Picture, PictureRefusedError, process_picture, turbojpeg
from artgrab.images.encoding import encode, fit
from artgrab.images.jpeg import decode_jpeg, least_scale
from artgrab.images.rasters import Decoded, Planes
from artgrab.images.turbojpeg import decode_planes
from benchmarks.download.pictures import painter
from benchmarks.download.quality import grey, ssim
from tests.support.drawn import drawn, encoded
from tests.support.hostile.pictures import corrupt
from tests.support.requirements import need

needs_library = pytest.mark.usefixtures("library")
LAYOUTS = ["444", "422", "420", "440", "411", "Gray"]


@pytest.fixture(scope="module")
def library() -> None:
    need(turbojpeg.LIBRARY is not None, packages="libturbojpeg0")


def jpeg_of(image: Image.Image, layout: str, *, quality: int = 92) -> bytes:
    """A JPEG whose colours are stored in this way."""
    pixels = np.asarray(image)
    if layout == "Gray":
        return encoded(image.convert("L"), "JPEG", quality=quality)
    return bytes(simplejpeg.encode_jpeg(pixels, quality=quality, colorsubsampling=layout))


def shown(picture: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(Image.open(io.BytesIO(picture.object_bytes)).convert("RGB"), np.float32)


def mean_difference(picture: Picture, source: Image.Image) -> float:
    expected = source.resize((picture.width, picture.height), Image.Resampling.LANCZOS)
    return float(np.abs(shown(picture) - np.asarray(expected, np.float32)).mean())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(301, 203), (803, 601), (1603, 1205), (3101, 3075)])
def test_every_layout_of_colours_is_kept_as_it_looks(layout: str, size: tuple[int, int]) -> None:
    source = drawn(3, width=size[0], height=size[1])
    data = jpeg_of(source, layout)
    picture = process_picture(data)
    shows = Image.open(io.BytesIO(data)).convert("RGB")
    assert (picture.source_width, picture.source_height) == size
    assert mean_difference(picture, shows) < 5
    assert simplejpeg.decode_jpeg_header(picture.object_bytes)[2:] == ("YCbCr", "420")


@needs_library
@pytest.mark.parametrize("layout", LAYOUTS)
def test_planes_are_what_is_stored(layout: str) -> None:
    source = drawn(4, width=320, height=240)
    data = jpeg_of(source, layout)
    planes = decode_planes(data, width=320, height=240, eighths=8)
    assert planes is not None
    assert np.array_equal(planes.y, simplejpeg.decode_jpeg(data, colorspace="GRAY")[:, :, 0])
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("YCbCr"), np.float32)
    for plane, channel in ((planes.cb, 1), (planes.cr, 2)):
        grown = Image.fromarray(plane).resize((320, 240), Image.Resampling.BILINEAR)
        assert np.abs(np.asarray(grown, np.float32) - expected[:, :, channel]).mean() < 2


@needs_library
@given(st.integers(1, 70), st.integers(1, 70), st.sampled_from(LAYOUTS), st.integers(0, 3))
@settings(max_examples=400, deadline=None)
def test_planes_have_the_size_that_is_asked_for(
    width: int, height: int, layout: str, power: int
) -> None:
    data = jpeg_of(drawn(5, width=width, height=height), layout)
    eighths = 2**power
    planes = decode_planes(data, width=width, height=height, eighths=eighths)
    assert planes is not None
    assert planes.y.shape == (-(-height * eighths // 8), -(-width * eighths // 8))
    rows, columns = planes.y.shape
    kept = fit(Decoded(planes, columns, rows), (columns, rows))
    assert isinstance(kept, Planes)
    assert kept.cb.shape == kept.cr.shape == tuple(-(-side // 2) for side in kept.y.shape)


def test_colours_stored_as_rgb_come_as_rgb() -> None:
    source = drawn(6, width=900, height=700)
    data = encoded(source, "JPEG", keep_rgb=True, quality=92)
    found = decode_jpeg(data, width=900, height=700)
    assert not isinstance(found.raster, Planes)
    assert mean_difference(process_picture(data), source) < 5


def test_a_picture_of_another_size_than_was_checked_has_no_planes() -> None:
    data = jpeg_of(drawn(7, width=64, height=48), "420")
    assert decode_planes(data, width=48, height=64, eighths=8) is None


def stripes(width: int, height: int) -> Image.Image:
    """Fields of two colours of equal brightness, six pixels wide: what is moved looks different."""
    rows, columns = np.indices((height, width)) // 6
    field = ((rows + columns) % 2).astype(bool)[:, :, np.newaxis]
    return Image.fromarray(np.where(field, (220, 60, 60), (20, 130, 160)).astype(np.uint8))


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("size", [(301, 203), (301, 202), (300, 203), (300, 202)])
def test_no_turn_moves_colours(size: tuple[int, int], orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = encoded(stripes(*size), "JPEG", exif=exif, quality=98, subsampling=0)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(turned)))
    upright = process_picture(jpeg_of(expected, "444", quality=98))
    assert mean_difference(process_picture(turned), expected) < (
        mean_difference(upright, expected) + 1
    )


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_what_lies_behind_a_picture_in_memory_is_not_in_its_jpeg(width: int, height: int) -> None:
    """libjpeg-turbo reads pairs of rows and columns."""
    seen = set()
    for behind in (0, 77, 255):
        memory = np.full(width * height + 4 * width + 4, behind, np.uint8)
        y = memory[: width * height].reshape(height, width)
        y[:] = np.arange(width * height, dtype=np.uint8).reshape(height, width)
        colour = np.full((-(-height // 2), -(-width // 2)), 99, np.uint8)
        seen.add(encode(Planes(y, colour, colour)))
    assert len(seen) == 1


@pytest.mark.parametrize("axis", [0, 1])
def test_no_row_of_colours_is_passed_over(axis: int) -> None:
    """Colours stored at half the height or width alone have to become smaller in the other."""
    lines = (np.indices((750, 750))[axis] % 2 * 255).astype(np.uint8)
    colour = lines[:, ::2] if axis == 0 else lines[::2]
    planes = Planes(np.zeros((750, 750), np.uint8), colour, colour)
    kept = fit(Decoded(planes, 750, 750), (384, 384))
    assert isinstance(kept, Planes)
    assert (int(kept.cb.min()), int(kept.cb.max())) == (128, 128)


def test_a_cmyk_jpeg_is_seen_to_be_whole_at_the_least_cost() -> None:
    whole = encoded(drawn(12, width=1200, height=900).convert("CMYK"), "JPEG")
    with pytest.raises(PictureRefusedError, match="truncated"):
        process_picture(whole[: len(whole) // 2] + b"\xff\xd9")
    assert process_picture(whole).width == 512


def test_a_cut_off_jpeg_of_a_layout_that_the_library_does_not_know_is_refused() -> None:
    wide = bytearray(jpeg_of(drawn(13, width=1600, height=96), "411"))
    frame = wide.index(b"\xff\xc0") + 5
    wide[frame : frame + 4] = struct.pack(">HH", 384, 400)
    wide[frame + 6] = 0x14  # 4:4:1: four rows of brightness to one of colours
    whole = bytes(wide)
    assert process_picture(whole).width == 400
    with pytest.raises(PictureRefusedError, match="truncated"):
        process_picture(whole[: len(whole) // 2] + b"\xff\xd9")


@pytest.mark.parametrize(
    ("shorter", "eighths"),
    [(1, 8), (384, 8), (767, 8), (768, 4), (1535, 4), (1536, 2), (3071, 2), (3072, 1), (9000, 1)],
)
def test_a_picture_is_decoded_at_no_less_than_it_is_kept_at(shorter: int, eighths: int) -> None:
    assert least_scale(shorter, 2 * shorter) == least_scale(2 * shorter, shorter) == eighths


@needs_library
def test_what_is_cut_off_or_damaged_has_no_planes_and_the_words_of_libjpeg() -> None:
    data = jpeg_of(drawn(9, width=400, height=300), "420")
    half, rest = data[: len(data) // 2], data[len(data) // 2 :]
    with pytest.raises(ValueError, match="end of JPEG file"):
        decode_planes(half, width=400, height=300, eighths=8)
    with pytest.raises(ValueError, match="Corrupt"):
        decode_planes(half + b"\xff\xd9\0\0" + rest, width=400, height=300, eighths=8)


def test_noise_in_the_middle_of_a_jpeg_is_damage_and_no_early_end() -> None:
    with pytest.raises(PictureRefusedError, match="damaged"):
        process_picture(corrupt("JPEG"))


@needs_library
def test_threads_do_not_mix_up_their_pictures() -> None:
    pictures = [jpeg_of(drawn(seed, width=500, height=400), "420") for seed in range(8)]
    expected = [process_picture(data) for data in pictures]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(process_picture, pictures * 4)) == expected * 4


WITHOUT_LIBRARY = """
import ctypes, sys
class Without(ctypes.CDLL):
    def __init__(self, name, *arguments, **named):
        if name and "turbojpeg" in name:
            raise OSError(name)
        super().__init__(name, *arguments, **named)
ctypes.CDLL = Without
from artgrab.images import PictureRefusedError, process_picture
data = sys.stdin.buffer.read()
picture = process_picture(data)
try:
    process_picture(data[: len(data) // 2])
except PictureRefusedError as error:
    print(picture.encoding, error.reason, flush=True)
sys.stdout.buffer.write(picture.object_bytes)
"""


@needs_library
@pytest.mark.parametrize("size", [(500, 375), (1100, 800), (3000, 2000)])
def test_without_the_library_it_looks_the_same_under_another_key(size: tuple[int, int]) -> None:
    source = drawn(10, width=size[0], height=size[1])
    data = jpeg_of(source, "420")
    command = [sys.executable, "-c", WITHOUT_LIBRARY]
    said = subprocess.run(command, input=data, check=True, capture_output=True).stdout
    (encoding, reason), stored = said.split(b"\n", 1)[0].split(), said.split(b"\n", 1)[1]
    picture = process_picture(data)
    assert (encoding.decode() != picture.encoding, reason) == (True, b"truncated")
    other = np.asarray(Image.open(io.BytesIO(stored)), np.float32)
    assert np.abs(shown(picture) - other).mean() < 3


def test_what_is_reduced_in_another_way_has_another_key() -> None:
    """Some pixels differ by 1 of 255: an object must be what its records say of it."""
    command = [sys.executable, "-c", "from artgrab.images import ENCODING; print(ENCODING)"]
    ways = [
        subprocess.run(command, env=os.environ | more, check=True, capture_output=True).stdout
        for more in ({"OPENCV_IPP": "disabled"}, {"OPENCV_IPP": "sse42"}, {})
    ]
    assert len(set(ways)) == (3 if cv2.ipp.useIPP() else 1)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_jpeg_of_any_layout_that_is_cut_off_is_refused(layout: str) -> None:
    data = jpeg_of(drawn(11, width=900, height=700), layout)
    with pytest.raises(PictureRefusedError, match="truncated"):
        process_picture(data[: len(data) // 2])


@pytest.mark.parametrize(
    "size",
    [
        *[(3079, 3073), (1543, 1537), (6151, 3079), (2309, 2305), (2463, 2459), (3067, 3005)],
        *[(1001, 769), (1027, 770), (1031, 773), (1539, 1537), (4101, 3075), (2047, 1535)],
    ],
)
def test_a_row_that_is_mostly_filling_moves_no_other(size: tuple[int, int]) -> None:
    source = painter(2, tile=2048)(1, size)
    picture = process_picture(jpeg_of(Image.fromarray(source), "420", quality=95))
    best = Image.fromarray(source).resize((picture.width, picture.height), Image.Resampling.LANCZOS)
    assert ssim(grey(Image.open(io.BytesIO(picture.object_bytes))), grey(best)) > 0.97
