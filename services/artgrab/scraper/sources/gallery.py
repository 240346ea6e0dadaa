"""Galleries: any web page of pictures, scrolled to its end, with whatever loads more pressed."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from urllib.parse import quote, urldefrag

import msgspec

from artgrab.common.network import NetworkSettings
from artgrab.common.politeness.challenges import is_challenge
from artgrab.common.resources import GallerySelectors, Source
from artgrab.common.urls import site_of
from artgrab.scraper.browser import Browser, PageError
from artgrab.scraper.selectors import to_xpath
from artgrab.scraper.sources.base import Found, SourceError, SourceLeftError, Tools
from artgrab.scraper.sources.gallery_page import Parsed, absolute_url, parse
from artgrab.scraper.sources.gallery_scripts import (
    CHANGE,
    FIRST_ITEMS,
    GROWTH,
    HEADERS,
    MORE,
    SCROLL,
)
from artgrab.scraper.sources.gallery_signals import OPT_OUT_HEADERS, OptOuts

_STATUS_PAGE = re.compile(r"HTTP ERROR ([45]\d\d)")
_REFUSING_STATUS = (401, 403, 429, 451, 503)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When a gallery counts as seen to its end, even if it would go on."""

    pictures: int = 20_000
    seconds: float = 1800.0
    pages: int = 1000
    barren_growths: int = 5
    """How often in a row a page may grow without a picture that is new."""
    first_items_seconds: float = 10.0
    """How long the first pictures may take to appear on a page that has loaded."""
    patience_seconds: tuple[float, ...] = (0.5, 1.0, 1.5)
    """How long to wait for growth, try after try, where the page is loading nothing."""
    loading_seconds: float = 20.0
    """How long to wait, in each try, where the page is loading something."""
    pressed_seconds: float = 10.0
    """How long what was pressed may take to show more."""


def _limits_of(network: NetworkSettings) -> Limits:
    return Limits(
        pictures=network.gallery_pictures,
        seconds=60.0 * network.gallery_minutes,
        pages=network.gallery_pages,
    )


