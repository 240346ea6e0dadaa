"""Who publishes which picture: the virtual hosts of the demo world, the same on every start."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.world.catalogue import ART, EVERYDAY, Catalogue, Picture

WIKI_CATEGORIES = ("monuments", "animals", "tools", "fish")
"""Found through the MediaWiki; all other categories are galleries."""
GALLERY_CATEGORIES = tuple(name for name in ART + EVERYDAY if name not in WIKI_CATEGORIES)

_PICTURES_OF_A_SITE = 6
_FEWEST_SITES = 12
"""Of a category, however small: a split by sites must be able to give every side some."""


class Style(StrEnum):
    """How a gallery shows more than its first pictures."""

    SCROLL = "scroll"
    BUTTON = "button"
    PAGES = "pages"


@dataclass(frozen=True)
class Listing:
    """A picture as a gallery shows it."""

    picture: Picture
    image_url: str
    page_url: str


@dataclass(frozen=True)
class Gallery:
    """A site that lists the pictures of one category, which lie on many other sites."""

    category: str
    host: str
    style: Style
    page_size: int
    tells_licence: bool
    tells_creator: bool
    listings: tuple[Listing, ...]


@dataclass(frozen=True)
class Hosts:
    """Galleries by host name, and what the sites of the pictures serve by (host, path)."""

    galleries: Mapping[str, Gallery]
    images: Mapping[tuple[str, str], Listing]
    pages: Mapping[tuple[str, str], Listing]


_STYLES: Mapping[str, tuple[Style, int, bool, bool]] = {
    "clipart": (Style.SCROLL, 24, True, False),
    "cartoon-words": (Style.SCROLL, 24, False, False),
    "landscape": (Style.SCROLL, 24, True, True),
    "word-drawings": (Style.SCROLL, 18, True, False),
    "costumes": (Style.BUTTON, 20, True, True),
    "cutouts": (Style.BUTTON, 25, False, False),
    "painting-pieces": (Style.BUTTON, 30, True, True),
    "cartoon-stamps": (Style.PAGES, 30, True, False),
    "backgrounds": (Style.PAGES, 15, True, False),
    "energy": (Style.PAGES, 10, True, True),
}


def plan_hosts(catalogue: Catalogue) -> Hosts:
    """Spread the pictures over sites of a handful each; a site serves one category only."""
    galleries: dict[str, Gallery] = {}
    first_site = 1
    for category in GALLERY_CATEGORIES:
        pictures = catalogue.published[category]
        owners = _owners(pictures)
        listings = tuple(
            _listing(picture, f"site-{first_site + owner:03}.test")
            for picture, owner in zip(pictures, owners, strict=True)
        )
        first_site += max(owners) + 1
        host = f"www.{category}.test"
        galleries[host] = Gallery(category, host, *_STYLES[category], listings=listings)
    listed = [listing for gallery in galleries.values() for listing in gallery.listings]
    return Hosts(
        galleries,
        images={address(listing.image_url): listing for listing in listed},
        pages={address(listing.page_url): listing for listing in listed},
    )


def _owners(pictures: Sequence[Picture]) -> list[int]:
    """Number each picture's site: one for each work, else in turn, so that neighbours differ."""
    if pictures[0].work is None:
        sites = max(_FEWEST_SITES, math.ceil(len(pictures) / _PICTURES_OF_A_SITE))
        return [number % sites for number in range(len(pictures))]
    works = sorted({picture.work or "" for picture in pictures})
    return [works.index(picture.work or "") for picture in pictures]


def _listing(picture: Picture, domain: str) -> Listing:
    page = picture.name.replace(".", "-")
    return Listing(
        picture,
        image_url=f"http://img.{domain}/pictures/{picture.name}",
        page_url=f"http://www.{domain}/pages/{page}.html",
    )


def address(url: str) -> tuple[str, str]:
    """Split a clean URL of this world into host and path."""
    host, _, path = url.removeprefix("http://").partition("/")
    return host, f"/{path}"
