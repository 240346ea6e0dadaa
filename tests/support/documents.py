"""Documents as people write them: categories, and a classifier that tells art from the rest."""

from collections.abc import Mapping

import yaml

Source = Mapping[str, object]


def wiki(host: str = "commons.test") -> Source:
    """Return a wiki as a source."""
    return {"mediawiki": {"url": f"http://{host}/w/api.php"}}


def gallery(
    url: str, *, item: str = "figure", image: str = "a::attr(href)", more: str = ""
) -> Source:
    """Return a gallery as a source."""
    selectors = {"item": item, "image": image, **({"more": more} if more else {})}
    return {"gallery": {"url": url, "selectors": selectors}}


def category_text(
    name: str,
    source: Source | None = None,
    spec: Mapping[str, object] | None = None,
    *,
    of: str = "art",
) -> str:
    """Return the text of a category.

    Args:
        name: of the category.
        source: the only one; a wiki where none is given.
        spec: further fields, as they are called in the document.
        of: the set it belongs to, `art` or `everyday` for the classifier below.
    """
    metadata = {"name": name, "labels": {"set": of}}
    return _text("ArtCategory", metadata, {"sources": [source or wiki()], **(spec or {})})


def classifier_text(**spec: object) -> str:
    """Return the text of art-or-not, a classifier of the sets art and everyday."""
    classes = [
        {"label": label, "categorySelector": {"matchLabels": {"set": of}}}
        for label, of in (("art", "art"), ("not-art", "everyday"))
    ]
    return _text("ArtClassifier", {"name": "art-or-not"}, {"classes": classes, **spec})


def together(*texts: str) -> str:
    """Return the text of one file with all of them."""
    return "---\n".join(texts)


def _text(kind: str, metadata: Mapping[str, object], spec: Mapping[str, object]) -> str:
    head = {"apiVersion": "artgrab.dev/v1alpha1", "kind": kind, "metadata": metadata}
    return yaml.safe_dump({**head, "spec": spec}, sort_keys=False, allow_unicode=True)
