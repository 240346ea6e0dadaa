"""Pictures of every allowed format come out as safe JPEGs; all else is refused with a reason."""

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from artgrab.images import Picture, PictureRefusedError, process_picture
from artgrab.images.decoding import MAX_ASPECT, read_header
from artgrab.images.encoding import fit
from artgrab.images.rasters import Planes, whole
from benchmarks.download.pictures import painter
from benchmarks.download.quality import grey, ssim
from tests.support.drawn import drawn, encoded, jpeg
from tests.support.hostile.pictures import PNG_MAGIC, chunk, png

LOSSY = 24
"""Levels by which a pixel may differ after a JPEG went through another JPEG."""


def kept(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.object_bytes))
    image.load()
    return image


def difference(one: Image.Image, other: Image.Image) -> float:
    pixels = [np.asarray(image.convert("RGB"), np.float32) for image in (one, other)]
    return float(np.abs(pixels[0] - pixels[1]).mean())


def distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def refusal(data: bytes, *, min_side: int = 0) -> str:
    with pytest.raises(PictureRefusedError) as caught:
        process_picture(data, min_side=min_side)
    return caught.value.reason


def png_header_only(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds one row of nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100)
    return PNG_MAGIC + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_allowed_format_becomes_a_jpeg_that_looks_the_same(kind: str) -> None:
    source = drawn(1, width=300, height=200)
    picture = process_picture(encoded(source, kind))
    assert picture.source_format == kind.lower()
    assert (picture.source_width, picture.source_height) == (300, 200)
    assert (picture.width, picture.height) == kept(picture).size == (300, 200)
    assert kept(picture).format == "JPEG"
    assert difference(kept(picture), source) < 6


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *(("JPEG", mode) for mode in ("L", "CMYK", "YCbCr")),
        *(("PNG", mode) for mode in ("L", "LA", "P", "RGBA")),
    ],
)
def test_every_colour_mode_becomes_rgb(kind: str, mode: str) -> None:
    source = drawn(2).convert(mode, palette=Image.Palette.ADAPTIVE)
    picture = process_picture(encoded(source, kind))
    assert kept(picture).mode == "RGB"
    assert difference(kept(picture), source) < 6


def test_one_bit_becomes_black_and_white() -> None:
    source = Image.new("1", (120, 80))
    ImageDraw.Draw(source).rectangle((60, 0, 120, 80), fill=1)
    picture = process_picture(encoded(source, "PNG"))
    assert difference(kept(picture), source) < 2


def test_sixteen_bits_of_grey_keep_their_brightness() -> None:
    ramp = np.linspace(0, 65535, 256 * 128).reshape(128, 256).astype(np.uint16)
    picture = process_picture(encoded(Image.fromarray(ramp), "PNG"))
    expected = Image.fromarray((ramp // 257).astype(np.uint8))
    assert difference(kept(picture), expected) < 3


def test_transparency_is_flattened_on_white_whatever_colour_hides_below() -> None:
    for hidden in ((0, 0, 0, 0), (255, 0, 0, 0)):
        source = Image.new("RGBA", (100, 100), hidden)
        ImageDraw.Draw(source).rectangle((40, 40, 60, 60), fill=(0, 0, 255, 255))
        for kind in ("PNG", "WEBP"):
            options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
            image = kept(process_picture(encoded(source, kind, **options)))
            assert min(image.getpixel((10, 10))) > 255 - LOSSY  # type: ignore[arg-type]  # RGB: three numbers
            assert image.getpixel((50, 50))[2] > 200  # type: ignore[index]  # RGB: three numbers


def test_a_transparent_palette_colour_is_flattened_on_white() -> None:
    source = Image.new("P", (60, 60), 0)
    source.putpalette([10, 20, 30, 200, 0, 0])
    for kind in ("GIF", "PNG"):
        image = kept(process_picture(encoded(source, kind, transparency=0)))
        assert min(image.getpixel((30, 30))) > 255 - LOSSY  # type: ignore[arg-type]  # RGB: three numbers


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_exif_orientation_is_applied_and_then_gone(orientation: int, kind: str) -> None:
    source = drawn(3, width=120, height=80)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(source, kind, exif=exif)
    picture = process_picture(data)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert (picture.source_width, picture.source_height) == expected.size
    assert difference(kept(picture), expected) < 6
    assert not kept(picture).getexif()


def test_the_exif_orientation_of_a_png_counts_also_behind_its_pixels() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(drawn(3, width=120, height=80), "PNG", exif=exif)
    start = data.index(b"eXIf") - 4
    chunk = data[start : start + 12 + int.from_bytes(data[start : start + 4], "big")]
    end = data.rindex(b"IEND") - 4
    moved = data[:start] + data[start + len(chunk) : end] + chunk + data[end:]
    assert process_picture(moved).object_bytes == process_picture(data).object_bytes
    assert process_picture(moved).source_width == 80


@given(st.integers(1, 200), st.integers(1, 200))
@settings(max_examples=30, deadline=None)
def test_the_size_of_a_webp_is_told_as_pillow_tells_it(width: int, height: int) -> None:
    data = encoded(Image.new("RGB", (width, height), "teal"), "WEBP")
    if max(width, height) <= MAX_ASPECT * min(width, height):
        header = read_header(data, source_format="webp")
        assert header.upright_size == (width, height)
        assert header.is_plain


def test_sixteen_bits_of_colour_keep_their_brightness() -> None:
    source = drawn(2)
    wide = np.asarray(source)[:, :, ::-1].astype(np.uint16) * 257
    data = cv2.imencode(".png", wide)[1].tobytes()
    assert difference(kept(process_picture(data)), source) < 6


@pytest.mark.parametrize("behind", [False, True], ids=["before", "behind"])
def test_texts_of_a_png_that_unpack_to_megabytes_are_not_unpacked(behind: bool) -> None:
    texts = chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(7 * 1024**2), 9)) * 50
    data = png(320, 240, after=texts) if behind else png(320, 240, texts)
    assert refusal(data) == "damaged"


