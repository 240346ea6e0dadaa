"""What hosts reserve (TDMRep) and what pages refuse, over real sockets and into records."""

import json
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.store import Store
from artgrab.downloader.errors import RefusedError
from artgrab.downloader.fetch import open_web
from artgrab.downloader.hosts import Hosts
from artgrab.downloader.reservations import (
    MAX_BYTES,
    PATH,
    Reservations,
    parse_reservations,
    signals_at,
)
from artgrab.downloader.settings import DownloaderSettings
from tests.support.downloads import only_record, pictures_kept
from tests.support.drawn import jpeg
from tests.support.ingest_client import candidate, downloader, ingest, ingest_one, outcomes
from tests.support.playing_hosts import PlayingHosts

pytestmark = pytest.mark.folder_only(reason="what sites answer is no matter of the store")

_ORIGIN = "http://a.test"
_PICTURE = f"{_ORIGIN}/pictures/1.jpg"
_RULES = f"{_ORIGIN}{PATH}"
_RESERVED = "tdmrep.json: tdm-reservation 1"


def _rules(*rules: object) -> bytes:
    return json.dumps(rules).encode()


@pytest.mark.parametrize(
    ("body", "signals"),
    [
        (_rules({"location": "/", "tdm-reservation": 1}), [_RESERVED]),
        (_rules({"location": "*", "tdm-reservation": 1}), [_RESERVED]),
        (_rules({"location": "/pictures/", "tdm-reservation": 1}), [_RESERVED]),
        (_rules({"location": "/pictures/*.jpg$", "tdm-reservation": 1}), [_RESERVED]),
        (_rules({"location": "/*.png", "tdm-reservation": 1}), []),
        (_rules({"location": "/other/", "tdm-reservation": 1}), []),
        (_rules({"tdm-reservation": 1}), [_RESERVED]),
        (_rules({"location": "pictures", "tdm-reservation": "1"}), [_RESERVED]),
        (_rules({"location": "https://a.test/pictures/", "tdm-reservation": 1}), [_RESERVED]),
        (_rules({"location": "/", "tdm-reservation": 0}), []),
        (
            _rules(
                {"location": "/", "tdm-reservation": 1},
                {"location": "/pictures/", "tdm-reservation": 0},
            ),
            [],
        ),
        (
            _rules(
                {"location": "/pictures", "tdm-reservation": 0},
                {"location": "/pictures", "tdm-reservation": 1},
            ),
            [_RESERVED],
        ),
        (
            _rules({"location": "/", "tdm-reservation": 1, "tdm-policy": "https://a.test/p.json"}),
            [_RESERVED, "tdmrep.json: tdm-policy https://a.test/p.json"],
        ),
        (json.dumps({"location": "/", "tdm-reservation": 1}).encode(), [_RESERVED]),
        (_rules({"location": 7, "tdm-reservation": [1]}, None, 3, "x", [[]]), []),
        (_rules({"location": "/", "tdm-reservation": 1e400}), []),
        (b"", []),
        (b"<!doctype html>", []),
        (b"\xff\xfe[", []),
        (b"[" * 200_000, []),
    ],
)
def test_a_reservation_holds_for_the_paths_it_names(body: bytes, signals: list[str]) -> None:
    assert signals_at(_PICTURE, parse_reservations(body)) == tuple(signals)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(
            st.sampled_from(["location", "tdm-reservation", "tdm-policy"]) | st.text(), inner
        ),
        max_leaves=10,
    )
)  # fmt: skip
def test_no_json_makes_the_reading_fail(value: object) -> None:
    signals = signals_at(_PICTURE, parse_reservations(json.dumps(value).encode()))
    assert all(one.startswith("tdmrep.json: ") for one in signals)


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
async def reservations(hosts: PlayingHosts, clock: _Clock) -> AsyncIterator[Reservations]:
    settings = DownloaderSettings(connect_seconds=2, total_seconds=3)
    async with open_web(settings, hosts.network) as web:
        yield Reservations(web, Hosts(settings), clock=clock)


