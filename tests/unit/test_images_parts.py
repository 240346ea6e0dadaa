"""Files of very many small parts would cost a decoder minutes: they are refused before that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.images import PictureRefusedError, parts, process_picture
from artgrab.images.parts import MAX_BLOCKS, MAX_CHUNKS, MAX_SCANS, MAX_SEGMENTS, check_parts
from artgrab.images.types import Data
from tests.support.drawn import drawn, encoded, jpeg
from tests.support.hostile.pictures import (
    animated_png,
    chunk,
    gif,
    jpeg_of_scans,
    jpeg_with,
    png,
    segment,
)

COMMENT = segment(0xFE)
SCAN = segment(0xDA, b"\x01\x01\x00\x00\x00\x00")
MOST = {
    "scans": ("jpeg", lambda extra: jpeg_of_scans(64, MAX_SCANS - 1 + extra)),
    "segments": ("jpeg", lambda extra: jpeg_with(COMMENT * (MAX_SEGMENTS - 20 + 20 * extra))),
    "chunks": ("png", lambda extra: png(8, 8, chunk(b"prIv") * (MAX_CHUNKS - 2 + extra))),
    "blocks": ("gif", lambda extra: gif(8, 8, b"!\xfe\0" * (MAX_BLOCKS + extra))),
    "sub-blocks": (
        "gif",
        lambda extra: gif(8, 8, b"!\xfe", b"\1a" * (MAX_BLOCKS - 1 + extra), b"\0"),
    ),
    "loose bytes": ("gif", lambda extra: gif(8, 8, b"\0" * (MAX_BLOCKS + extra))),
}


@pytest.mark.parametrize("what", MOST)
def test_as_many_parts_as_allowed_are_read_and_one_more_is_refused(what: str) -> None:
    kind, make = MOST[what]
    assert process_picture(make(0)).source_format == kind
    with pytest.raises(PictureRefusedError, match="too-many-parts"):
        process_picture(make(1))


@pytest.mark.parametrize("junk", [b"\0" * 70_000, b"\xff" * 70_000, b"\xff\0" * 40_000])
def test_a_jpeg_with_much_between_its_segments_is_refused(junk: bytes) -> None:
    good = jpeg_with(COMMENT)
    with pytest.raises(PictureRefusedError, match="too-many-parts"):
        check_parts(good[:6] + junk + good[6:], source_format="jpeg")


@pytest.mark.parametrize(
    "data",
    [
        jpeg() + SCAN * 1000,
        jpeg_with(segment(0xE1, SCAN * 1000)),
        jpeg_with(*[segment(0xE2, b"x" * 60_000)] * 60),
        encoded(drawn(), "JPEG", progressive=True),
        encoded(drawn(), "JPEG", restart_marker_blocks=1),
    ],
    ids=["after the end", "in other data", "large profile", "progressive", "restarts"],
)
def test_what_only_looks_like_many_parts_is_read(data: bytes) -> None:
    assert process_picture(data).source_width == 320


def test_the_bytes_of_a_jpeg_are_searched_for_scans_once_however_many_segments_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """25 MB with 990 segments behind their scan took a decoder 22 seconds."""
    searched = list[int]()
    look = parts._may_have_many_scans

    def counted(data: Data, *rest: bytes, components: Data) -> bool:
        searched.append(len(data))
        return look(data, *rest, components=components)

    monkeypatch.setattr(parts, "_may_have_many_scans", counted)
    progressive = encoded(drawn(), "JPEG", progressive=True)
    first_scan = progressive.index(b"\xff\xda")
    data = progressive[: first_scan + 10] + COMMENT * 900 + segment(0xE1, SCAN * 1000)
    check_parts(data, source_format="jpeg")
    assert searched == [len(data)]


def test_thousands_of_frames_after_the_first_are_not_gone_through() -> None:
    assert process_picture(animated_png(30_000)).source_width == 1
    assert process_picture(gif(8, 8, frames=30_000)).source_width == 8


@given(st.sampled_from(["jpeg", "png", "gif", "webp"]), st.binary(max_size=400))
def test_no_bytes_are_too_many_parts_when_they_are_few(kind: str, data: bytes) -> None:
    check_parts(data, source_format=kind)


def test_a_jpeg_whose_pixels_end_early_is_cut_off_though_it_has_an_end() -> None:
    data = encoded(drawn(9, width=640, height=480), "JPEG")
    with pytest.raises(PictureRefusedError, match="truncated"):
        process_picture(data[: len(data) // 2] + b"\xff\xd9")
