"""A candidate's way: its site's consent, its bytes, its pixels, its object, its record."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
import structlog
from yarl import URL

from artgrab.common.digests import sha256_hex, short_digest
from artgrab.common.keys import image_key
from artgrab.common.likeness import Look
from artgrab.common.politeness.challenges import is_challenge
from artgrab.common.records import TAKEN_DOWN, Candidate, Record, RecordOutcome
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedown, Takedowns
from artgrab.common.urls import site_of
from artgrab.common.version import VERSION
from artgrab.downloader.errors import FetchError, RefusedError, RetryLaterError
from artgrab.downloader.fetch import NETWORK_TROUBLES, REDIRECTS, Reply, Web, absolute, retry_after
from artgrab.downloader.hosts import Hosts
from artgrab.downloader.metrics import Metrics
from artgrab.downloader.optouts import (
    HEADERS,
    PAGE,
    RESERVATIONS,
    ROBOTS,
    decision,
    headers_of_interest,
    opt_out_signals,
)
from artgrab.downloader.reservations import PATH as RESERVATIONS_PATH
from artgrab.downloader.reservations import Reservations
from artgrab.downloader.robots import Robots
from artgrab.images import DecodePool, DecoderFailedError, Picture, PictureRefusedError
from artgrab.images.sniffing import is_html

MAX_REDIRECTS = 5
_PATIENCE_SECONDS = 300.0
"""For the whole way to a picture: each of its six hosts could take minutes with three answers."""
_OVERLOADED_SECONDS = 2.0
_PASSING_STATUS = (408, 425, 429)
_REFUSING_STATUS = (401, 403, 451)
"""One of them speaks of a picture; many in a row, of us."""

_log = structlog.get_logger()


class Filters(msgspec.Struct, frozen=True):
    """What a picture must be to be kept."""

    min_side: int = 0
    """Pixels of the shorter side of the source."""

    @property
    def digest(self) -> str:
        """Names these filters in records: a rejection holds only under the same ones."""
        return _digest_of(self)


@lru_cache
def _digest_of(filters: Filters) -> str:
    return short_digest(msgspec.to_builtins(filters))


class Task(msgspec.Struct, frozen=True):
    """For whom candidates are fetched."""

    namespace: str
    category: str
    run_id: str
    filters: Filters


@dataclass
class _Visit:
    """What is learned on the way; it goes into the record, however the way ends."""

    final_url: str = ""
    http_status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    signals: tuple[str, ...] = ()
    seen: set[str] = field(default_factory=set)
    """Places where opt-outs were looked for."""
    body: bytes | memoryview = b""
    """Until it is handed on."""
    source_bytes: int = 0
    source_sha256: str = ""
    takedown: str = ""

    def refuse(self, found: Takedown | None) -> None:
        """Go no further where there is a takedown."""
        if found is not None:
            self.takedown = found.id
            raise RefusedError(TAKEN_DOWN)


class Pipeline:
    """Turns candidates into records; the pictures it keeps are durable before it returns."""

    def __init__(
        self,
        *,
        web: Web,
        hosts: Hosts,
        robots: Robots,
        reservations: Reservations,
        pool: DecodePool,
        store: Store,
        max_bytes_in_flight: int,
        metrics: Metrics,
        takedowns: Callable[[], Takedowns] = Takedowns,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._web = web
        self._hosts = hosts
        self._robots = robots
        self._reservations = reservations
        self._pool = pool
        self._store = store
        self._max_bytes = self._free_bytes = max_bytes_in_flight
        self._metrics = metrics
        self._takedowns = takedowns
        self._now = now

    @property
    def bytes_in_flight(self) -> int:
        """Of bodies, at the moment."""
        return self._max_bytes - self._free_bytes

    async def make_record(self, candidate: Candidate, task: Task) -> Record:
        """Fetch a candidate, keep its picture and return the record that says so.

        Raises:
            RetryLaterError: its host is busy; nothing was done.
            SurroundingsError: the store did not take the picture.
        """
        visit = _Visit()
        try:
            visit.refuse(self._takedowns().of_urls(candidate.page_url))
            _check_page(candidate, visit)
            picture = await self._picture(candidate.url, visit, task.filters)
        except RefusedError as error:
            visit.signals = error.signals
            return self._record(candidate, task, visit, RecordOutcome.REJECTED, error.reason)
        except FetchError as error:
            return self._failure(candidate, task, visit, error.reason, passing=error.passing)
        except DecoderFailedError as error:
            return self._failure(candidate, task, visit, error.reason, passing=True)
        except PictureRefusedError as error:
            if error.reason == "too-small":
                return self._record(candidate, task, visit, RecordOutcome.REJECTED, error.reason)
            return self._failure(candidate, task, visit, error.reason, passing=False)
        key = image_key(task.namespace, task.category, picture.source_sha256, picture.encoding)
        with self._metrics.step("store"):
            await self._store.put_if_absent_async(key, picture.object_bytes)
        return _with_picture(
            self._record(candidate, task, visit, RecordOutcome.STORED), picture, key
        )

    def give_up(self, candidate: Candidate, task: Task, reason: str) -> Record:
        """Return the record of a candidate that was put off too often; the next run may ask."""
        return self._failure(candidate, task, _Visit(), reason, passing=True)

    async def _picture(self, url: str, visit: _Visit, filters: Filters) -> Picture:
        try:
            async with AsyncExitStack() as held:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._download(url, visit, held)
                visit.refuse(self._takedowns().of_digests(visit.source_sha256))
                with self._metrics.step("decode"):
                    picture = await self._decode(visit, filters)
            visit.refuse(_takedown_of(picture, self._takedowns()))
            return picture
        except (RefusedError, FetchError, DecoderFailedError, PictureRefusedError, RetryLaterError):
            raise
        except TimeoutError as error:
            raise FetchError("timeout", passing=True) from error
        except Exception as error:  # a fault of ours costs this one candidate, not the stream
            _log.exception("candidate failed", site=site_of(url))
            raise FetchError("internal-error", passing=True) from error

    async def _decode(self, visit: _Visit, filters: Filters) -> Picture:
        """Return the picture; the body is gone then, however long the store takes for the rest."""
        body, visit.body = visit.body, b""
        return await self._pool.process(
            body, min_side=filters.min_side, source_sha256=visit.source_sha256
        )

    async def _download(self, url: str, visit: _Visit, held: AsyncExitStack) -> None:
        """Fill the visit; `held` keeps its place and bytes taken until the pixels are through."""
        for _ in range(MAX_REDIRECTS + 1):
            visit.final_url = url
            target = self._web.check(url)
            visit.final_url = str(target)
            visit.refuse(self._takedowns().of_urls(url))
            site = site_of(url)
            async with self._hosts.wait(site):
                await self._ask_host(target, visit)
                await held.enter_async_context(self._hosts.turn(site, gated=True))
            with self._metrics.step("fetch"):
                location = await self._visit(url, visit, held)
            if location is None:
                return
            await held.aclose()  # who has a place must never wait for a turn
            url = location
        raise FetchError("too-many-redirects")

    async def _ask_host(self, target: URL, visit: _Visit) -> None:
        """Return when the host does not say no in its files; all hosts of the way are asked."""
        url, origin = visit.final_url, str(target.origin())
        rules = await self._robots.check(url, origin=origin)
        may_ask = rules.allows(f"{origin}{RESERVATIONS_PATH}")
        known = may_ask and await self._reservations.check(url, origin=origin)
        visit.seen = {*(visit.seen - {RESERVATIONS}), ROBOTS, *({RESERVATIONS} if known else ())}

    async def _visit(self, url: str, visit: _Visit, held: AsyncExitStack) -> str | None:
        """Ask one URL; return where it redirects to, None when the visit is at its end."""
        try:
            async with self._web.get(url) as reply:
                if reply.status in REDIRECTS:
                    self._hosts.note_answer(site_of(url))
                    return absolute(reply.url, reply.headers.get("Location", ""))
                await self._take(reply, visit, held)
        except FetchError as error:
            if error.reason in NETWORK_TROUBLES:
                self._hosts.note_trouble(site_of(url))
            raise
        return None

    async def _take(self, reply: Reply, visit: _Visit, held: AsyncExitStack) -> None:
        visit.http_status = reply.status
        visit.headers = dict(headers_of_interest(reply.headers))
        self._check_status(reply)
        visit.seen.add(HEADERS)
        if signals := opt_out_signals(reply.headers):
            self._hosts.note_answer(site_of(visit.final_url))
            raise RefusedError("opt-out", signals=signals)
        visit.body = await reply.read(take=lambda count: self._reserve(count, held))
        visit.source_bytes = len(visit.body)
        visit.source_sha256 = sha256_hex(visit.body) if visit.body else ""
        self._metrics.fetched(visit.source_bytes)
        self._judge_body(reply, visit.body)

    def _judge_body(self, reply: Reply, body: bytes | memoryview) -> None:
        """Tell what a site may answer from what it answers to keep us away: pages, status 200."""
        site = site_of(str(reply.url))
        if not is_html(body):
            self._hosts.forgive(site)
        elif is_challenge(body, reply.headers):
            self._hosts.note_refusal(site)
            raise FetchError("challenge-page", passing=True)
        elif self._hosts.has_served(site) and self._hosts.note_refusal(site) > 1:
            raise FetchError("html", passing=True)

    def _reserve(self, count: int, held: AsyncExitStack) -> None:
        if count > self._free_bytes:
            raise RetryLaterError("overloaded", retry_after=_OVERLOADED_SECONDS)
        self._free_bytes -= count
        held.callback(self._release, count)

    def _release(self, count: int) -> None:
        self._free_bytes += count

    def _check_status(self, reply: Reply) -> None:
        site = site_of(str(reply.url))
        if reply.status == 429 or (reply.status == 503 and "Retry-After" in reply.headers):
            seconds = self._hosts.hold_off(
                site, retry_after=retry_after(reply.headers, self._now())
            )
            if seconds is not None:
                raise RetryLaterError("host-busy", retry_after=seconds)
        if reply.status != 200:
            passing = reply.status >= 500 or reply.status in _PASSING_STATUS
            if reply.status >= 500:
                self._hosts.note_trouble(site)
            else:
                self._hosts.note_answer(site)
            if reply.status in _REFUSING_STATUS:
                passing = self._hosts.note_refusal(site) > 1
            raise FetchError(f"http-{reply.status}", passing=passing)

    def _failure(
        self, candidate: Candidate, task: Task, visit: _Visit, reason: str, *, passing: bool
    ) -> Record:
        record = self._record(candidate, task, visit, RecordOutcome.FAILED, reason)
        return msgspec.structs.replace(record, passing=passing)

    def _record(
        self,
        candidate: Candidate,
        task: Task,
        visit: _Visit,
        outcome: RecordOutcome,
        reason: str = "",
    ) -> Record:
        return Record(
            candidate=candidate,
            outcome=outcome,
            reason=reason,
            run_id=task.run_id,
            retrieved_at=self._now().isoformat(timespec="milliseconds"),
            final_url=visit.final_url,
            http_status=visit.http_status,
            headers=visit.headers,
            source_sha256=visit.source_sha256,
            source_bytes=visit.source_bytes,
            opt_out_signals=visit.signals,
            opt_out_decision=decision(candidate, visit.signals, visit.seen),
            filters_digest=task.filters.digest,
            takedown=visit.takedown,
            downloader_version=VERSION,
        )


def _takedown_of(picture: Picture, takedowns: Takedowns) -> Takedown | None:
    look = Look(picture.perceptual_hash, picture.source_width, picture.source_height)
    return takedowns.of_digests(picture.object_sha256) or takedowns.of_look(look)


def _with_picture(record: Record, picture: Picture, key: str) -> Record:
    return msgspec.structs.replace(
        record,
        source_format=picture.source_format,
        source_width=picture.source_width,
        source_height=picture.source_height,
        object_key=key,
        object_sha256=picture.object_sha256,
        width=picture.width,
        height=picture.height,
        perceptual_hash=picture.perceptual_hash,
    )


def _check_page(candidate: Candidate, visit: _Visit) -> None:
    """Go no further where the page says no: what a page says holds for the pictures on it."""
    if candidate.page_read:
        visit.seen.add(PAGE)
    if candidate.page_signals:
        raise RefusedError("opt-out", signals=candidate.page_signals)