async def test_a_host_is_asked_for_its_reservations_once_a_day(
    hosts: PlayingHosts, reservations: Reservations, clock: _Clock
) -> None:
    for _ in range(3):
        assert await reservations.check(_PICTURE, origin=_ORIGIN)
    assert hosts.asked(_RULES) == 1
    hosts.put(_RULES, _rules({"location": "/", "tdm-reservation": 1}))
    clock.now += 25 * 3600
    with pytest.raises(RefusedError) as caught:
        await reservations.check(_PICTURE, origin=_ORIGIN)
    assert caught.value.signals == (_RESERVED,)


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_reservations_that_cannot_be_had_are_not_taken_for_none(
    status: int, hosts: PlayingHosts, reservations: Reservations, clock: _Clock
) -> None:
    hosts.put(_RULES, status=status)
    assert not await reservations.check(_PICTURE, origin=_ORIGIN)
    assert not await reservations.check(_PICTURE, origin=_ORIGIN)
    assert hosts.asked(_RULES) == 1
    hosts.put(_RULES)
    clock.now += 61
    assert await reservations.check(_PICTURE, origin=_ORIGIN)


async def test_an_endless_file_is_read_up_to_a_bound(
    hosts: PlayingHosts, reservations: Reservations
) -> None:
    hosts.put(_RULES, b"[" + b" " * (2 * MAX_BYTES) + b'{"tdm-reservation": 1}]')
    assert await reservations.check(_PICTURE, origin=_ORIGIN)


async def test_what_a_host_reserves_is_not_asked_for_and_recorded_with_its_policy(
    hosts: PlayingHosts, store: Store
) -> None:
    policy = "https://a.test/policies/p.json"
    hosts.put(_RULES, _rules({"location": "/", "tdm-reservation": 1, "tdm-policy": policy}))
    hosts.put(_PICTURE, jpeg())
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, _PICTURE) == ("REJECTED", "opt-out")
    record = only_record(store)
    assert record.opt_out_signals == (_RESERVED, f"tdmrep.json: tdm-policy {policy}")
    assert record.opt_out_decision == f"refused: {_RESERVED}"
    assert not hosts.asked(_PICTURE)


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (b"User-agent: *\nDisallow: /.well-known/", "not checked: tdmrep.json"),
        (None, "none seen in robots.txt, tdmrep.json, headers"),
    ],
)
async def test_a_record_of_a_kept_picture_tells_what_was_looked_at(
    rules: bytes | None, told: str, hosts: PlayingHosts, store: Store
) -> None:
    if rules:
        hosts.put(f"{_ORIGIN}/robots.txt", rules)
        hosts.put(_RULES, _rules({"location": "/", "tdm-reservation": 1}))
    hosts.put(_PICTURE, jpeg())
    async with downloader(store, hosts.network) as endpoint:
        assert await ingest_one(endpoint, _PICTURE) == ("STORED", "")
    assert only_record(store).opt_out_signals == ()
    assert told in only_record(store).opt_out_decision
    assert hosts.asked(_RULES) == (0 if rules else 1)


async def test_what_a_page_refuses_is_not_even_asked_for(hosts: PlayingHosts, store: Store) -> None:
    hosts.put(_PICTURE, jpeg())
    signals = ["meta robots: noai", "meta robots: noai", "\x00meta tdm-reservation: 1"]
    one = candidate(_PICTURE, page_read=True, page_signals=signals)
    async with downloader(store, hosts.network) as endpoint:
        found = outcomes(await ingest(endpoint, [one]))
    assert set(found.values()) == {("REJECTED", "opt-out")}
    record = only_record(store)
    assert record.opt_out_signals == ("meta robots: noai", "meta tdm-reservation: 1")
    assert record.candidate.page_signals == record.opt_out_signals
    assert not hosts.seen
    assert not pictures_kept(store)


async def test_whoever_opted_out_is_asked_again_in_the_next_run_and_not_before(
    hosts: PlayingHosts, store: Store
) -> None:
    hosts.put(_PICTURE, jpeg())
    refused = candidate(_PICTURE, page_read=True, page_signals=["meta robots: noai"])
    async with downloader(store, hosts.network) as endpoint:
        for run, one, outcome in (
            ("run-1", refused, ("REJECTED", "opt-out")),
            ("run-1", candidate(_PICTURE, page_read=True), ("ALREADY_RECORDED", "REJECTED")),
            ("run-2", candidate(_PICTURE, page_read=True), ("STORED", "")),
        ):
            found = outcomes(await ingest(endpoint, [one], run_id=run))
            assert set(found.values()) == {outcome}
    assert "none seen in gallery page, robots.txt" in only_record(store).opt_out_decision
