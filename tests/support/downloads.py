"""Pictures for a downloader to fetch, and what it left of them in its store."""

import asyncio

from aiohttp import web

from artgrab.common.keys import images_prefix
from artgrab.common.record_parts import read_records
from artgrab.common.records import MergedRecord, Record
from artgrab.common.store import Store
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.drawn import jpeg
from tests.support.ingest_client import candidate
from tests.support.playing_hosts import Handler, PlayingHosts


def put_pictures(hosts: PlayingHosts, count: int) -> list[pb.Candidate]:
    """Put pictures on as many hosts and return their candidates."""
    urls = [f"http://img.site-{number}.test/a.jpg" for number in range(count)]
    return [candidate(hosts.put(url, jpeg(seed))) for seed, url in enumerate(urls)]


def put_held_picture(hosts: PlayingHosts) -> tuple[str, asyncio.Event, asyncio.Event]:
    """Put a picture on a host; return its URL, what tells that it is asked for, what lets it go."""
    asked, go = asyncio.Event(), asyncio.Event()

    async def held(request: web.Request) -> web.Response:
        asked.set()
        await go.wait()
        return web.Response(body=jpeg())

    return hosts.handle("http://slow.test/a.jpg", held), asked, go


def trickle(pause: float, *, length: int = 1000) -> Handler:
    """Return a handler that answers byte by byte, with a pause in seconds after each."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(length)})
        await response.prepare(request)
        for _ in range(length):
            await response.write(b"\xff")
            await asyncio.sleep(pause)
        return response

    return handler


def recorded(store: Store) -> dict[str, MergedRecord]:
    """Return the final records by candidate_id."""
    return read_records(store, namespace="default", category="cats")


def only_record(store: Store) -> Record:
    """Return the one record there is."""
    (merged,) = recorded(store).values()
    return merged.record


def pictures_kept(store: Store) -> int:
    """Return how many pictures the store holds."""
    return len(list(store.list(images_prefix("default", "cats"))))
