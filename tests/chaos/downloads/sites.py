"""Sites whose pictures are downloaded, that know when each of them was asked for."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from aiohttp import web

from artgrab.common.records import RecordOutcome
from tests.chaos.downloads.client import MIN_SIDE
from tests.support.drawn import jpeg
from tests.support.playing_hosts import PlayingHosts

_SITES = 40
_LONGEST_ANSWER_SECONDS = 0.3
_CHANGES = 100_000
_TWINS = 50


class Kind(StrEnum):
    """What a URL has to give."""

    PICTURE = "picture"
    TWIN = "twin"
    """A picture that is at other URLs as well."""
    CHANGING = "changing"
    """Another picture each time: what is fetched twice leaves two objects, of which one stays."""
    LATE = "late"
    """A server error at first, then a picture."""
    SMALL = "small"
    OPTED_OUT = "opted-out"
    MISSING = "missing"
    BROKEN = "broken"
    SICK = "sick"
    """A failure that may pass, and does not."""


_WEIGHTS: Mapping[Kind, float] = {
    Kind.PICTURE: 66,
    Kind.TWIN: 4,
    Kind.CHANGING: 10,
    Kind.LATE: 4,
    Kind.SMALL: 4,
    Kind.OPTED_OUT: 3,
    Kind.MISSING: 4,
    Kind.BROKEN: 3,
    Kind.SICK: 2,
}
OUTCOMES: Mapping[Kind, RecordOutcome] = {
    **dict.fromkeys((Kind.SMALL, Kind.OPTED_OUT), RecordOutcome.REJECTED),
    **dict.fromkeys((Kind.MISSING, Kind.BROKEN, Kind.SICK), RecordOutcome.FAILED),
    **dict.fromkeys((Kind.PICTURE, Kind.TWIN, Kind.CHANGING, Kind.LATE), RecordOutcome.STORED),
}
"""How the URLs of each kind end."""


class Request(NamedTuple):
    """A picture that was asked for."""

    at: float
    """Seconds of time.monotonic(), which all processes of a machine share."""
    url: str


class Sites:
    """Answers for a number of URLs, each of a kind, and logs every request."""

    def __init__(self, hosts: PlayingHosts, count: int, randomness: random.Random) -> None:
        kinds = randomness.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=count)
        self.kinds = {_url(number): kind for number, kind in enumerate(kinds)}
        self.log: list[Request] = []
        self._numbers = {url: number for number, url in enumerate(self.kinds)}
        self._asked: Counter[str] = Counter()
        self._randomness = randomness
        for url in self.kinds:
            hosts.handle(url, self._answer)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        url = f"http://{request.host}{request.path}"
        self.log.append(Request(time.monotonic(), url))
        self._asked[url] += 1
        await asyncio.sleep(self._randomness.uniform(0, _LONGEST_ANSWER_SECONDS))
        return self._response(url, self._numbers[url])

    def _response(self, url: str, number: int) -> web.Response:
        kind = self.kinds[url]
        match kind:
            case Kind.TWIN:
                return web.Response(body=_picture(-(number % _TWINS) - 1))
            case Kind.CHANGING:
                return web.Response(body=_picture(number + _CHANGES * self._asked[url]))
            case Kind.LATE if self._asked[url] == 1:
                return web.Response(status=500)
            case Kind.SMALL:
                return web.Response(body=_picture(number, side=MIN_SIDE - 1))
            case Kind.OPTED_OUT:
                return web.Response(body=_picture(number), headers={"X-Robots-Tag": "noai"})
            case Kind.MISSING:
                return web.Response(status=404)
            case Kind.BROKEN:
                body = _picture(number)
                return web.Response(body=body[: len(body) // 2])
            case Kind.SICK:
                return web.Response(status=501)
        return web.Response(body=_picture(number))


def _url(number: int) -> str:
    return f"http://img.site-{number % _SITES}.test/{number}.jpg"


def _picture(seed: int, *, side: int = MIN_SIDE) -> bytes:
    return jpeg(abs(seed) * 2 + (seed < 0), width=side + 16, height=side)
