"""What is made of the bytes of an answer, however they are cut into pieces."""

import gc
import gzip
import tracemalloc
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.downloader.bodies import own_room
from artgrab.downloader.errors import FetchError
from artgrab.downloader.responses import SCRATCH_BYTES
from tests.support.fed_answers import PLENTY, feed, new_response, told
from tests.support.hostile.behaviours import CHUNKED, OK, answer

BODY = b"\xff\xd8\xff picture " * 50
GZIP, DEFLATE = "Content-Encoding: gzip", "Content-Encoding: deflate"


def unannounced(body: bytes, *fields: str) -> bytes:
    return OK + "".join(f"{field}\r\n" for field in fields).encode() + b"\r\n" + body


def chunked(body: bytes, *fields: str, size: int = 100, trailers: bytes = b"") -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x;a=b\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    end = b"0\r\n" + trailers + b"\r\n"
    return unannounced(chunks + end, *fields, "Transfer-Encoding: chunked")


ANSWERS = {
    "announced": answer(BODY, "ETag: x", "Vary: a", "Vary: b"),
    "empty": answer(b""),
    "chunked": chunked(BODY, trailers=b"X-After: 1\r\n"),
    "unannounced": unannounced(BODY),
    "gzip": answer(gzip.compress(BODY), GZIP),
    "gzip-chunked": chunked(gzip.compress(BODY), GZIP, size=7),
    "gzip-unannounced": unannounced(gzip.compress(BODY), GZIP),
    "gzip-and-more": answer(gzip.compress(BODY) + b"more", GZIP),
    "odd-blanks": answer(BODY).replace(b"Length:", b"Length :"),
    "identity": unannounced(BODY, "Transfer-Encoding: identity", "Content-Encoding: identity"),
    "deflate": answer(zlib.compress(BODY), DEFLATE),
    "deflate-without-frame": answer(zlib.compress(BODY)[2:-4], DEFLATE),
    "interim": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(BODY),
    "close": answer(BODY, "Connection: close"),
    "old": answer(BODY).replace(b"1.1", b"1.0"),
    "no-content": OK.replace(b"200", b"204") + b"Content-Length: 9\r\n\r\n",
    "bare-newlines": answer(b"").replace(b"\r\n", b"\n"),
    "surplus": answer(BODY) + answer(b"<html>"),
    "surplus-chunked": chunked(BODY) + b"?",
    "surplus-empty": answer(b"") + b"HTTP",
    "switching": b"HTTP/1.1 101 Go\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
}
FRAGMENTS = (
    *(OK, b"\r\n", b"\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"X: y\r\n"),
    *(
        b"0\r\n\r\n",
        b"5\r\nhello\r\n",
        f"{GZIP}\r\n".encode(),
        b"HTTP/1.1 100 Go\r\n\r\n",
        gzip.compress(b"hello"),
    ),
    *(b"Content-Encoding: br\r\n", b"Connection: close\r\n"),
)
EMPTY = {"empty", "no-content", "bare-newlines", "surplus-empty", "switching"}
FOLLOWED = {
    *(
        "gzip-and-more",
        "odd-blanks",
        "announced",
        "empty",
        "chunked",
        "gzip",
        "gzip-chunked",
        "deflate",
        "deflate-without-frame",
    ),
    *("interim", "no-content", "bare-newlines"),
}


class Rooms(list[memoryview]):
    """A Room that keeps what it gave."""

    def __call__(self, size: int) -> memoryview:
        self.append(own_room(size))
        return self[-1]


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


@contextmanager
def refused(reason: str) -> Iterator[None]:
    with pytest.raises(FetchError) as caught:
        yield
    assert caught.value.reason == reason


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_understood_in_one_piece_and_byte_by_byte(name: str) -> None:
    whole, bytewise = new_response(), new_response()
    feed(whole, [ANSWERS[name]])
    feed(bytewise, [bytes([one]) for one in ANSWERS[name]])
    for response in (whole, bytewise):
        response.end(is_clean=True)
    assert told(whole) == told(bytewise)
    assert told(whole).content == (b"" if name in EMPTY else BODY)
    assert whole.can_be_followed == (name in FOLLOWED)
    assert "X-After" not in whole.headers
    assert "Link" not in whole.headers


@given(st.data(), st.sampled_from(sorted(ANSWERS)))
def test_an_answer_is_the_same_however_it_is_cut(data: st.DataObject, name: str) -> None:
    whole, pieces = new_response(), new_response()
    feed(whole, [ANSWERS[name]])
    feed(pieces, data.draw(cut(ANSWERS[name])))
    assert told(whole) == told(pieces)


@given(st.data(), st.sampled_from(sorted(ANSWERS)), st.integers(0, 800))
def test_an_answer_that_is_torn_is_never_taken_for_a_whole_one(
    data: st.DataObject, name: str, at: int
) -> None:
    response = new_response()
    feed(response, data.draw(cut(ANSWERS[name][:at])))
    if response.is_complete:
        assert told(response).content == (b"" if name in EMPTY else BODY)
    else:
        with refused("cut-off" if response.status else "reset"):
            response.end(is_clean=False)


@given(st.data(), st.sampled_from(sorted(ANSWERS)), st.integers(1, len(BODY) + 10))
def test_no_more_than_is_wanted_is_returned(data: st.DataObject, name: str, limit: int) -> None:
    response, whole = new_response(), new_response()
    counts = list[int]()
    feed(response, data.draw(cut(ANSWERS[name])), limit=limit, take=counts.append)
    feed(whole, [ANSWERS[name]])
    assert response.body.content == whole.body.content[:limit]
    assert sum(counts) >= len(response.body.content)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(FRAGMENTS),
        ),
        max_size=12,
    ),
    st.booleans(),
)
def test_whatever_comes_ends_in_an_answer_or_in_a_reason(
    pieces: list[bytes], is_clean: bool
) -> None:
    response = new_response()
    try:
        feed(response, pieces)
        response.end(is_clean=is_clean)
    except FetchError:
        return
    assert response.is_complete
    assert 100 <= response.status <= 999


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (OK + b"X: " + b"a" * SCRATCH_BYTES, "bad-answer"),
        (OK + b"X: a\r\n" * 130, "bad-answer"),
        (OK + b"X: a\0b\r\n\r\n", "bad-answer"),
        (b"HTTP/1.1 150 X\r\nContent-Length: 9999999\r\n\r\n" + BODY, "bad-answer"),
        (b"HTTP/1.1 000 X\r\n\r\n" + BODY, "bad-answer"),
        (OK + b"Content-Length: " + b"0" * 5000 + b"3\r\n\r\nabc", "bad-answer"),
        (chunked(BODY).replace(b"0\r\n\r\n", b"zz\r\n"), "cut-off"),
        (b"HTTP/1.1 100 Go\r\n\r\n" * 4000, "too-large"),
        (CHUNKED + b"1;" + b"a" * SCRATCH_BYTES, "too-large"),
        (CHUNKED + b"0\r\n" + b"X: a\r\n" * 130, "bad-answer"),
        (chunked(b"a" * PLENTY, size=1), "too-large"),
        (answer(b"abc", "Content-Encoding: br"), "bad-answer"),
        (answer(b"abc", GZIP), "cut-off"),
        (answer(gzip.compress(BODY)[:-1], GZIP), "cut-off"),
        (answer(b"abc", "Content-Length: 3"), "bad-answer"),
        (OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad-answer"),
    ],
)
def test_what_goes_beyond_bounds_or_rules_ends_with_a_reason(data: bytes, reason: str) -> None:
    with refused(reason):
        feed(new_response(), [data])


