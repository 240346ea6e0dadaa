"""MediaWikis such as Wikimedia Commons: full-text search for files through the API."""

from collections.abc import AsyncGenerator, Mapping, Sequence

import aiohttp
from yarl import URL

from artgrab.common.resources import Source
from artgrab.scraper.sources.base import Found, SourceError, Tools
from artgrab.scraper.sources.mediawiki_answers import (
    Answer,
    File,
    LaggingError,
    parse_answer,
    to_found,
)
from artgrab.scraper.web import failure, read_at_most

MAX_ORIGINAL_BYTES = 25_000_000
"""Downloaders take no larger files; for those the wiki's own thumbnail is asked for."""
THUMBNAIL_WIDTH = 1280
"""Pixels; one of the widths Wikimedia keeps ready (others are rendered, and rationed)."""
_ANSWER_BYTES = 32_000_000
_BATCH = 50
"""Files for each request: what anonymous callers may have (API:Etiquette, API:Search)."""
_MAX_OFFSET = 10_000
"""CirrusSearch gives no more results to one query."""
_MAX_ANSWERS = 1000
"""To one query: five times what a wiki needs that does not send us in circles."""
_OFFSET_DIGITS = 9
_MAX_LAG_SECONDS = 5
_ATTEMPTS = 6
_ATTEMPTS_TO_CONNECT = 4
"""Where nobody is reached at all, such as without the internet: seven seconds of patience."""
_MAX_WAIT_SECONDS = 120.0
_COMMON: dict[str, str | int] = {
    "action": "query",
    "format": "json",
    "formatversion": 2,
    "maxlag": _MAX_LAG_SECONDS,
    "prop": "imageinfo",
}
_SEARCH: dict[str, str | int] = _COMMON | {
    "iiprop": "url|size|mime|sha1|extmetadata|user",
    "generator": "search",
    "gsrnamespace": 6,
    "gsrlimit": _BATCH,
}


async def pictures(
    source: Source, query: str, *, tools: Tools
) -> AsyncGenerator[Sequence[Found], None]:
    """Yield the files a search finds, one request after the other."""
    assert source.mediawiki is not None
    wiki = _Wiki(source.mediawiki.url, tools)
    offset = 0
    position: Mapping[str, str | int] = {}
    for _ in range(_MAX_ANSWERS):
        answer = await wiki.ask({**_SEARCH, "gsrsearch": query, **position})
        if batch := await _complete(wiki, answer, offset=offset):
            yield batch
        if not answer.position or answer.position == position:
            return
        position = answer.position
        offset = _offset(position, default=offset)
        if offset >= _MAX_OFFSET:
            return


def _offset(position: Mapping[str, str | int], *, default: int) -> int:
    value = str(position.get("gsroffset", default))[:_OFFSET_DIGITS]
    return int(value) if value.isdecimal() else default


async def _complete(wiki: "_Wiki", answer: Answer, *, offset: int) -> list[Found]:
    """Replace originals that are too large by their thumbnails."""
    giants = [file.page_id for file in answer.files if file.size > MAX_ORIGINAL_BYTES]
    thumbnails = await wiki.thumbnails(giants) if giants else {}
    return [
        to_found(file, offset=offset, thumbnail=thumbnails.get(file.page_id))
        for file in answer.files
        if file.size <= MAX_ORIGINAL_BYTES or file.page_id in thumbnails
    ]


class _Wiki:
    """The API of one wiki: one request at a time, patient but not for ever."""

    def __init__(self, url: str, tools: Tools) -> None:
        self._url = url
        self._tools = tools

    async def ask(self, fields: Mapping[str, str | int]) -> Answer:
        """Return what the wiki answers.

        Raises:
            SourceError: the wiki refuses, or stays busy or lagging.
        """
        if problem := self._tools.wariness.problem(self._url) or await self._refusal():
            raise SourceError(problem)
        attempt, attempts, trouble = 0, _ATTEMPTS, ""
        while attempt < attempts:
            # Another query may have found meanwhile that there is no use in it.
            if problem := self._tools.wariness.problem(self._url):
                raise SourceError(problem)
            try:
                return await self._ask_once(fields)
            except LaggingError as error:
                trouble, wait = str(error), error.retry_after
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                trouble, wait = failure(error), 0.0
                if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
                    attempts = _ATTEMPTS_TO_CONNECT
            attempt += 1
            if attempt < attempts:
                await self._tools.sleep(_wait_seconds(attempt - 1, wait))
        self._tools.wariness.leave(self._url, f"gives no answer in {attempt} tries ({trouble})")
        raise SourceError(self._tools.wariness.problem(self._url))

    async def _refusal(self) -> str:
        async with self._tools.turns.at(URL(self._url).authority):
            return await self._tools.robots.refusal_by_name(self._url)

    async def _ask_once(self, fields: Mapping[str, str | int]) -> Answer:
        async with (
            self._tools.turns.at(URL(self._url).authority),
            self._tools.session.get(self._url, params=fields) as response,
        ):
            retry_after = _retry_after(response.headers.get("Retry-After", ""))
            if response.status == 429 or response.status >= 500:
                raise LaggingError(f"status {response.status}", retry_after=retry_after)
            if response.status != 200:
                self._tools.wariness.refused(self._url, f"status {response.status}")
                raise SourceError(f"{self._url} answers with status {response.status}")
            body = await read_at_most(response, _ANSWER_BYTES)
        answer = parse_answer(body, retry_after=retry_after)
        self._tools.wariness.welcomed(self._url)
        return answer

    async def thumbnails(self, page_ids: Sequence[int]) -> dict[int, File]:
        """Return files whose URL and size are those of a thumbnail."""
        fields: dict[str, str | int] = {"iiprop": "url|size|mime", "iiurlwidth": THUMBNAIL_WIDTH}
        pages = "|".join(map(str, page_ids))
        answer = await self.ask({**_COMMON, **fields, "pageids": pages})
        return {file.page_id: file for file in answer.files if file.thumbnail_url}


def _retry_after(value: str) -> float:
    """Return seconds; dates (RFC 9110, 10.2.3) are left to our own back-off."""
    return float(value) if value.isdecimal() and len(value) < 6 else 0.0


def _wait_seconds(attempt: int, asked: float) -> float:
    return min(_MAX_WAIT_SECONDS, max(asked, 2.0**attempt))
