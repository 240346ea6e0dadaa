"""Card, sheets and tables: what they tell, and that strangers' text stays text."""

import csv
import io
from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from artgrab.common.manifest import ManifestRow, left_of
from artgrab.common.pages import Thumbnail, escape_markdown
from artgrab.common.records import MergedRecord, Record, RecordOutcome
from artgrab.common.store import Store
from artgrab.dataset.card_facts import CardFacts, card_facts
from artgrab.dataset.card_pictures import first_pictures, pick_pairs
from artgrab.dataset.cards import html_card, markdown_card
from artgrab.dataset.dropped_sheets import dropped_sheet
from artgrab.dataset.fates import EXAMPLES, Fates, fates_of
from artgrab.dataset.pictures import NEAR_DUPLICATE, Dropped, Picture, picture_of
from artgrab.dataset.rows import info_of
from artgrab.dataset.sheets import TILE, Section, Tile, contact_sheet, square, thumbnail
from artgrab.dataset.tables import encode_credits
from tests.support.stored import candidate, drawing, not_stored, put_picture, stored

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


def lookalike(one: Record, original: Record) -> Dropped:
    return Dropped(picture=_picture(one), reason=NEAR_DUPLICATE, original=_picture(original))


def _picture(record: Record) -> Picture:
    merged = MergedRecord(record, (record.candidate,))
    return picture_of(merged, category="murals", label="art")


def facts(
    rows: list[ManifestRow],
    left_out: tuple[Dropped, ...] = (),
    fates: Mapping[str, Fates] | None = None,
) -> CardFacts:
    info = info_of(rows, left_out, input_key="k", inputs_sha256="i", parent=None)
    return card_facts("art-or-not", info, rows, left_out, fates=fates or {})


def page(told: CardFacts) -> str:
    pictures = {one.name: [Thumbnail("f00d", b"x", 96, 96)] for one in told.categories}
    return html_card(told, pictures=pictures).decode()


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
        row(
            n,
            url=f"http://img.site-{n}.test/{HOSTILE}",
            source=HOSTILE,
            licence_code=HOSTILE,
            licence_url="javascript:alert(1)",
            licence_evidence=HOSTILE,
        )
        for n in range(12)
    ]
    found = candidate(f"http://x.test/{HOSTILE.replace(' ', '')}")
    failed = [not_stored(found, RecordOutcome.FAILED, HOSTILE)]
    shown = page(facts(rows, fates={"tools": fates_of(merged(failed))}))
    tags = Tags()
    tags.feed(shown)
    assert not {"script", "onerror"} & tags.found
    assert not any(link.startswith("javascript:") for link in tags.links)
    assert "{{7*7}}" in shown


def test_the_page_loads_nothing_from_elsewhere_and_says_whose_each_picture_is() -> None:
    rows = [row(n, licence_url="https://creativecommons.org/x") for n in range(12)]
    shown = page(facts(rows))
    tags = Tags()
    tags.feed(shown)
    assert "link" not in tags.found
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in shown
    assert "https://creativecommons.org/x" in tags.links
    assert shown.count('<img data-source="f00d" src="data:image/jpeg;base64,') == 2


def test_the_page_leads_to_every_sheet() -> None:
    tags = Tags()
    tags.feed(page(facts([row(n) for n in range(12)], (dropped("murals"), dropped("tools")))))
    sheets = {"graffiti", "tools", "dropped/murals", "dropped/tools"}
    assert {f"sheets/{name}.jpg" for name in sheets} <= set(tags.links)


def merged(records: Iterable[Record]) -> list[MergedRecord]:
    return [MergedRecord(one, (one.candidate,)) for one in records]