def test_only_the_first_frame_of_an_animation_is_kept() -> None:
    first, second = drawn(4), drawn(5)
    for kind in ("GIF", "WEBP", "PNG"):
        data = encoded(first, kind, save_all=True, append_images=[second])
        assert difference(kept(process_picture(data)), first) < 8


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_picture_is_reduced_to_384_of_the_shorter_side(kind: str) -> None:
    source = drawn(6, width=1000, height=1600)
    picture = process_picture(encoded(source, kind))
    assert (picture.width, picture.height) == kept(picture).size == (384, 614)
    assert difference(kept(picture), source.resize((384, 614), Image.Resampling.BOX)) < 6


@pytest.mark.parametrize("factor", [1.05, 1.15, 1.3, 1.45, 1.55, 1.9, 2.0, 2.8, 4.0, 5.3, 7.1])
def test_a_reduction_is_as_near_to_lanczos_as_means_of_areas(factor: float) -> None:
    source = painter(1, tile=1024)(0, (round(512 * factor), round(384 * factor)))
    best = grey(Image.fromarray(source).resize((512, 384), Image.Resampling.LANCZOS))
    ours = fit(whole(source), (512, 384))
    assert not isinstance(ours, Planes)
    areas = cv2.resize(source, (512, 384), interpolation=cv2.INTER_AREA)
    nearness, reference = (ssim(grey(Image.fromarray(one)), best) for one in (ours, areas))
    assert nearness > reference - 0.002
    assert nearness > 0.99


def test_a_large_cmyk_jpeg_is_reduced_too() -> None:
    source = drawn(6, width=1600, height=1200).convert("CMYK")
    picture = process_picture(encoded(source, "JPEG"))
    assert (picture.width, picture.height) == (512, 384)
    assert difference(kept(picture), source.resize((512, 384), Image.Resampling.BOX)) < 6


@given(st.integers(50, 900), st.integers(50, 900))
@settings(max_examples=30, deadline=None)
def test_no_picture_is_enlarged_and_none_keeps_more_than_384(width: int, height: int) -> None:
    picture = process_picture(encoded(Image.new("RGB", (width, height)), "JPEG"))
    assert min(picture.width, picture.height) == min(width, height, 384)
    assert picture.width / picture.height == pytest.approx(width / height, rel=0.01)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_equal_bytes_give_equal_pictures(kind: str) -> None:
    data = encoded(drawn(7, width=800, height=600), kind)
    assert process_picture(data) == process_picture(data)


def test_what_else_a_thread_resizes_does_not_depend_on_the_pictures_before() -> None:
    """A model sees the same of a picture whoever shows it: the trainer, or a server."""
    pixels = np.asarray(drawn(3, width=640, height=480))

    def resized() -> NDArray[np.uint8]:
        return np.asarray(cv2.resize(pixels, (224, 224), interpolation=cv2.INTER_AREA), np.uint8)

    def of_a_new_thread() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        before = resized()
        process_picture(jpeg(4, width=640, height=480))
        with pytest.raises(PictureRefusedError):
            process_picture(jpeg(4)[:500])
        return before, resized()

    with ThreadPoolExecutor(1) as threads:
        before, after = threads.submit(of_a_new_thread).result()
    assert np.array_equal(before, after)


def test_metadata_and_what_follows_the_picture_are_not_kept() -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET-PLACE"
    data = encoded(drawn(8), "JPEG", exif=exif, comment=b"SECRET-COMMENT") + b"PK\x03\x04SECRET"
    assert b"SECRET" not in process_picture(data).object_bytes


