"""The last of too many tries: RETRY_LATER is no answer any more, so that all is recorded."""

import asyncio
import tempfile
from typing import Any

import pytest
from aiohttp import web

from artgrab.common.records import Candidate, Record, RecordOutcome
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from artgrab.downloader.errors import RetryLaterError
from artgrab.downloader.ledgers import Ledgers, Verdict, VerdictOutcome
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, AckOutcome, hello_message
from artgrab.scraper.lanes import Policy
from tests.support.downloads import only_record, put_pictures, recorded
from tests.support.drawn import jpeg
from tests.support.ingest_client import candidate, downloader, ingest, outcomes
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import WAIT_SECONDS


async def _last_try(endpoint: str, url: str, **fields: Any) -> tuple[str, str]:
    one = candidate(url, last_try=True)
    (found,) = outcomes(await ingest(endpoint, [one], **fields)).values()
    return found


async def test_a_busy_host_s_candidate_fails_at_last_and_the_next_run_asks_again(
    hosts: PlayingHosts, store: Store
) -> None:
    url = hosts.put("http://busy.test/a.jpg", status=429, headers={"Retry-After": "1"})
    async with downloader(store, hosts.network) as endpoint:
        first = outcomes(await ingest(endpoint, [candidate(url)]))
        last = await _last_try(endpoint, url)
        again = await _last_try(endpoint, url)
    assert [*first.values()] == [("RETRY_LATER", "host-busy")]
    assert last == ("FAILED", "host-busy")
    assert again == ("ALREADY_RECORDED", "FAILED")
    record = only_record(store)
    assert (record.outcome, record.reason, record.passing) == ("FAILED", "host-busy", True)
    assert record.candidate.url == url
    hosts.put("http://busy.test/a.jpg", jpeg())
    async with downloader(store, hosts.network) as endpoint:
        await ingest(endpoint, [candidate(url)], run_id="run-2")
    assert only_record(store).outcome is RecordOutcome.STORED


async def test_on_a_last_try_what_can_be_had_is_had(hosts: PlayingHosts, store: Store) -> None:
    url = hosts.put("http://a.test/a.jpg", jpeg())
    async with downloader(store, hosts.network) as endpoint:
        assert await _last_try(endpoint, url) == ("STORED", "")
    assert only_record(store).candidate.url == url


async def test_a_last_try_gets_no_second_one(hosts: PlayingHosts, store: Store) -> None:
    url = hosts.put("http://broken.test/a.jpg", status=500)
    async with downloader(store, hosts.network) as endpoint:
        assert await _last_try(endpoint, url) == ("FAILED", "http-500")


async def test_at_another_s_site_a_last_try_fails_and_the_owner_s_record_wins(
    hosts: PlayingHosts, store: Store
) -> None:
    settings = {"addresses": ["127.0.0.1:1"], "own_address": "127.0.0.1:2"}
    url = hosts.put("http://a.test/a.jpg", jpeg())
    async with downloader(store, hosts.network, **settings) as endpoint:
        assert await _last_try(endpoint, url) == ("FAILED", "other-owner")
    assert hosts.asked(url) == 0
    async with downloader(store, hosts.network) as endpoint:
        await ingest(endpoint, [candidate(url)], run_id="run-2")
    assert only_record(store).outcome is RecordOutcome.STORED


async def test_a_last_try_that_joins_another_does_not_take_its_answer_to_come_later() -> None:
    go = asyncio.Event()

    async def busy(one: Candidate) -> Record:
        await go.wait()
        raise RetryLaterError("host-busy", retry_after=1)

    async def given_up(one: Candidate) -> Record:
        return Record(
            candidate=one, outcome=RecordOutcome.FAILED, run_id="r", retrieved_at="", reason="late"
        )

    one = Candidate(candidate_id="0" * 64, url="http://a.test/", source="gallery")
    with tempfile.TemporaryDirectory() as folder:
        ledgers = Ledgers(Store.open(folder))
        async with ledgers.open("default", "cats", run_id="r", filters_digest="") as desk:
            first = asyncio.create_task(desk.settle(one, busy))
            await asyncio.sleep(0)
            last = asyncio.create_task(desk.settle(one, given_up, last_try=True))
            await asyncio.sleep(0)
            go.set()
            assert (await first).outcome is VerdictOutcome.RETRY_LATER
            assert await last == Verdict(VerdictOutcome.FAILED, "late")


async def test_after_so_many_tries_of_a_scraper_every_candidate_has_a_record(
    hosts: PlayingHosts, store: Store
) -> None:
    async def busy(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "1"})

    urls = [hosts.handle(f"http://busy-{number}.test/a.jpg", busy) for number in range(5)]
    urls += [one.url for one in put_pictures(hosts, 5)]
    answers: list[Acked] = []

    async def brief(seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))

    async with downloader(store, hosts.network) as endpoint, asyncio.timeout(WAIT_SECONDS):
        client = IngestClient(
            [endpoint],
            hello=lambda: hello_message(
                namespace="default", category="cats", run_id="run-1", token="", min_side=0
            ),
            on_ack=answers.append,
            policy=Policy(retry_attempts=4),
            sleep=brief,
        )
        async with client:
            for url in urls:
                one = candidate_id(url).hex()
                await client.send(Candidate(candidate_id=one, url=url, source="gallery"))
            counts = await client.finish()
    found = recorded(store)
    assert (counts.stored, counts.failed) == (5, 5)
    assert len(answers) == len(found) == 10
    for answer in answers:
        record = found[answer.candidate.candidate_id].record
        assert (record.outcome.value, record.reason) == (answer.outcome.value, answer.reason)
        assert answer.outcome in (AckOutcome.STORED, AckOutcome.FAILED)


@pytest.mark.folder_only("about one process")
async def test_what_is_recorded_while_the_records_are_read_is_known_afterwards(
    hosts: PlayingHosts, store: Store
) -> None:
    """A stream begins at the very moment at which another one's picture becomes durable."""
    wanted = put_pictures(hosts, 20)
    async with downloader(store, hosts.network) as endpoint:
        await asyncio.gather(
            *(ingest(endpoint, wanted[start:] + wanted[:start]) for start in range(0, 20, 4))
        )
    assert all(hosts.asked(one.url) == 1 for one in wanted)
    assert len(recorded(store)) == 20
