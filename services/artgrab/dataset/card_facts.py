"""What a dataset card tells: counted over the rows, nothing invented."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from artgrab.common.manifest import SPLITS, ManifestRow, SnapshotInfo
from artgrab.common.urls import site_of
from artgrab.dataset.pictures import Dropped
from artgrab.dataset.weak_points import weak_points

_TOP_SITES = 20
_What = TypeVar("_What")

REASONS: Mapping[str, str] = {
    "exact-duplicate": "the same picture is in it already",
    "near-duplicate": "a picture that looks the same is in it already",
    "label-conflict": "found under two labels, so neither can be trusted",
    "joins-two-splits": "belongs to groups on two sides of the split",
}


@dataclass(frozen=True)
class CategoryFacts:
    """A category of the snapshot."""

    name: str
    label: str
    images: int
    groups: int
    splits: Mapping[str, int]
    sources: Mapping[str, int]


@dataclass(frozen=True)
class LicenceFacts:
    """How many pictures are under a licence, and what says so."""

    code: str
    url: str
    evidence: str
    images: int


@dataclass(frozen=True)
class CardFacts:
    """All that a card tells."""

    name: str
    info: SnapshotInfo
    groups: int
    first_retrieved: str
    last_retrieved: str
    categories: Sequence[CategoryFacts]
    licences: Sequence[LicenceFacts]
    sites: Sequence[tuple[str, int]]
    """The sites with most pictures."""
    site_count: int
    dropped: Sequence[tuple[str, int, str]]
    weak_points: Sequence[str]


def card_facts(
    name: str, info: SnapshotInfo, rows: Sequence[ManifestRow], dropped: Sequence[Dropped]
) -> CardFacts:
    """Count what the card of a snapshot tells."""
    sites = Counter(site_of(row.url) for row in rows)
    days = sorted(row.retrieved_at[:10] for row in rows)
    return CardFacts(
        name=name,
        info=info,
        groups=len({row.group for row in rows}),
        first_retrieved=days[0],
        last_retrieved=days[-1],
        categories=[_category(rows, category) for category in info.categories],
        licences=_licences(rows),
        sites=_ranked(sites)[:_TOP_SITES],
        site_count=len(sites),
        dropped=[(why, count, REASONS.get(why, "")) for why, count in info.dropped.items()],
        weak_points=weak_points(rows, dropped),
    )


def _category(rows: Sequence[ManifestRow], name: str) -> CategoryFacts:
    own = [row for row in rows if row.category == name]
    return CategoryFacts(
        name=name,
        label=own[0].label,
        images=len(own),
        groups=len({row.group for row in own}),
        splits={split: sum(row.split == split for row in own) for split in SPLITS},
        sources=dict(_ranked(Counter(row.source for row in own))),
    )


def _licences(rows: Iterable[ManifestRow]) -> list[LicenceFacts]:
    counts = Counter((row.licence_code, row.licence_url, row.licence_evidence) for row in rows)
    return [LicenceFacts(*what, images) for what, images in _ranked(counts)]


def _ranked(counts: Counter[_What]) -> list[tuple[_What, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
