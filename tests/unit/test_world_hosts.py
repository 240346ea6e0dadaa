"""The plan of the virtual hosts, and the pages of the galleries on them."""

from html import escape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsel import Selector

from tests.world.catalogue import CATEGORIES, Catalogue, Picture
from tests.world.hosts import GALLERY_CATEGORIES, Gallery, Listing, Style, address, plan_hosts
from tests.world.pages import View, chosen, gallery_page, landing_page, more_items


def picture(
    category: str, number: int, *, title: str = "A title", work: str | None = None
) -> Picture:
    return Picture(
        category=category,
        file=f"{category}/{number}.png",
        title=title,
        work=work,
        licence="CC0-1.0",
        licence_url="https://creativecommons.org/publicdomain/zero/1.0/",
        creator="Somebody",
        width=100,
        height=100,
        sha256=f"{number:064x}",
    )


def catalogue() -> Catalogue:
    published = {
        category: tuple(picture(category, number) for number in range(20 + 7 * order))
        for order, category in enumerate(CATEGORIES)
    }
    published["painting-pieces"] = tuple(
        picture("painting-pieces", number, work=f"work {number % 4}") for number in range(30)
    )
    return Catalogue(Path("/nowhere"), published, held_out={})


def domain(listing: Listing) -> str:
    return ".".join(address(listing.image_url)[0].split(".")[-2:])


def gallery(style: Style, listings: int, page_size: int, title: str = "A title") -> Gallery:
    return Gallery(
        "clipart",
        "www.clipart.test",
        style,
        page_size,
        tells_licence=True,
        tells_creator=True,
        listings=tuple(
            Listing(
                picture("clipart", number, title=f"{title} {number}"),
                image_url=f"http://img.site-001.test/pictures/{number}.png",
                page_url=f"http://www.site-001.test/pages/{number}.html",
            )
            for number in range(listings)
        ),
    )


def test_no_domain_serves_two_categories():
    owners: dict[str, set[str]] = {}
    for one in plan_hosts(catalogue()).images.values():
        owners.setdefault(domain(one), set()).add(one.picture.category)
    assert all(len(categories) == 1 for categories in owners.values())


def test_a_domain_serves_a_handful_of_pictures():
    served: dict[str, int] = {}
    for one in plan_hosts(catalogue()).images.values():
        if one.picture.work is None:
            served[domain(one)] = served.get(domain(one), 0) + 1
    assert set(served.values()) <= {2, 3, 4, 5, 6, 7, 8}


def test_all_pieces_of_a_work_lie_on_one_domain_of_their_own():
    pieces = [one for one in plan_hosts(catalogue()).images.values() if one.picture.work]
    assert len({(one.picture.work, domain(one)) for one in pieces}) == 4
    assert len({domain(one) for one in pieces}) == 4


def test_every_picture_of_a_gallery_category_has_an_address_and_a_page():
    hosts, known = plan_hosts(catalogue()), catalogue()
    expected = {one.file for name in GALLERY_CATEGORIES for one in known.published[name]}
    assert {one.picture.file for one in hosts.images.values()} == expected
    assert {one.picture.file for one in hosts.pages.values()} == expected


def test_the_plan_is_the_same_every_time():
    assert plan_hosts(catalogue()) == plan_hosts(catalogue())


@given(
    style=st.sampled_from([Style.SCROLL, Style.PAGES]),
    listings=st.integers(0, 25),
    page_size=st.integers(1, 7),
    limit=st.none() | st.integers(0, 30),
)
def test_following_next_shows_every_picture_once(style, listings, page_size, limit):
    shop = gallery(style, listings, page_size)
    shown: list[str] = []
    view = View(query="clipart", limit=limit)
    while True:
        page = Selector(gallery_page(shop, view))
        shown += page.css("article.picture a.full::attr(href)").getall()
        link = page.css("a.next::attr(href)").get()
        if link is None:
            break
        assert link == view.url("/gallery", page=view.page + 1)
        view = View(view.query, view.limit, view.page + 1)
    expected = [one.image_url for one in shop.listings]
    assert shown == (expected if limit is None else expected[:limit])


def test_the_button_brings_the_rest_and_then_goes():
    shop = gallery(Style.BUTTON, 5, 2)
    first = Selector(gallery_page(shop, View()))
    assert first.css("button.more::attr(data-url)").get() == "/more?page=2"
    second, third = more_items(shop, View(page=2)), more_items(shop, View(page=3))
    assert second["next"] == "/more?page=3"
    assert third["next"] is None
    assert len(Selector(f"{second['html']}{third['html']}").css("article.picture")) == 3


@given(st.text())
def test_a_hostile_title_stays_text(title):
    shop = gallery(Style.PAGES, 1, 1, title=title)
    for text in (gallery_page(shop, View()), landing_page(shop.listings[0])):
        assert escape(f"{title} 0") in text
        assert len(Selector(text).css("script, iframe")) == 0


@pytest.mark.parametrize(
    ("query", "found"), [("clipart", 4), ("A TITLE", 4), ("title 3", 1), ("nothing", 0), ("", 4)]
)
def test_a_query_finds_what_holds_all_its_words(query, found):
    assert len(chosen(gallery(Style.PAGES, 4, 10), View(query))) == found
