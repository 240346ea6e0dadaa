"""The dataset card, for people: Markdown to read anywhere, HTML to look at.

Hosts, licences and names in it are strangers' text, escaped in both.
"""

import re
from base64 import b64encode
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from artgrab.common.manifest import SPLITS
from artgrab.dataset.card_facts import CardFacts

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")


def html_card(facts: CardFacts, *, strips: Mapping[str, bytes]) -> bytes:
    """Return the card as one self-contained page; strips are JPEGs by category."""
    images = {name: b64encode(data).decode() for name, data in strips.items()}
    template = _environment().get_template("card.html.j2")
    return template.render(facts=facts, splits=SPLITS, strips=images).encode()


def markdown_card(facts: CardFacts) -> bytes:
    """Return the card as Markdown."""
    template = _environment().get_template("card.md.j2")
    return template.render(facts=facts, splits=SPLITS).encode()


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _web_address(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("artgrab.dataset"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["md"] = escape_markdown
    environment.filters["number"] = "{:,}".format
    environment.tests["web_address"] = _web_address
    return environment
