"""What people read of a snapshot: card, contact sheets, credits and what was left out."""

from collections.abc import Iterator, Sequence

from PIL import Image

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.manifest import SPLITS, ManifestRow, SnapshotInfo
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.records import Record
from artgrab.common.store import Store
from artgrab.dataset.card_facts import REASONS, card_facts
from artgrab.dataset.cards import html_card, markdown_card
from artgrab.dataset.pictures import EXACT_DUPLICATE, Dropped, Picture
from artgrab.dataset.sheets import Section, Tile, contact_sheet, strip, thumbnail
from artgrab.dataset.tables import encode_credits, encode_dropped

MAX_TILES = 300
"""Pictures of a category on its sheet; rows are in the order of a digest, so these are a sample."""

_STRIP_PICTURES = 5
_STRIP_SIDE = 80


def papers_of(
    store: Store,
    classifier: str,
    info: SnapshotInfo,
    rows: Sequence[ManifestRow],
    dropped: Sequence[Dropped],
    *,
    progress: ProgressSink,
) -> Iterator[tuple[str, bytes]]:
    """Yield path below the snapshot's prefix and content of each paper.

    Raises:
        ObjectMissingError: an object that a record names is gone.
        ObjectCorruptError: an object is not what its record says.
    """
    strips: dict[str, bytes] = {}
    done = 0
    for category in info.categories:
        own = [row for row in rows if row.category == category]
        shown = [(row, Tile(_thumbnail_of(store, row))) for row in own[:MAX_TILES]]
        firsts = [tile.thumbnail for _, tile in shown[:_STRIP_PICTURES]]
        strips[category] = strip(firsts, side=_STRIP_SIDE)
        yield f"sheets/{category}.jpg", _category_sheet(category, shown, len(own))
        done += len(own)
        progress(Progress(stage="dataset", item=classifier, done=done, total=len(rows)))
    if dropped:
        yield "sheets/dropped.jpg", _dropped_sheet(store, dropped)
    facts = card_facts(classifier, info, rows, dropped)
    yield "card.md", markdown_card(facts)
    yield "card.html", html_card(facts, strips=strips)
    yield "dropped.parquet", encode_dropped(dropped)
    yield "attribution.csv", encode_credits(rows)
    progress(Progress(stage="dataset", item=classifier, done=done, total=done, finished=True))


def _category_sheet(
    category: str, shown: Sequence[tuple[ManifestRow, Tile]], pictures: int
) -> bytes:
    sections = []
    for split in SPLITS:
        tiles = [tile for row, tile in shown if row.split == split]
        sections.append(Section(f"{split}: {len(tiles):,}", tiles))
    some = f"{len(shown):,} of " if len(shown) < pictures else ""
    return contact_sheet(f"{category}: {some}{pictures:,} pictures", sections)


def _dropped_sheet(store: Store, dropped: Sequence[Dropped]) -> bytes:
    sections = []
    for reason in sorted({one.reason for one in dropped}):
        own = [one for one in dropped if one.reason == reason]
        heading = f"{reason}: {len(own):,}, {REASONS[reason]}"
        if reason != EXACT_DUPLICATE and own[0].original is not None:
            heading += " (framed: the one that is kept)"
        sections.append(Section(heading, _dropped_tiles(store, own[:MAX_TILES])))
    return contact_sheet(f"left out: {len(dropped):,} pictures", sections)


def _dropped_tiles(store: Store, dropped: Sequence[Dropped]) -> list[Tile]:
    tiles: list[Tile] = []
    previous: Picture | None = None
    for one in sorted(dropped, key=lambda one: one.original.key if one.original else ("", "")):
        if one.original is not None and one.original != previous and one.reason != EXACT_DUPLICATE:
            tiles.append(Tile(_thumbnail_of(store, one.original.record), marked=True))
        previous = one.original
        tiles.append(Tile(_thumbnail_of(store, one.picture.record)))
    return tiles


def _thumbnail_of(store: Store, one: ManifestRow | Record) -> Image.Image:
    data = store.get_verified(one.object_key, one.object_sha256)
    try:
        return thumbnail(data)
    except (OSError, SyntaxError, ValueError) as error:  # whatever Pillow raises on other bytes
        raise ObjectCorruptError(f"{store.uri_of(one.object_key)} is no JPEG: {error}") from error