def test_what_was_found_is_told_from_candidate_to_snapshot() -> None:
    small = [
        not_stored(candidate(f"http://small.test/{n}"), RecordOutcome.REJECTED, "too-small")
        for n in range(5)
    ]
    gone = not_stored(candidate("http://gone.test/secret"), RecordOutcome.WITHDRAWN, "taken-down")
    kept = stored(candidate("http://kept.test/1"), category="tools", source_sha256="s")
    told = facts(
        [row(n) for n in range(12)],
        (dropped("tools"),),
        {"tools": fates_of(merged([*small, gone, kept])), "graffiti": Fates()},
    )
    graffiti, tools = told.fates
    assert (graffiti.found, graffiti.kept) == (0, 6)
    assert (tools.found, tools.dropped, tools.kept) == (7, 1, 6)
    assert told.outcomes == ["STORED", "WITHDRAWN", "REJECTED"]
    first, second = told.reasons
    assert (first.outcome, first.reason, first.images) == ("rejected", "too-small", 5)
    assert first.categories == [("tools", 5)]
    assert first.examples == [f"http://small.test/{n}" for n in range(EXAMPLES)]
    assert (second.images, second.examples) == (1, [])
    for text in (page(told), markdown_card(told).decode()):
        assert "smaller than the filters ask for" in text
        assert "secret" not in text


def test_rows_that_were_taken_down_are_told() -> None:
    rows = [row(n) for n in range(12)]
    info = info_of(rows, (), input_key="k", inputs_sha256="i", parent=None)
    told = card_facts("art-or-not", left_of(info, rows[1:]), rows[1:], (), fates={})
    assert told.info.images == 11
    assert "1 picture was taken down since" in page(told)
    assert "taken down since" not in page(facts(rows))


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


def test_captions_make_a_sheet_higher_and_long_ones_stay_on_their_tile() -> None:
    tile = Tile(thumbnail(drawing("x")))
    plain = Image.open(io.BytesIO(contact_sheet("t", [Section("a", [tile])])))
    long = Tile(tile.thumbnail, caption="W" * 1000)
    told = Image.open(io.BytesIO(contact_sheet("t", [Section("a", [long])])))
    assert told.height > plain.height
    beside = told.crop((20 + TILE + 2, 0, told.width, told.height)).convert("L")
    assert min(beside.crop((0, 80, *beside.size)).tobytes()) > 200  # paper only


@pytest.mark.parametrize("size", [(300, 100), (7, 90)])
def test_a_square_is_the_middle_of_a_picture(size: tuple[int, int]) -> None:
    assert square(Image.new("RGB", size), side=50).size == (50, 50)


def test_what_is_left_out_is_shown_beside_the_one_in_its_place(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    records = [put_picture(store, "murals", f"http://{n}.test/1") for n in range(4)]
    pairs = [lookalike(records[1], records[0]), lookalike(records[2], records[0])]
    sheet = Image.open(io.BytesIO(dropped_sheet(store, "murals", pairs)))
    conflict = Dropped(picture=_picture(records[3]), reason="label-conflict")
    longer = Image.open(io.BytesIO(dropped_sheet(store, "murals", [*pairs, conflict])))
    assert longer.height > sheet.height
    frame = sheet.convert("RGB").getpixel((21, 100))
    assert isinstance(frame, tuple)
    assert frame[2] > frame[0] + 60  # the kept one has a blue frame


def test_of_each_original_one_copy_is_an_example(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    records = [put_picture(store, "murals", f"http://{n}.test/1") for n in range(5)]
    pairs = pick_pairs(
        store,
        [
            lookalike(records[1], records[0]),
            lookalike(records[2], records[0]),
            lookalike(records[4], records[3]),
            dropped("murals"),
        ],
    )
    kept = {one.kept.thumbnail.source_sha256 for one in pairs}
    assert kept == {records[0].source_sha256, records[3].source_sha256}
    assert [one.bits for one in pairs] == sorted((one.bits for one in pairs), reverse=True)


@pytest.mark.parametrize(("categories", "each"), [(0, 5), (14, 5), (150, 2), (9000, 1)])
def test_with_many_categories_each_shows_fewer_pictures(categories: int, each: int) -> None:
    assert first_pictures(categories) == each
