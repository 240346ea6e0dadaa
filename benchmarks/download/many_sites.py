"""Any number of sites with small pictures, on one cheap server in this process."""

import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from artgrab.common.network import NetworkSettings
from artgrab.common.records import Candidate
from artgrab.common.urls import candidate_id
from tests.support.drawn import jpeg

_KINDS = 16


def candidate(number: int, site_count: int) -> Candidate:
    """Return the candidate of that number, each at another site than the one before."""
    url = f"http://img.site-{number % site_count}.test/{number // site_count}.jpg"
    return Candidate(candidate_id=candidate_id(url).hex(), url=url, source="gallery")


class Sites:
    """All sites: their pictures, and a log of who was asked when."""

    def __init__(self, *, distinct: bool) -> None:
        """Prepare: each URL has a picture of its own where distinct, else a few come again."""
        self._distinct = distinct
        self.log: list[tuple[str, float]] = []
        self._pictures = [jpeg(seed) for seed in range(_KINDS)]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.log.append((request.host, time.monotonic()))
        if not request.path.endswith(".jpg"):
            return web.Response(status=404)  # neither robots.txt nor reservations
        picture = self._pictures[len(self.log) % _KINDS]
        if not self._distinct:
            return web.Response(body=picture)
        url = f"{request.host}{request.path}".encode()
        comment = b"\xff\xfe" + (len(url) + 2).to_bytes(2, "big") + url
        return web.Response(body=picture[:2] + comment + picture[2:])

    def most_in(self, seconds: float) -> int:
        """Return the most requests that any site got within so long."""
        times = defaultdict[str, list[float]](list)
        for host, at in self.log:
            times[host].append(at)
        return max(
            sum(one <= at < one + seconds for at in found)
            for found in times.values()
            for one in found
        )


@asynccontextmanager
async def served(sites: Sites) -> AsyncIterator[NetworkSettings]:
    """Serve sites; yields the settings with which a downloader reaches them."""
    runner = web.ServerRunner(web.Server(sites.answer), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    endpoint = f"127.0.0.1:{runner.addresses[0][1]}"
    host, _, port = endpoint.partition(":")
    try:
        yield NetworkSettings(resolve={"*.test": endpoint}, allowed_targets=[f"{host}/32:{port}"])
    finally:
        await runner.cleanup()
