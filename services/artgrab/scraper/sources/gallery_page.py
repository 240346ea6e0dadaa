"""From the HTML of a gallery page to the pictures on it; pure."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, urljoin

from parsel import Selector

from artgrab.common.errors import BadInputError
from artgrab.common.resources import GallerySelectors
from artgrab.common.urls import normalise_url
from artgrab.scraper.licences import licence
from artgrab.scraper.selectors import to_xpath
from artgrab.scraper.sources.base import Found, plain_text

_DROPPED = re.compile(r"[\t\r\n]")  # as browsers do (WHATWG URL, 4.1)
_MAX_METAS = 200
_ENCODED = re.compile(r"[\x00-\x20\x7f]")


class Parsed(NamedTuple):
    items: int
    """Elements that match the item selector, with or without a picture."""
    found: list[Found]
    metas: Sequence[tuple[str, str]] = ()
    """Name and content of the page's meta elements."""


def parse(
    html: bytes, *, base_url: str, selectors: GallerySelectors, first_rank: int = 0
) -> Parsed:
    """Return the pictures of a page in UTF-8; the rank of each is the place of its item.

    Items whose picture has no address of its own yet (data: placeholders of lazy loaders) count
    as items only.

    Raises:
        BadInputError: a selector is not CSS as parsel takes it.
    """
    paths = _Paths(selectors)
    page = Selector(body=html or b"<html/>", encoding="utf-8", type="html")
    base = absolute_url(_first(page, "//base/@href"), base_url=base_url) or base_url
    items = page.xpath(paths.item)
    found = (
        _found(item, paths, base=base, rank=first_rank + place) for place, item in enumerate(items)
    )
    return Parsed(len(items), [one for one in found if one is not None], _metas(page))


def _metas(page: Selector) -> Sequence[tuple[str, str]]:
    elements = page.xpath("//meta[@name and @content]")[:_MAX_METAS]
    return tuple((one.attrib["name"], one.attrib["content"]) for one in elements)


class _Paths:
    """The selectors as XPath, relative to the item; empty where there is none."""

    def __init__(self, selectors: GallerySelectors) -> None:
        self.item = to_xpath(selectors.item)
        self.image, self.page, self.title, self.creator, self.licence = (
            to_xpath(selector) if selector else ""
            for selector in (
                selectors.image,
                selectors.page,
                selectors.title,
                selectors.creator,
                selectors.licence,
            )
        )


def _found(item: Selector, paths: _Paths, *, base: str, rank: int) -> Found | None:
    url = absolute_url(_first(item, paths.image), base_url=base)
    if not url:
        return None
    terms = _first(item, paths.licence)
    if terms.startswith(("/", "//")):
        terms = absolute_url(terms, base_url=base)
    return Found(
        url=url,
        rank=rank,
        page_url=absolute_url(_first(item, paths.page), base_url=base),
        title=plain_text(_first(item, paths.title)),
        creator=plain_text(_first(item, paths.creator)),
        licence=licence(plain_text(terms), evidence="page"),
    )


def _first(selector: Selector, xpath: str) -> str:
    return (selector.xpath(xpath).get() or "").strip() if xpath else ""


def absolute_url(url: str, *, base_url: str) -> str:
    """Return the normalised http(s) URL that a page means; empty where it means none."""
    if not url:
        return ""
    cleaned = _ENCODED.sub(lambda match: quote(match[0]), _DROPPED.sub("", url.strip()))
    try:
        return normalise_url(urljoin(base_url, cleaned))
    except (BadInputError, ValueError):
        return ""
