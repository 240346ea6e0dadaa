"""How pictures become requests, when calls are repeated, and whom TLS is spoken with."""

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.client import Prediction, Retries, requests
from artgrab.client.channels import Access, credentials_for, host_of
from artgrab.client.requests import TOO_LARGE, answers_in_order, build_request, split
from artgrab.client.retries import delays, to_artgrab_error
from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError
from tests.support.certificates import make_pair

LARGE = bytes(requests.PICTURE_BYTES + 1)


class Failure(grpc.RpcError):  # type: ignore[misc]  # grpc has no types
    def __init__(self, code: grpc.StatusCode, details: str = "why\nnot") -> None:
        self._code, self._details = code, details

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return self._details


@given(
    st.lists(st.binary(max_size=40)),
    st.integers(min_value=1, max_value=7),
    st.integers(min_value=1, max_value=60),
)
def test_every_picture_is_sent_once_in_order_within_the_limits(
    pictures: list[bytes], max_pictures: int, max_bytes: int
) -> None:
    batches = list(split(pictures, max_pictures=max_pictures, max_bytes=max_bytes))
    assert [picture for batch in batches for picture in batch] == pictures
    for batch in batches:
        assert 1 <= len(batch) <= max_pictures
        assert len(batch) == 1 or sum(map(len, batch)) <= max_bytes


@given(st.lists(st.binary(max_size=40)), st.integers(min_value=1, max_value=7))
def test_no_two_neighbours_would_fit_into_one_request(
    pictures: list[bytes], max_pictures: int
) -> None:
    batches = list(split(pictures, max_pictures=max_pictures, max_bytes=50))
    for one, following in pairwise(batches):
        assert len(one) == max_pictures or sum(map(len, one)) + len(following[0]) > 50


def test_pictures_are_read_no_further_than_the_next_request_needs() -> None:
    read: list[int] = []

    def pictures() -> Iterator[bytes]:
        for number in range(100):
            read.append(number)
            yield b"x"

    assert len(next(split(pictures(), max_pictures=3))) == 3
    assert len(read) == 4


def test_a_picture_too_large_for_any_request_fails_alone() -> None:
    batch = [b"a", LARGE, b"b"]
    request = build_request(batch)
    assert list(request.pictures) == [b"a", b"b"]
    answers = [Prediction(label="art"), Prediction(label="not-art")]
    assert answers_in_order(batch, answers) == [answers[0], TOO_LARGE, answers[1]]
    assert "31 MiB" in TOO_LARGE.error


def test_a_picture_too_large_takes_no_room_from_the_others() -> None:
    assert [len(b) for b in split([b"ab", LARGE, b"c"], max_pictures=9, max_bytes=3)] == [3]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_server_that_leaves_pictures_out_is_no_success(count: int) -> None:
    with pytest.raises(SurroundingsError, match="left pictures out"):
        answers_in_order([b"a", b"b"], [Prediction(label="art")] * count)


def test_waits_double_up_to_the_longest() -> None:
    retries = Retries(attempts=6, first_seconds=1, longest_seconds=5, randomness=lambda: 0.999)
    assert list(delays(retries)) == pytest.approx([0.999, 1.998, 3.996, 4.995, 4.995])


@given(st.floats(min_value=0, max_value=1, exclude_max=True))
def test_a_wait_is_random_between_nothing_and_its_bound(number: float) -> None:
    bounds = [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    found = list(delays(Retries(randomness=lambda: number)))
    assert len(found) == len(bounds)
    assert all(0 <= wait <= bound for wait, bound in zip(found, bounds, strict=True))


def test_no_wait_goes_beyond_the_deadline() -> None:
    attempts = Retries(randomness=lambda: 0.9, clock=lambda: 50.0).begin(0.1)
    with pytest.raises(SurroundingsError):
        attempts.delay_after(Failure(grpc.StatusCode.UNAVAILABLE), endpoint="x:1")


@pytest.mark.parametrize("seconds", [math.inf, 1e12])
def test_a_deadline_that_never_comes_is_not_over(seconds: float) -> None:
    assert Retries().begin(seconds).remaining_seconds() == 365 * 86_400


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_only_an_absent_busy_or_ending_server_is_asked_again(code: grpc.StatusCode) -> None:
    attempts = Retries(randomness=lambda: 0.5).begin(60)
    if code.name in ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"):
        assert attempts.delay_after(Failure(code), endpoint="x:1") == 0.1
    else:
        with pytest.raises(ArtgrabError):
            attempts.delay_after(Failure(code), endpoint="x:1")


def test_a_request_that_is_too_large_is_not_sent_again() -> None:
    attempts = Retries(randomness=lambda: 0.5).begin(60)
    details = "SERVER: Received message larger than max (52428805 vs. 33554432)"
    failure = Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, details)
    with pytest.raises(BadInputError, match="send fewer or smaller pictures"):
        attempts.delay_after(failure, endpoint="x:1")


