"""The dataset card, for people: Markdown to read anywhere, HTML to look at.

Hosts, licences and names in it are strangers' text, escaped in both.
"""

from collections.abc import Mapping, Sequence

from artgrab.common.manifest import SPLITS
from artgrab.common.pages import Thumbnail, environment
from artgrab.dataset.card_facts import CardFacts
from artgrab.dataset.card_pictures import Pair


def html_card(
    facts: CardFacts, *, pictures: Mapping[str, Sequence[Thumbnail]], pairs: Sequence[Pair] = ()
) -> bytes:
    """Return the card as one self-contained page.

    Args:
        facts: what it tells.
        pictures: a few of each category, by its name.
        pairs: examples of near-duplicates.
    """
    template = environment("artgrab.dataset").get_template("card.html.j2")
    page = template.render(facts=facts, splits=SPLITS, pictures=pictures, pairs=pairs)
    return page.encode()


def markdown_card(facts: CardFacts) -> bytes:
    """Return the card as Markdown."""
    template = environment("artgrab.dataset").get_template("card.md.j2")
    return template.render(facts=facts, splits=SPLITS).encode()
