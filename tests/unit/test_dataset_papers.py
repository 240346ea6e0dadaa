"""Card, sheets and tables: what they tell, and that strangers' text stays text."""

import csv
import io
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from artgrab.common.manifest import ManifestRow
from artgrab.common.records import MergedRecord
from artgrab.dataset.card_facts import CardFacts, card_facts
from artgrab.dataset.cards import escape_markdown, html_card, markdown_card
from artgrab.dataset.pictures import Dropped, picture_of
from artgrab.dataset.rows import info_of
from artgrab.dataset.sheets import TILE, Section, Tile, contact_sheet, strip, thumbnail
from artgrab.dataset.tables import encode_credits
from tests.support.stored import candidate, drawing, stored

HOSTILE = '"><script>alert(1)</script>{{7*7}}<img src=x onerror=alert(1)>|`[a](javascript:x)'


def row(number: int = 0, **more: Any) -> ManifestRow:
    fields: dict[str, Any] = {
        name: 0 if field is int else "" for name, field in ManifestRow.__annotations__.items()
    }
    fields |= {
        "url": f"http://img.site-{number}.test/{number}",
        "label": "art" if number % 2 else "not-art",
        "category": "graffiti" if number % 2 else "tools",
        "split": ("train", "validation", "test")[number % 3],
        "group": f"site:site-{number}.test",
        "source": "gallery",
        "source_sha256": str(number),
        "licence_code": "CC0-1.0",
        "retrieved_at": f"2026-11-{number + 1:02}T12:00:00Z",
    }
    return ManifestRow(**{**fields, **more})


def dropped(category: str) -> Dropped:
    found = candidate("http://gone.test/1")
    record = stored(found, category=category, source_sha256="gone")
    picture = picture_of(MergedRecord(record, (found,)), category=category, label="art")
    return Dropped(picture=picture, reason="label-conflict")


def facts(rows: list[ManifestRow], left_out: tuple[Dropped, ...] = ()) -> CardFacts:
    info = info_of(rows, left_out, input_key="k", inputs_sha256="i", parent=None)
    return card_facts("art-or-not", info, rows, left_out)


def points(rows: list[ManifestRow], left_out: tuple[Dropped, ...] = ()) -> str:
    return "\n".join(facts(rows, left_out).weak_points)


def test_a_card_counts_pictures_groups_sites_and_days() -> None:
    told = facts([row(n) for n in range(12)])
    assert (told.info.images, told.groups, told.site_count) == (12, 12, 12)
    assert (told.first_retrieved, told.last_retrieved) == ("2026-11-01", "2026-11-12")
    assert [(one.name, one.images) for one in told.categories] == [("graffiti", 6), ("tools", 6)]
    assert sum(sum(one.splits.values()) for one in told.categories) == 12


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([row(0, licence_code=""), row(1)], "The licence of 1 of 2 pictures is unknown"),
        ([row(0, source="mediawiki"), row(1)], "art from gallery, not-art from mediawiki"),
        ([row(n, label="art") for n in range(8)] + [row(9, label="b")], "lopsided: 8 pictures of"),
        ([row(0), row(1)], "No picture in test of graffiti, tools."),
        ([row(n, group="g") for n in range(12)], "Fewer than 5 independent groups"),
    ],
)
def test_a_weak_point_is_told_where_it_is_and_only_there(
    rows: list[ManifestRow], expected: str
) -> None:
    assert expected in points(rows)
    assert expected not in points([row(n) for n in range(60)])


def test_a_category_of_which_nothing_is_left_is_told() -> None:
    rows = [row(n) for n in range(60)]
    assert "Nothing is left of murals" in points(rows, (dropped("murals"),))


class Tags(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(name for name, _ in attrs)}
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def test_strangers_text_stays_text_in_the_page() -> None:
    rows = [
        row(n, licence_code=HOSTILE, licence_url="javascript:alert(1)", licence_evidence=HOSTILE)
        for n in range(12)
    ]
    page = html_card(facts(rows), strips={"graffiti": b"x", "tools": b"x"}).decode()
    tags = Tags()
    tags.feed(page)
    assert not {"script", "onerror"} & tags.found
    assert not any(link.startswith("javascript:") for link in tags.links)
    assert "{{7*7}}" in page


def test_the_page_loads_nothing_from_elsewhere() -> None:
    rows = [row(n, licence_url="https://creativecommons.org/x") for n in range(12)]
    page = html_card(facts(rows), strips={"graffiti": b"x", "tools": b"x"}).decode()
    tags = Tags()
    tags.feed(page)
    assert "link" not in tags.found
    assert "default-src 'none'" in page
    assert "https://creativecommons.org/x" in tags.links


def test_strangers_text_stays_text_in_markdown() -> None:
    rows = [row(n, licence_code=f"{HOSTILE}\n# big", licence_evidence="a|b") for n in range(12)]
    text = markdown_card(facts(rows)).decode()
    assert "<script" not in text.replace("\\<script", "")
    assert "\n# big" not in text
    table = [line for line in text.splitlines() if "javascript" in line]
    assert len(table) == 1
    assert table[0].replace("\\|", "").count("|") == 4


@given(st.text())
def test_escaped_markdown_is_one_line_without_bare_specials(text: str) -> None:
    escaped = escape_markdown(text)
    assert len(escaped.splitlines()) <= 1
    bare = escaped.replace("\\\\", "")
    assert all(bare[place - 1] == "\\" for place, one in enumerate(bare) if one in "|<>[]`")


@settings(deadline=None)
@given(title=st.text(), creator=st.text())
def test_credits_are_read_back_and_hold_no_formula(title: str, creator: str) -> None:
    data = encode_credits([row(1, title=title, creator=creator)]).decode()
    (read,) = csv.DictReader(io.StringIO(data, newline=""))
    assert read["title"].removeprefix("'") == title.removeprefix("'")
    assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in read.values())


def test_a_sheet_shows_each_picture_and_leaves_out_empty_sections() -> None:
    tiles = [Tile(thumbnail(drawing(str(n))), marked=n == 0) for n in range(23)]
    full = Image.open(io.BytesIO(contact_sheet("t", [Section("a", tiles), Section("b", [])])))
    short = Image.open(io.BytesIO(contact_sheet("t", [Section("a", tiles[:20])])))
    assert full.width == short.width
    assert full.height > short.height + TILE


@pytest.mark.parametrize("side", [16, 64, 1000])
def test_a_thumbnail_fits_into_its_square_and_is_never_enlarged(side: int) -> None:
    assert thumbnail(drawing("x", side=side)).size == (min(side, TILE),) * 2


def test_a_strip_is_one_row_of_squares() -> None:
    wide = Image.new("RGB", (300, 100))
    image = Image.open(io.BytesIO(strip([wide, wide], side=50)))
    assert image.size == (104, 50)
