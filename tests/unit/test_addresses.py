"""Endpoints of downloaders, and the addresses behind them."""

from artgrab.common.addresses import resolve


async def test_addresses_stand_for_themselves_once_each_and_in_order() -> None:
    endpoints = ["127.0.0.2:5", "[::1]:7", "127.0.0.1:5", "127.0.0.2:5"]
    assert await resolve(endpoints) == ["127.0.0.1:5", "127.0.0.2:5", "[::1]:7"]


async def test_names_stand_for_their_addresses_and_unknown_ones_for_none() -> None:
    assert "127.0.0.1:9" in await resolve(["localhost:9"])
    for nobody in ("nobody.invalid:9", "a..b:9", f"{'x' * 64}.test:9"):
        assert await resolve([nobody]) == []
