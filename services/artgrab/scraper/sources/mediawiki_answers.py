"""From the JSON of a MediaWiki's API to files; pure."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from parsel import Selector

from artgrab.common.errors import BadInputError
from artgrab.common.records import Licence
from artgrab.common.unreadable import UNREADABLE
from artgrab.common.urls import normalise_url
from artgrab.scraper.licences import licence
from artgrab.scraper.sources.base import Found, SourceError, plain_text

BITMAPS = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
_FILE_NAMESPACE_SEPARATOR = ":"
_BUSY_CODES = frozenset({"maxlag", "ratelimited", "readonly"})


class LaggingError(Exception):
    """The wiki asks to come back later."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds, 0 where the wiki does not say."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A bitmap file of a wiki."""

    page_id: int
    url: str
    size: int
    """Bytes of the original."""
    place: int
    """Place in this answer, from 0."""
    width: int = 0
    height: int = 0
    page_url: str = ""
    title: str = ""
    creator: str = ""
    licence: Licence = Licence()
    thumbnail_url: str = ""
    thumbnail_width: int = 0
    thumbnail_height: int = 0


class Answer(msgspec.Struct, frozen=True):
    """One answer to a query for files."""

    files: tuple[File, ...]
    position: Mapping[str, str | int]
    """What to send along for the next answer; empty at the end."""


Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _ImageInfo(msgspec.Struct):
    url: str = ""
    descriptionurl: str = ""
    thumburl: str = ""
    thumbwidth: Count = 0
    thumbheight: Count = 0
    mime: str = ""
    size: Count = 0
    width: Count = 0
    height: Count = 0
    user: str = ""
    # An object where there is something in it, else an empty list (PHP).
    extmetadata: dict[str, Any] | list[Any] | None = None


class _Page(msgspec.Struct):
    title: str = ""
    pageid: int = 0
    index: int = 0
    imageinfo: list[_ImageInfo] = []


class _Query(msgspec.Struct):
    pages: list[_Page] = []


class _Error(msgspec.Struct):
    code: str = ""
    info: str = ""


class _Body(msgspec.Struct):
    query: _Query | None = None
    position: dict[str, str | int] = msgspec.field(name="continue", default_factory=dict)
    error: _Error | None = None


def parse_answer(body: bytes, *, retry_after: float = 0.0) -> Answer:
    """Read an answer (formatversion 2); files that are no bitmaps are left out.

    Raises:
        LaggingError: the wiki is too busy (maxlag and the like).
        SourceError: the answer is an error or nothing we know.
    """
    try:
        read = msgspec.json.decode(body, type=_Body, strict=False)
    except UNREADABLE as error:
        raise SourceError(f"not an answer of a MediaWiki's API: {error}") from error
    if read.error is not None:
        message = plain_text(f"{read.error.code}: {read.error.info}")
        if read.error.code in _BUSY_CODES:
            raise LaggingError(message, retry_after=retry_after)
        raise SourceError(f"the wiki refuses: {message}")
    pages = sorted(read.query.pages if read.query else [], key=lambda page: page.index)
    files = (_file(page, place) for place, page in enumerate(pages))
    return Answer(tuple(file for file in files if file is not None), read.position)


def to_found(file: File, *, offset: int = 0, thumbnail: File | None = None) -> Found:
    """Return a file as what it is to us; with its thumbnail for address where one is given."""
    return Found(
        url=thumbnail.thumbnail_url if thumbnail else file.url,
        rank=offset + file.place,
        page_url=file.page_url,
        title=file.title,
        creator=file.creator,
        licence=file.licence,
        width=thumbnail.thumbnail_width if thumbnail else file.width,
        height=thumbnail.thumbnail_height if thumbnail else file.height,
    )


def _file(page: _Page, place: int) -> File | None:
    info = page.imageinfo[0] if page.imageinfo else _ImageInfo()
    url = _web_url(info.url)
    if info.mime not in BITMAPS or not url:
        return None
    told = info.extmetadata if isinstance(info.extmetadata, dict) else {}
    return File(
        page_id=page.pageid,
        url=url,
        size=info.size,
        place=place,
        width=info.width,
        height=info.height,
        page_url=_web_url(info.descriptionurl),
        title=_title(page.title),
        creator=_text(told, "Artist") or plain_text(info.user),
        licence=_licence(told),
        thumbnail_url=_web_url(info.thumburl),
        thumbnail_width=info.thumbwidth,
        thumbnail_height=info.thumbheight,
    )


def _licence(told: Mapping[str, Any]) -> Licence:
    code = _text(told, "LicenseShortName") or _text(told, "License")
    return licence(code, url=_web_url(_text(told, "LicenseUrl")), evidence="api")


def _text(told: Mapping[str, Any], name: str) -> str:
    """Return a field of extmetadata as plain text: its values are HTML."""
    field = told.get(name)
    value = field.get("value") if isinstance(field, dict) else None
    if not isinstance(value, str | int) or not str(value).strip():
        return ""
    words = Selector(text=str(value), type="html").xpath("//text()[not(parent::style)]").getall()
    return plain_text(" ".join(words))


def _title(title: str) -> str:
    """Return the name of a file without its namespace and suffix."""
    name = title.partition(_FILE_NAMESPACE_SEPARATOR)[2] or title
    return plain_text(name.rpartition(".")[0] or name)


def _web_url(url: str) -> str:
    """Return a normalised http(s) URL; empty where it is none. `//host/...` means https."""
    if not url:
        return ""
    try:
        return normalise_url(f"https:{url}" if url.startswith("//") else url)
    except BadInputError:
        return ""
