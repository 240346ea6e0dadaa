"""What people read of a snapshot: card, contact sheets, credits and what was left out."""

from collections.abc import Iterator, Mapping, Sequence

from artgrab.common.manifest import SPLITS, ManifestRow, SnapshotInfo
from artgrab.common.pages import Thumbnail
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.store import Store
from artgrab.dataset.card_facts import card_facts
from artgrab.dataset.card_pictures import CROP, first_pictures, pick_pairs
from artgrab.dataset.cards import html_card, markdown_card
from artgrab.dataset.dropped_sheets import dropped_sheet
from artgrab.dataset.fates import Fates
from artgrab.dataset.pictures import Dropped
from artgrab.dataset.sheets import Section, Tile, contact_sheet
from artgrab.dataset.tables import encode_credits, encode_dropped
from artgrab.dataset.thumbnails import page_thumbnail, read_thumbnail

MAX_TILES = 300
"""Pictures of a category on its sheet; rows are in the order of a digest, so these are a sample."""

_NOTHING_KNOWN: Mapping[str, Fates] = {}


def papers_of(
    store: Store,
    classifier: str,
    info: SnapshotInfo,
    rows: Sequence[ManifestRow],
    dropped: Sequence[Dropped],
    *,
    progress: ProgressSink,
    fates: Mapping[str, Fates] = _NOTHING_KNOWN,
) -> Iterator[tuple[str, bytes]]:
    """Yield path below the snapshot's prefix and content of each paper.

    Args:
        store: where the pictures lie.
        classifier: its name.
        info: the snapshot's document, or what is left of it.
        rows: its pictures.
        dropped: its stored pictures that are left out.
        progress: told how many pictures are done.
        fates: what became of each category's candidates; the card says nothing of it without.

    Raises:
        ObjectMissingError: an object that a record names is gone.
        ObjectCorruptError: an object is not what its record says.
    """
    pictures: dict[str, Sequence[Thumbnail]] = {}
    done = 0
    for category in info.categories:
        own = [row for row in rows if row.category == category]
        tiles = [Tile(read_thumbnail(store, row)) for row in own[:MAX_TILES]]
        pictures[category] = _firsts(own, tiles, first_pictures(len(info.categories)))
        yield f"sheets/{category}.jpg", _category_sheet(category, own, tiles)
        done += len(own)
        progress(Progress(stage="dataset", item=classifier, done=done, total=len(rows)))
    yield from _dropped_sheets(store, dropped)
    facts = card_facts(classifier, info, rows, dropped, fates=fates)
    yield "card.md", markdown_card(facts)
    yield "card.html", html_card(facts, pictures=pictures, pairs=pick_pairs(store, dropped))
    yield "dropped.parquet", encode_dropped(dropped)
    yield "attribution.csv", encode_credits(rows)
    progress(Progress(stage="dataset", item=classifier, done=done, total=done, finished=True))


def _dropped_sheets(store: Store, dropped: Sequence[Dropped]) -> Iterator[tuple[str, bytes]]:
    for category in sorted({one.picture.category for one in dropped}):
        own = [one for one in dropped if one.picture.category == category]
        # A folder of its own: no name of a category can be that of another's sheet.
        yield f"sheets/dropped/{category}.jpg", dropped_sheet(store, category, own)


def _category_sheet(category: str, own: Sequence[ManifestRow], tiles: Sequence[Tile]) -> bytes:
    sections = []
    for split in SPLITS:
        shown = [tile for row, tile in zip(own, tiles, strict=False) if row.split == split]
        sections.append(Section(f"{split}: {len(shown):,}", shown))
    some = f"{len(tiles):,} of " if len(tiles) < len(own) else ""
    return contact_sheet(f"{category}: {some}{len(own):,} pictures", sections)


def _firsts(own: Sequence[ManifestRow], tiles: Sequence[Tile], count: int) -> list[Thumbnail]:
    shown = list(zip(own, tiles, strict=False))[:count]
    return [page_thumbnail(row, tile.thumbnail, crop=CROP) for row, tile in shown]