async def pictures(
    source: Source,
    query: str,
    *,
    tools: Tools,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncGenerator[Sequence[Found], None]:
    """Yield the pictures of a gallery, newly loaded ones as soon as they are there."""
    assert source.gallery is not None
    url = source.gallery.url.replace("{query}", quote(query, safe=""))
    limits = limits or _limits_of(tools.network)
    visit = _Visit(tools, source.gallery.selectors, limits)
    await visit.open(url)
    begun = clock()
    barren, grown = 0, True
    while not visit.limit_reached(seconds=clock() - begun):
        if batch := await visit.new_pictures():
            yield batch
        barren = 0 if batch else barren + 1
        # Without growth, too, what is lazy may have got its address as we scrolled.
        if barren > (limits.barren_growths if grown else 0):
            break
        grown = await visit.grow()
    visit.check_layout()
    visit.check_end()


class _Visit:
    """One walk through a gallery."""

    def __init__(self, tools: Tools, selectors: GallerySelectors, limits: Limits) -> None:
        self._tools = tools
        self._selectors = selectors
        self._limits = limits
        self._items = to_xpath(selectors.item)
        self._more = to_xpath(selectors.more) if selectors.more else ""
        self._parsed = Parsed(0, [])
        self._opt_outs = OptOuts()
        self._offset = 0  # items on the pages before this one
        self._pages: set[str] = set()
        self._next = ""
        self._followed = False  # then its absence says that this is the end
        self._limit = ""
        self._barren_pages: list[str] = []
        self.known: set[str] = set()

    async def open(self, url: str) -> None:
        """Open a page of the gallery and wait for its first items."""
        if refusal := await self._tools.robots.refusal(url) or self._tools.wariness.problem(url):
            raise SourceError(refusal)
        spacing = await self._tools.robots.delay(url)
        if pause := self._tools.turns.pause(site_of(url), spacing=spacing):
            await self._tools.sleep(pause)
        self._browser: Browser = await self._tools.browser()
        status = await self._status(url)
        if status >= 400:
            self._note_refusal(url, status)
            raise SourceError(f"{url} answers with status {status}: missing, or we are blocked")
        self._pages.add(urldefrag(url)[0])
        self._url = url
        await self._run(FIRST_ITEMS, self._items, self._limits.first_items_seconds)
        headers = await self._run(HEADERS, OPT_OUT_HEADERS)
        self._opt_outs = OptOuts(await self._tools.robots.opt_outs(url), headers)

    async def _status(self, url: str) -> int:
        try:
            return await self._browser.open(url)
        except PageError as error:
            # Where an answer has no body, Chromium shows a page of its own with the status on it.
            if match := _STATUS_PAGE.search(str(error)):
                return int(match[1])
            raise SourceError(f"{url} cannot be opened: {error}") from error

    def _note_refusal(self, url: str, status: int) -> None:
        if status in _REFUSING_STATUS:
            self._tools.wariness.refused(url, f"status {status}", at_once=status == 429)

    async def new_pictures(self) -> list[Found]:
        """Return what the page shows that was not shown before."""
        try:
            base_url = await self._browser.address()
            html = await self._browser.html()
        except PageError:
            return []  # it replaces itself this moment, or its scripts hold it up
        self._parsed = await asyncio.to_thread(
            parse, html, base_url=base_url, selectors=self._selectors, first_rank=self._offset
        )
        self._check_welcome(html)
        signals = self._opt_outs.with_metas(self._parsed.metas)
        shown = {
            found.url: msgspec.structs.replace(found, page_read=True, page_signals=signals)
            for found in reversed(self._parsed.found)
        }
        fresh = [found for url, found in shown.items() if url not in self.known]
        self.known.update(shown)
        return sorted(fresh, key=lambda found: found.rank)

    def _check_welcome(self, html: bytes) -> None:
        """Raise SourceError where the page wants a person instead of showing items."""
        if self._parsed.items or not is_challenge(html):
            self._tools.wariness.welcomed(self._url)
            return
        self._tools.wariness.refused(self._url, "a page that wants a person")
        raise SourceError(
            f"{self._url} asks for proof that a person is there; artgrab gives none and stops"
        )

    async def grow(self) -> bool:
        """Bring more pictures onto the page, or open the next one; False at the end."""
        if self._next:
            await self._open_next()
            return True
        tries = self._limits.patience_seconds
        for patience in tries[:2] if self._followed else tries:
            await self._run(SCROLL)
            if self._more and (more := await self._run(MORE, self._more, self._items)):
                self._followed = True
                if await self._follow_or_wait(str(more)):
                    return True
            elif await self._grown(patience):
                return True
        return False

    async def _grown(self, seconds: float) -> bool:
        known, longest = self._parsed.items, self._limits.loading_seconds
        return bool(await self._run(GROWTH, self._items, known, seconds, longest))

    async def _follow_or_wait(self, more: str) -> bool:
        if more == "pressed":
            known, seconds = self._parsed.items, self._limits.pressed_seconds
            return bool(await self._run(CHANGE, self._items, known, seconds))
        url = absolute_url(more, base_url=self._url)
        if not url or not self._may_follow(url):
            return False
        self._next = url  # after another look at this page: we have scrolled since the last
        return True

    async def _open_next(self) -> None:
        url, self._next = self._next, ""
        self._note_barren_page()
        self._offset += self._parsed.items
        await self.open(url)

    def _may_follow(self, url: str) -> bool:
        if urldefrag(url)[0] in self._pages or site_of(url) != site_of(self._url):
            return False
        if len(self._pages) >= self._limits.pages:
            self._limit = f"{self._limits.pages:,} pages"
        return not self._limit

    async def _run(self, script: str, *arguments: object) -> object:
        try:
            return await self._browser.run(script, *arguments)
        except PageError:
            return None  # a page that replaces itself ends its scripts; we look at it again

    def limit_reached(self, *, seconds: float) -> bool:
        """Tell whether the gallery has been looked at for long enough; remembers why."""
        if seconds >= self._limits.seconds:
            self._limit = f"{self._limits.seconds / 60:,.3g} minutes"
        elif len(self.known) >= self._limits.pictures:
            self._limit = f"{len(self.known):,} pictures"
        return bool(self._limit)

    def check_layout(self) -> None:
        """Raise SourceError where the page holds no pictures the way we were told."""
        if not self.known:
            raise SourceError(f"{self._complaint()}; no results, or the layout has changed")

    def check_end(self) -> None:
        """Raise SourceLeftError where there may have been more pictures than were found."""
        if self._limit:
            raise SourceLeftError(f"{self._url} goes on after {self._limit}; it was left there")
        self._note_barren_page()
        if self._barren_pages:
            pages = f"on {len(self._barren_pages)} of {len(self._pages)} pages: "
            raise SourceLeftError(
                f"{pages}{self._barren_pages[0]}; the layout has changed, or that is the end"
            )

    def _note_barren_page(self) -> None:
        if not self._parsed.found:
            self._barren_pages.append(self._complaint())

    def _complaint(self) -> str:
        """Say which selector finds nothing on this page."""
        if not self._parsed.items:
            what = f"nothing matches the item selector {self._selectors.item!r}"
        else:
            what = (
                f"{self._parsed.items} items, but the image selector"
                f" {self._selectors.image!r} finds no address in any of them"
            )
        return f"{self._url}: {what}"
