"""Endpoints of downloaders, and the addresses behind them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.addresses import resolve, split_endpoint
from artgrab.common.errors import BadInputError


@pytest.mark.parametrize(
    ("endpoint", "parts"),
    [
        ("127.0.0.1:50051", ("127.0.0.1", 50051)),
        ("downloader.art.svc:1", ("downloader.art.svc", 1)),
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_an_endpoint_is_host_and_port(endpoint: str, parts: tuple[str, int]) -> None:
    assert split_endpoint(endpoint) == parts


@given(st.text(alphabet="ab:[]-019.\u0660", max_size=12) | st.just("a:" + "9" * 5000))
def test_any_text_is_an_endpoint_or_refused_by_name(text: str) -> None:
    try:
        host, port = split_endpoint(text)
    except BadInputError as error:
        assert repr(text) in str(error)  # noqa: PT017 - most texts are refused
    else:
        assert host
        assert 0 < port < 65536


async def test_addresses_stand_for_themselves_once_each_and_in_order() -> None:
    endpoints = ["127.0.0.2:5", "[::1]:7", "127.0.0.1:5", "127.0.0.2:5"]
    assert await resolve(endpoints) == ["127.0.0.1:5", "127.0.0.2:5", "[::1]:7"]


async def test_names_stand_for_their_addresses_and_unknown_ones_for_none() -> None:
    assert "127.0.0.1:9" in await resolve(["localhost:9"])
    for nobody in ("nobody.invalid:9", "a..b:9", f"{'x' * 64}.test:9"):
        assert await resolve([nobody]) == []
