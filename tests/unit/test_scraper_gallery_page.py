"""From the HTML of a gallery to pictures: a golden page, lazy placeholders, hostile pages."""

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from artgrab.common.errors import BadInputError
from artgrab.common.records import Licence
from artgrab.common.resources import GallerySelectors
from artgrab.common.urls import normalise_url
from artgrab.scraper.sources.base import MAX_TEXT_LENGTH, Found
from artgrab.scraper.sources.gallery_page import Parsed, absolute_url, parse

_SELECTORS = GallerySelectors(
    item="article.picture",
    image="a.full::attr(href)",
    page="a.landing::attr(href)",
    title="figcaption::text",
    creator=".creator::text",
    licence="a[rel=license]::attr(href)",
)
_BASE = "http://www.gallery.test/art/index.html"
_PAGE = b"""<!doctype html><html><body>
<article class="picture"><a class="full" href="/full/1.jpg"><img src="/thumb/1.jpg"></a>
  <a class="landing" href="about/1">about</a><figcaption>
     Night\x20   street </figcaption>
  <span class="creator">A. Painter</span>
  <a rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/">terms</a></article>
<article class="picture"><a class="full" href="data:image/gif;base64,R0lGODlh"></a></article>
<article class="picture"><a class="full" href="//img.other.test/2 b.jpg#top"></a></article>
<article class="picture"><a class="full" href="javascript:show(3)"></a></article>
<article class="advertisement"><a class="full" href="/buy.jpg"></a></article>
</body></html>"""


def test_a_page_gives_its_pictures_with_all_it_says_of_them() -> None:
    parsed = parse(_PAGE, base_url=_BASE, selectors=_SELECTORS, first_rank=100)
    assert parsed.items == 4
    assert parsed.found == [
        Found(
            url="http://www.gallery.test/full/1.jpg",
            rank=100,
            page_url="http://www.gallery.test/art/about/1",
            title="Night street",
            creator="A. Painter",
            licence=Licence(
                code="CC-BY-SA-4.0",
                url="https://creativecommons.org/licenses/by-sa/4.0/",
                evidence="page",
            ),
        ),
        Found(url="http://img.other.test/2%20b.jpg", rank=102),
    ]


def test_addresses_are_relative_to_the_base_that_the_page_names() -> None:
    page = b"<base href='http://cdn.test/x/'><article class=picture><a class=full href=1.png>"
    found = parse(page, base_url=_BASE, selectors=_SELECTORS).found
    assert [one.url for one in found] == ["http://cdn.test/x/1.png"]


@pytest.mark.parametrize("page", [b"", b"   ", b"\x00", b"not html", b"\xff\xfe\xff", b"<" * 5000])
def test_a_page_without_pictures_gives_none(page: bytes) -> None:
    assert parse(page, base_url=_BASE, selectors=_SELECTORS) == Parsed(0, [])


def test_a_page_as_deep_as_browsers_build_it_gives_its_pictures() -> None:
    page = b"<div>" * 500 + b"<article class=picture><a class=full href=1.png>"
    found = parse(page, base_url=_BASE, selectors=_SELECTORS).found
    assert len(found) == 1


def test_endless_titles_are_cut() -> None:
    page = b"<article class=picture><a class=full href=1.png></a><figcaption>" + b"x" * 10**6
    assert len(parse(page, base_url=_BASE, selectors=_SELECTORS).found[0].title) == MAX_TEXT_LENGTH


def test_a_selector_that_is_not_css_is_a_mistake_of_the_user() -> None:
    wrong = GallerySelectors(item="article[", image="a::attr(href)")
    with pytest.raises(BadInputError, match=r"article\["):
        parse(_PAGE, base_url=_BASE, selectors=wrong)


@pytest.mark.parametrize("selector", ["a::nonsense", "a::attr(", "p:contains", "::attr(href"])
def test_any_selector_works_or_is_a_mistake_of_the_user(selector: str) -> None:
    selectors = GallerySelectors.model_construct(item="article", image=selector)
    with pytest.raises(BadInputError):
        parse(_PAGE, base_url=_BASE, selectors=selectors)


@given(st.text(max_size=200))
@example("[a='\x01']")
@example("\\1")
@settings(max_examples=200)
def test_no_selector_makes_the_parser_fail_otherwise(selector: str) -> None:
    selectors = GallerySelectors.model_construct(item="article", image=selector or "a")
    with suppress(BadInputError):
        assert parse(_PAGE, base_url=_BASE, selectors=selectors).items == 5


_FRAGMENTS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"<article class='picture'>",
                b"</article>",
                b"<a class='full' href='",
                b"'>",
                b"<base href='http://[",
                b"<figcaption>",
                b"http://[::1",
                b"<!--",
                b"<![CDATA[",
                b"&#0;&#xD800;",
                b"<svg><style>",
            ]
        ),
        st.binary(max_size=12),
    ),
    max_size=20,
).map(b"".join)


@given(_FRAGMENTS)
@settings(max_examples=300)
def test_any_bytes_parse_to_pictures_with_web_addresses(page: bytes) -> None:
    parsed = parse(page, base_url=_BASE, selectors=_SELECTORS)
    assert len(parsed.found) <= parsed.items
    for found in parsed.found:
        assert normalise_url(found.url) == found.url
        assert found.title.isprintable()


@given(st.text(max_size=60))
def test_an_address_is_normal_or_empty(text: str) -> None:
    url = absolute_url(text, base_url=_BASE)
    assert url == "" or normalise_url(url) == url


def test_metas_of_a_page_are_read_up_to_a_bound() -> None:
    metas = "<meta name=robots content=noai><meta name=x><meta content=y>" * 300
    page = f"<html><head>{metas}</head><body><figure></figure></body></html>".encode()
    found = parse(page, base_url=_BASE, selectors=_SELECTORS).metas
    assert set(found) == {("robots", "noai")}
    assert len(found) == 200