@pytest.mark.parametrize("seed", range(10, 16))
def test_the_perceptual_hash_survives_other_sizes_and_formats(seed: int) -> None:
    source = drawn(seed, width=1200, height=900)
    reference = process_picture(encoded(source, "JPEG")).perceptual_hash
    for size in ((800, 600), (400, 300), (200, 150)):
        for kind in ("JPEG", "PNG", "WEBP"):
            other = process_picture(encoded(source.resize(size), kind)).perceptual_hash
            assert distance(reference, other) <= 4


def test_the_perceptual_hashes_of_different_pictures_are_far_apart() -> None:
    hashes = [process_picture(encoded(drawn(seed))).perceptual_hash for seed in range(20, 32)]
    pairs = [(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(distance(a, b) for a, b in pairs) > 12


def test_a_plain_surface_does_not_hash_to_noise() -> None:
    hashes = {
        process_picture(encoded(Image.new("RGB", (200, 200), colour), kind)).perceptual_hash
        for colour in ("white", "grey", "navy")
        for kind in ("PNG", "JPEG")
    }
    assert hashes == {"0" * 16}


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (b"", "empty"),
        (b"hello", "not-an-image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (b"<?xml version='1.0'?>\n<!-- x -->\n<svg >", "svg"),
        (b"\xef\xbb\xbf <!DOCTYPE HTML >", "html"),
        (b"<html><body><svg ></svg>", "svg"),
        (b"<html lang=en>", "html"),
        (b"%PDF-1.7", "pdf"),
        (b"%!PS-Adobe", "eps"),
        (b"8BPS\0\1", "psd"),
        (b"II*\0", "tiff"),
        (b"BM\0\0", "bmp"),
        (b"SIMPLE  =      T", "fits"),
        (b"\0\0\0\x1cftypavif", "avif"),
        (b"\0\0\0\x1cftypisom", "video"),
        (b"PK\3\4", "zip"),
    ],
)
def test_what_is_no_picture_is_refused_by_its_name(head: bytes, reason: str) -> None:
    assert refusal(head) == reason


def test_a_picture_in_a_format_that_is_not_allowed_is_refused() -> None:
    assert refusal(encoded(drawn(), "BMP")) == "bmp"
    assert refusal(encoded(drawn(), "TIFF")) == "tiff"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_picture_cut_off_in_its_pixels_is_refused(kind: str) -> None:
    data = encoded(drawn(9, width=600, height=400), kind)
    assert refusal(data[: len(data) // 2]) in {"truncated", "damaged"}


def test_a_gif_cut_off_in_its_second_frame_is_kept() -> None:
    first = drawn(4)
    data = encoded(first, "GIF", save_all=True, append_images=[drawn(5)])
    second = data.rindex(b"\x2c\0\0\0\0")
    for length in range(second, second + 12):
        assert difference(kept(process_picture(data[:length])), first) < 8


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_being_cut_off_is_told_from_other_damage(kind: str) -> None:
    data = encoded(drawn(9, width=600, height=400), kind)
    assert refusal(data[: len(data) * 3 // 4]) == "truncated"


def test_the_smaller_side_must_reach_min_side_before_the_orientation_and_after() -> None:
    data = encoded(Image.new("RGB", (95, 300)), "PNG")
    assert refusal(data, min_side=96) == "too-small"
    assert process_picture(data, min_side=95).source_width == 95


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (20_000, 20_000, "too-many-pixels"),
        (7_072, 7_072, "too-many-pixels"),
        (20_001, 2_000, "too-many-pixels"),
        (2_000_000_000, 2_000_000_000, "too-many-pixels"),
        (2_001, 100, "too-elongated"),
        (100, 2_001, "too-elongated"),
        (0, 100, "damaged"),
    ],
)
def test_a_claimed_size_beyond_the_limits_is_refused_before_decoding(
    width: int, height: int, reason: str
) -> None:
    assert refusal(png_header_only(width, height)) == reason


def test_a_size_beyond_the_limits_is_refused_in_every_format() -> None:
    huge = Image.new("L", (7_100, 7_100))
    for kind, options in (("JPEG", {}), ("GIF", {}), ("WEBP", {"method": 0})):
        assert refusal(encoded(huge, kind, **options)) == "too-many-pixels"


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_bytes_raise_anything_but_a_refusal(data: bytes) -> None:
    for magic in (b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP"):
        assert refusal(magic + data)


@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_a_damaged_picture_is_kept_safely_or_refused(
    kind: str, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(encoded(drawn(1, width=64, height=48), kind))
    for place, value in changes:
        data[int(place * len(data))] = value
    try:
        picture = process_picture(bytes(data))
    except PictureRefusedError:
        return
    assert kept(picture).size == (picture.width, picture.height)
