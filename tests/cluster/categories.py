"""ArtCategories of the demo world's galleries, as a user would write them."""

from collections.abc import Mapping, Sequence
from typing import Any

from artgrab.common.resources import API_VERSION
from tests.world.hosts import Gallery, Style

_SELECTORS = {
    "item": "article.picture",
    "image": "a.full::attr(href)",
    "page": "a.landing::attr(href)",
    "title": "figcaption::text",
}
_MORE = {Style.SCROLL: {}, Style.BUTTON: {"more": "button.more"}, Style.PAGES: {"more": "a.next"}}


def gallery_source(gallery: Gallery, *, words: str = "q={query}") -> dict[str, Any]:
    """Return the source that goes through a gallery; `words` stand behind its address's `?`."""
    url = f"http://{gallery.host}/gallery?{words}"
    return {"gallery": {"url": url, "selectors": _SELECTORS | _MORE[gallery.style]}}


def category(
    name: str,
    *sources: Mapping[str, Any],
    queries: Sequence[str] = (),
    **spec: Any,
) -> dict[str, Any]:
    """Return an ArtCategory; `spec` are further fields of its spec, in camelCase."""
    fields = {"sources": list(sources), "queries": list(queries), "filters": {"minSide": 64}}
    return {
        "apiVersion": API_VERSION,
        "kind": "ArtCategory",
        "metadata": {"name": name},
        "spec": {key: value for key, value in {**fields, **spec}.items() if value != []},
    }
