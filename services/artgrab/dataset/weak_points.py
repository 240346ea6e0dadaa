"""What a user of a snapshot should know before trusting it, found in its rows."""

from collections import Counter
from collections.abc import Iterable, Sequence

from artgrab.common.manifest import SPLITS, ManifestRow
from artgrab.dataset.pictures import Dropped

_FEW_GROUPS = 5
_LOPSIDED = 3
"""A class this many times as large as another one is worth a word."""

_ALWAYS = (
    "Labels come from the category a picture was searched for; nobody has looked at each picture.",
    "Near-duplicates are found by perceptual hash; crops, mirror images and photos of one scene "
    "from two angles are not.",
    "Licences are what the sources say; nobody has checked them.",
)


def weak_points(rows: Sequence[ManifestRow], dropped: Sequence[Dropped]) -> list[str]:
    """Return one sentence for each weak point."""
    return [
        *_nothing_left(rows, dropped),
        *_licence(rows),
        *_sources(rows),
        *_balance(rows),
        *_splits(rows),
        *_few_groups(rows),
        *_ALWAYS,
    ]


def _nothing_left(rows: Sequence[ManifestRow], dropped: Sequence[Dropped]) -> Iterable[str]:
    gone = {one.picture.category for one in dropped} - {row.category for row in rows}
    if gone:
        yield f"Nothing is left of {', '.join(sorted(gone))}: all its pictures are left out."


def _licence(rows: Sequence[ManifestRow]) -> Iterable[str]:
    unknown = sum(not row.licence_code and not row.licence_url for row in rows)
    if unknown:
        yield (
            f"The licence of {unknown:,} of {len(rows):,} pictures is unknown: "
            "they may be looked at, but ask before publishing them or a copy of this dataset."
        )


def _sources(rows: Sequence[ManifestRow]) -> Iterable[str]:
    labels = sorted({row.label for row in rows})
    sources = {label: {row.source for row in rows if row.label == label} for label in labels}
    if len(labels) > 1 and not set.intersection(*sources.values()):
        yield (
            "The classes share no source, so a model may learn the source instead of the subject: "
            + ", ".join(f"{label} from {' and '.join(sorted(sources[label]))}" for label in labels)
            + "."
        )


def _balance(rows: Sequence[ManifestRow]) -> Iterable[str]:
    counts = Counter(row.label for row in rows).most_common()
    (most, high), (least, low) = counts[0], counts[-1]
    if high > _LOPSIDED * low:
        yield f"The classes are lopsided: {high:,} pictures of {most}, {low:,} of {least}."


def _splits(rows: Sequence[ManifestRow]) -> Iterable[str]:
    categories = sorted({row.category for row in rows})
    present = {(row.category, row.split) for row in rows}
    for split in SPLITS:
        missing = [one for one in categories if (one, split) not in present]
        if missing:
            yield f"No picture in {split} of {', '.join(missing)}."


def _few_groups(rows: Sequence[ManifestRow]) -> Iterable[str]:
    groups = Counter(category for category, _ in {(row.category, row.group) for row in rows})
    few = sorted(category for category, count in groups.items() if count < _FEW_GROUPS)
    if few:
        yield (
            f"Fewer than {_FEW_GROUPS} independent groups (sites or creators) in {', '.join(few)}: "
            "figures on them say little."
        )