def test_a_head_may_be_as_long_as_browsers_take_them_for_granted() -> None:
    response = new_response()
    feed(response, [answer(BODY, "Content-Security-Policy: " + "a" * 50_000)])
    assert response.body.content == BODY


@pytest.mark.parametrize(
    ("says", "least", "most"),
    [
        (answer(bytes(250_000)), 250_000, 350_000),
        (answer(bytes(10**6)), 0, SCRATCH_BYTES),
        (chunked(bytes(10**6)), 250_000, 350_000),
    ],
    ids=["short", "long", "without a length"],
)
def test_a_body_nobody_wants_yet_is_read_as_far_as_a_small_picture_goes(
    says: bytes, least: int, most: int
) -> None:
    response = new_response()
    came = 0
    while not (response.is_enough or response.is_complete):
        buffer = response.buffer()
        count = min(len(buffer), len(says) - came)
        buffer[:count] = says[came : came + count]
        response.feed(count)
        came += count
    assert least <= came <= most


@pytest.mark.parametrize("size", [5, 10**5, 10**6])
def test_a_body_lies_in_a_room_of_its_own_where_its_length_is_announced(size: int) -> None:
    rooms = Rooms()
    response = new_response(rooms)
    feed(response, [answer(b"aaaaa" + bytes(size - 5))])
    assert [len(one) for one in rooms] == [size + 1]
    rooms[0][:2] = b"bb"
    assert response.body.content == b"bbaaa" + bytes(size - 5)


def test_a_body_gets_no_more_room_than_is_wanted_of_it_and_packed_ones_get_none() -> None:
    rooms = Rooms()
    for says in (chunked(BODY), answer(gzip.compress(BODY), GZIP), unannounced(BODY), answer(b"")):
        feed(new_response(rooms), [says])
    assert not rooms
    response = new_response(rooms)
    feed(response, [answer(b"a" * 10**6)], limit=1000)
    assert [len(one) for one in rooms] == [1001]
    assert response.body.content == b"a" * 1000


def test_bytes_are_told_of_before_they_are_kept_and_may_be_refused() -> None:
    def refuse(count: int) -> None:
        raise MemoryError

    for says in (answer(BODY), chunked(BODY), answer(gzip.compress(BODY), GZIP)):
        response = new_response()
        with pytest.raises(MemoryError):
            feed(response, [says], take=refuse)
        assert response.body.content == b""


def test_a_bomb_is_undone_no_further_than_is_wanted() -> None:
    response = new_response()
    counts = list[int]()
    bomb = answer(gzip.compress(bytes(30_000_000)), GZIP)
    feed(response, [bomb], limit=1000, take=counts.append)
    assert sum(counts) == 1000


@pytest.mark.parametrize(
    "says", [answer(bytes(30_000)), unannounced(bytes(30_000)), chunked(bytes(30_000), size=2)]
)
def test_a_body_that_comes_in_tiny_pieces_takes_no_more_memory_than_it_has_bytes(
    says: bytes,
) -> None:
    response = new_response()
    tracemalloc.start()
    try:
        feed(response, (bytes([one]) for one in says))
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()
    assert response.body.content == bytes(30_000)


def test_what_comes_behind_a_compressed_body_is_not_kept() -> None:
    response = new_response()
    feed(response, [unannounced(gzip.compress(BODY), GZIP)])
    tracemalloc.start()
    try:
        feed(response, [bytes(50_000)] * 30)
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()
    assert response.body.content == BODY


def test_an_answer_that_is_done_with_is_gone_without_a_collector_of_cycles() -> None:
    gc.disable()
    try:
        response = new_response()
        feed(response, [answer(BODY)])
        response.close()
        gone = weakref.ref(response)
        del response
        assert gone() is None
    finally:
        gc.enable()
