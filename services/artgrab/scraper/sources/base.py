"""What a source is: a pure parser behind a thin driver that yields batches of pictures."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Protocol

import aiohttp
import msgspec

from artgrab.common.errors import SurroundingsError
from artgrab.common.network import NetworkSettings
from artgrab.common.records import Licence
from artgrab.common.resources import Source
from artgrab.scraper.browser import Browser
from artgrab.scraper.robots import Robots
from artgrab.scraper.turns import Turns
from artgrab.scraper.wariness import Wariness

MAX_TEXT_LENGTH = 500
"""Characters kept of titles and names: they are labels for people, and hostile input."""


class SourceError(SurroundingsError):
    """A source gave nothing usable: it is blocked, broken, or its layout has changed."""


class SourceLeftError(SourceError):
    """A source was left before what may be its end; what it gave is good."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A picture as a source shows it."""

    url: str
    """Absolute http(s) URL of the picture at full size, as far as the source tells."""
    rank: int
    """Place in the source's answer, from 0."""
    page_url: str = ""
    title: str = ""
    creator: str = ""
    licence: Licence = Licence()
    width: int = 0
    """Pixels as claimed, 0 where unknown."""
    height: int = 0
    page_read: bool = False
    """The page it was found on was looked through for opt-outs."""
    page_signals: tuple[str, ...] = ()
    """Opt-outs on that page: they hold for the pictures on it."""


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What drivers work with; shared by all sources of a category."""

    network: NetworkSettings
    session: aiohttp.ClientSession
    robots: Robots
    browser: Callable[[], Awaitable[Browser]]
    """Start the browser, or return the one that runs already."""
    turns: Turns
    sleep: Callable[[float], Awaitable[None]]
    wariness: Wariness = msgspec.field(default_factory=Wariness)


class Driver(Protocol):
    """Go through what a source has for a query, best first, until it has no more.

    Raises:
        SourceError: nothing (more) can be had; what was yielded before stays good.
    """

    def __call__(
        self, source: Source, query: str, *, tools: Tools
    ) -> AsyncGenerator[Sequence[Found], None]: ...


def plain_text(text: str) -> str:
    """Return text for people: white space and control characters folded, cut at the limit."""
    printable = "".join(char if char.isprintable() else " " for char in text[: MAX_TEXT_LENGTH * 8])
    return " ".join(printable.split())[:MAX_TEXT_LENGTH]
