"""The HTML of the demo world's sites: pure functions from listings to text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

from tests.world.hosts import Gallery, Listing, Style

_CSS = """
body { font-family: sans-serif; margin: 1em }
.gallery { display: flex; flex-wrap: wrap; gap: 12px }
.picture { width: 220px; min-height: 200px; margin: 0 }
.picture img { min-height: 96px }
"""

_SCROLL_SCRIPT = """
new InfiniteScroll('.gallery', {
  path: 'a.next', append: 'article.picture', hideNav: 'a.next', history: false, prefill: true
})
"""

_BUTTON_SCRIPT = """
const button = document.querySelector('button.more')
if (button) button.addEventListener('click', async () => {
  button.disabled = true
  const answer = await (await fetch(button.dataset.url)).json()
  document.querySelector('.gallery').insertAdjacentHTML('beforeend', answer.html)
  button.disabled = false
  if (answer.next) button.dataset.url = answer.next
  else button.remove()
})
"""


@dataclass(frozen=True)
class View:
    """What one request asks of a gallery."""

    query: str = ""
    limit: int | None = None
    page: int = 1

    def url(self, path: str, *, page: int) -> str:
        """Return the address of another page of the same list."""
        fields: dict[str, str | int] = {"page": page}
        if self.query:
            fields["q"] = self.query
        if self.limit is not None:
            fields["limit"] = self.limit
        return f"{path}?{urlencode(fields)}"


def chosen(gallery: Gallery, view: View) -> Sequence[Listing]:
    """Return the listings that hold all words of the query, up to the limit."""
    words = view.query.replace("-", " ").lower().split()
    found = [listing for listing in gallery.listings if _words(listing).issuperset(words)]
    return found if view.limit is None else found[: view.limit]


def _words(listing: Listing) -> set[str]:
    picture = listing.picture
    text = f"{picture.category} {picture.title} {picture.creator or ''}"
    return set(text.replace("-", " ").lower().split())


def gallery_page(gallery: Gallery, view: View) -> str:
    """Return a page of the gallery, with the scripts of its style."""
    found = chosen(gallery, view)
    more = view.page * gallery.page_size < len(found)
    title = gallery.category.replace("-", " ")
    scripts = _SCRIPTS[gallery.style]
    return _document(
        title,
        f"<h1>{escape(title)}</h1>\n<div class='gallery'>{_items(gallery, view, found)}</div>\n"
        f"{_more(gallery, view) if more else ''}\n{scripts}",
    )


def more_items(gallery: Gallery, view: View) -> dict[str, str | None]:
    """Return what the script behind a "load more" button is answered."""
    found = chosen(gallery, view)
    more = view.page * gallery.page_size < len(found)
    return {
        "html": _items(gallery, view, found),
        "next": view.url("/more", page=view.page + 1) if more else None,
    }


def landing_page(listing: Listing) -> str:
    """Return the page about one picture, on the site where the picture lies."""
    title = listing.picture.title
    image = f"<img src='{escape(listing.image_url)}' alt='{escape(title)}'>"
    return _document(title, f"<h1>{escape(title)}</h1>\n{image}\n{_licence(listing)}")


def _document(title: str, body: str) -> str:
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<title>{escape(title)}</title><style>{_CSS}</style></head>\n<body>{body}</body></html>\n"
    )


def _items(gallery: Gallery, view: View, found: Sequence[Listing]) -> str:
    first = (view.page - 1) * gallery.page_size
    return "\n".join(_item(gallery, one) for one in found[first : first + gallery.page_size])


def _item(gallery: Gallery, listing: Listing) -> str:
    picture = listing.picture
    thumbnail = f"/thumbnails/{picture.sha256}.jpg"
    lazy = gallery.style is Style.SCROLL
    image = f"class='lazyload' data-src='{thumbnail}'" if lazy else f"src='{thumbnail}'"
    creator = picture.creator if gallery.tells_creator else None
    return (
        "<article class='picture'><figure>"
        f"<a class='full' href='{escape(listing.image_url)}'>"
        f"<img {image} alt='{escape(picture.title)}'></a>"
        f"<figcaption>{escape(picture.title)}</figcaption></figure>"
        f"<a class='landing' href='{escape(listing.page_url)}'>about</a>"
        + (f" <span class='creator'>{escape(creator)}</span>" if creator else "")
        + (_licence(listing) if gallery.tells_licence else "")
        + "</article>"
    )


def _licence(listing: Listing) -> str:
    picture = listing.picture
    if not picture.licence or not picture.licence_url:
        return ""
    return f" <a rel='license' href='{escape(picture.licence_url)}'>{escape(picture.licence)}</a>"


def _more(gallery: Gallery, view: View) -> str:
    if gallery.style is Style.BUTTON:
        url = escape(view.url("/more", page=view.page + 1))
        return f"<button class='more' data-url='{url}'>Load more</button>"
    url = escape(view.url("/gallery", page=view.page + 1))
    return f"<a class='next' rel='next' href='{url}'>next</a>"


_SCRIPTS: Mapping[Style, str] = {
    Style.SCROLL: (
        "<script src='/scripts/lazysizes.min.js'></script>"
        "<script src='/scripts/infinite-scroll.pkgd.min.js'></script>"
        f"<script>{_SCROLL_SCRIPT}</script>"
    ),
    Style.BUTTON: f"<script>{_BUTTON_SCRIPT}</script>",
    Style.PAGES: "",
}
