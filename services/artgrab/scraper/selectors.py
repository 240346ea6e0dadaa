"""The selectors of galleries: CSS in Scrapy's notation, checked and translated without browser."""

from collections.abc import Iterator

import cssselect
from cssselect import SelectorError
from parsel import Selector
from parsel.csstranslator import HTMLTranslator

from artgrab.common.documents.problems import Problem
from artgrab.common.errors import BadInputError
from artgrab.common.resources import ArtCategory, GallerySelectors

_translator = HTMLTranslator()
_EMPTY_PAGE = Selector(body=b"<html/>", encoding="utf-8", type="html")
_ELEMENTS = frozenset({"item", "more"})
_ADDRESSES = frozenset({"image", "page"})


def to_xpath(css: str) -> str:
    """Translate a selector in Scrapy's notation.

    Raises:
        BadInputError: it is not one.
    """
    try:
        xpath = _translator.css_to_xpath(css)
        _EMPTY_PAGE.xpath(xpath)
    except (SelectorError, ValueError) as error:
        raise BadInputError(f"selector {css!r} is not CSS as parsel takes it: {error}") from error
    return xpath


def selector_problems(category: ArtCategory) -> list[Problem]:
    """Return what is wrong with the selectors of a category's galleries."""
    return [
        Problem(("spec", "sources", index, "gallery", "selectors", name), text)
        for index, source in enumerate(category.spec.sources)
        if source.gallery is not None
        for name, css in _given(source.gallery.selectors)
        if (text := _problem(name, css))
    ]


def _given(selectors: GallerySelectors) -> Iterator[tuple[str, str]]:
    for name, css in selectors:
        if css is not None:
            yield name, css


def _problem(name: str, css: str) -> str:
    """Return why a selector cannot do what its name asks for; empty where it can."""
    try:
        to_xpath(css)
        gives_text = [one.pseudo_element is not None for one in cssselect.parse(css)]
    except (BadInputError, SelectorError, ValueError) as error:
        hint = "; XPath is not taken" if css.lstrip("(.").startswith("/") else ""
        cause = str(error.__cause__ or error)
        return f"is not CSS as parsel takes it: {cause}{hint}"
    if name in _ELEMENTS and any(gives_text):
        return "must give elements; leave ::text or ::attr(...) out"
    if name not in _ELEMENTS and not all(gives_text):
        wanted = "address" if name in _ADDRESSES else "text"
        ending = "::attr(href) or ::attr(src)" if name in _ADDRESSES else "::text or ::attr(...)"
        return f"gives an element and not its {wanted}; put {ending} behind it"
    return ""