@pytest.mark.parametrize("code", list(grpc.StatusCode))
def test_every_failure_is_one_sentence_that_names_the_server(code: grpc.StatusCode) -> None:
    error = to_artgrab_error(Failure(code), endpoint="host:8500")
    assert "host:8500" in str(error)
    assert "\n" not in str(error)
    refused = code in (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
    )
    assert isinstance(error, BadInputError if refused else SurroundingsError)


@pytest.mark.parametrize("endpoint", ["127.0.0.1:1", "[::1]:1", "localhost:1", "127.8.8.8:1"])
def test_this_machine_is_spoken_with_in_the_clear(endpoint: str) -> None:
    assert credentials_for(endpoint, tls=None, root_certificates=None) is None


@pytest.mark.parametrize("endpoint", ["10.0.0.1:1", "localhost.example.org:1", "[2001:db8::1]:1"])
def test_others_are_spoken_with_by_tls_unless_it_is_declined(endpoint: str) -> None:
    assert credentials_for(endpoint, tls=None, root_certificates=None) is not None
    assert credentials_for(endpoint, tls=False, root_certificates=None) is None


def test_root_certificates_mean_tls_even_on_this_machine(tmp_path: Path) -> None:
    root = "# of José\n".encode() + make_pair(tmp_path).certificate.read_bytes()
    assert credentials_for("127.0.0.1:1", tls=None, root_certificates=root) is not None


def test_root_certificates_that_are_none_are_bad_input(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    cut_off = pair.certificate.read_bytes()[:200]
    for wrong in (b"", b"rubbish", b"\xff\x00", pair.key.read_bytes(), cut_off):
        with pytest.raises(BadInputError, match="as PEM"):
            credentials_for("host:1", tls=None, root_certificates=wrong)


@pytest.mark.parametrize("endpoint", ["", "host", "host:", ":80", "http://host:80", "host:x1"])
def test_an_endpoint_that_is_none_is_bad_input(endpoint: str) -> None:
    with pytest.raises(BadInputError, match="HOST:PORT"):
        host_of(endpoint)


def access(endpoint: str, token: str | None, **given: bool | None) -> Access:
    defaults = {"tls": None, "token_without_tls": False}
    return Access(endpoint=endpoint, token=token, root_certificates=None, **{**defaults, **given})  # type: ignore[arg-type]  # any fields of it


@pytest.mark.parametrize("endpoint", ["10.0.0.1:1", "predict.example.org:1", "[2001:db8::1]:1"])
def test_a_token_goes_to_another_machine_over_tls_alone_unless_it_is_said(endpoint: str) -> None:
    with pytest.raises(BadInputError, match=r"not sent to .* without TLS") as caught:
        access(endpoint, "secret", tls=False).open_channel(grpc)
    assert "secret" not in str(caught.value)
    for how in ({"tls": None}, {"tls": True}, {"tls": False, "token_without_tls": True}):
        access(endpoint, "secret", **how).open_channel(grpc).close()


def test_a_token_goes_to_this_machine_without_tls() -> None:
    found = access("127.0.0.1:1", "secret")
    found.open_channel(grpc).close()
    assert found.metadata == (("authorization", "Bearer secret"),)
    assert "secret" not in repr(found)
    assert access("127.0.0.1:1", None).metadata == ()


@pytest.mark.parametrize("token", ["", "a b", "a\n", "ä", "\0"])
def test_a_token_that_cannot_be_sent_is_bad_input(token: str) -> None:
    with pytest.raises(BadInputError, match="the token is none"):
        access("127.0.0.1:1", token).open_channel(grpc)
