"""What a dataset card tells: counted over rows and records, nothing invented."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from artgrab.common.manifest import SPLITS, ManifestRow, SnapshotInfo
from artgrab.common.records import RecordOutcome
from artgrab.common.tallies import LicenceCount, licence_counts, ranked
from artgrab.common.urls import site_of
from artgrab.dataset.fates import EXAMPLES, Fates, Why
from artgrab.dataset.pictures import Dropped
from artgrab.dataset.reasons import meaning_of
from artgrab.dataset.weak_points import weak_points

_TOP_SITES = 20
_MOST_REASONS = 40


@dataclass(frozen=True)
class CategoryFacts:
    """A category of the snapshot."""

    name: str
    label: str
    images: int
    groups: int
    splits: Mapping[str, int]
    sources: Mapping[str, int]
    dropped: int


@dataclass(frozen=True)
class CategoryFates:
    """From what was found in a category to what is kept of it."""

    name: str
    found: int
    outcomes: Mapping[RecordOutcome, int]
    """Candidates by outcome."""
    dropped: int
    kept: int


@dataclass(frozen=True)
class ReasonFacts:
    """Why pictures were not kept."""

    outcome: str
    """rejected, failed, withdrawn or left out."""
    reason: str
    meaning: str
    images: int
    categories: Sequence[tuple[str, int]] = ()
    examples: Sequence[str] = ()
    """URLs."""


@dataclass(frozen=True)
class CardFacts:
    """All that a card tells."""

    name: str
    info: SnapshotInfo
    groups: int
    first_retrieved: str
    last_retrieved: str
    categories: Sequence[CategoryFacts]
    fates: Sequence[CategoryFates]
    """Empty where the records were not read."""
    outcomes: Sequence[RecordOutcome]
    """That any candidate had, in the order of a job."""
    reasons: Sequence[ReasonFacts]
    """Against pictures that were not stored."""
    licences: Sequence[LicenceCount]
    sites: Sequence[tuple[str, int]]
    """The sites with most pictures."""
    site_count: int
    dropped: Sequence[ReasonFacts]
    dropped_by_category: Mapping[str, int]
    weak_points: Sequence[str]


def card_facts(
    name: str,
    info: SnapshotInfo,
    rows: Sequence[ManifestRow],
    dropped: Sequence[Dropped],
    *,
    fates: Mapping[str, Fates],
) -> CardFacts:
    """Count what the card of a snapshot tells.

    Args:
        name: of the classifier.
        info: the snapshot's document, or what is left of it.
        rows: its pictures.
        dropped: its stored pictures that are left out.
        fates: what became of each category's candidates; empty where nobody knows.
    """
    sites = Counter(site_of(row.url) for row in rows)
    days = sorted(row.retrieved_at[:10] for row in rows)
    lost = Counter(one.picture.category for one in dropped)
    categories = _categories(rows, info.categories, lost)
    return CardFacts(
        name=name,
        info=info,
        groups=len({row.group for row in rows}),
        first_retrieved=days[0],
        last_retrieved=days[-1],
        categories=categories,
        fates=_fates(fates, {one.name: one.images for one in categories}, lost),
        outcomes=[one for one in RecordOutcome if any(f.outcomes.get(one) for f in fates.values())],
        reasons=_reasons(fates),
        licences=licence_counts(rows),
        sites=ranked(sites)[:_TOP_SITES],
        site_count=len(sites),
        dropped=_dropped(dropped),
        dropped_by_category=dict(sorted(lost.items())),
        weak_points=weak_points(rows, dropped),
    )


def _categories(
    rows: Sequence[ManifestRow], names: Iterable[str], lost: Mapping[str, int]
) -> list[CategoryFacts]:
    found: dict[str, list[ManifestRow]] = {name: [] for name in names}
    for row in rows:
        found[row.category].append(row)
    return [_category(name, own, lost.get(name, 0)) for name, own in found.items()]


def _category(name: str, own: Sequence[ManifestRow], lost: int) -> CategoryFacts:
    return CategoryFacts(
        name=name,
        label=own[0].label,
        images=len(own),
        groups=len({row.group for row in own}),
        splits={split: sum(row.split == split for row in own) for split in SPLITS},
        sources=dict(ranked(Counter(row.source for row in own))),
        dropped=lost,
    )


def _fates(
    fates: Mapping[str, Fates], kept: Mapping[str, int], lost: Mapping[str, int]
) -> list[CategoryFates]:
    return [
        CategoryFates(
            name=name,
            found=one.found,
            outcomes=one.outcomes,
            dropped=lost.get(name, 0),
            kept=kept.get(name, 0),
        )
        for name, one in sorted(fates.items())
    ]


def _reasons(fates: Mapping[str, Fates]) -> list[ReasonFacts]:
    counts: Counter[Why] = Counter()
    for one in fates.values():
        counts.update(one.reasons)
    return [
        ReasonFacts(
            outcome=outcome.lower(),
            reason=reason,
            meaning=meaning_of(reason),
            images=images,
            categories=_by_category(fates, (outcome, reason)),
            examples=_examples(fates, (outcome, reason)),
        )
        for (outcome, reason), images in ranked(counts)[:_MOST_REASONS]
    ]


def _by_category(fates: Mapping[str, Fates], why: Why) -> list[tuple[str, int]]:
    return ranked(
        Counter({name: one.reasons[why] for name, one in fates.items() if why in one.reasons})
    )


def _examples(fates: Mapping[str, Fates], why: Why) -> list[str]:
    return [url for _, one in sorted(fates.items()) for url in one.examples.get(why, ())][:EXAMPLES]


def _dropped(dropped: Sequence[Dropped]) -> list[ReasonFacts]:
    reasons = Counter(one.reason for one in dropped)
    return [
        ReasonFacts(
            outcome="left out",
            reason=reason,
            meaning=meaning_of(reason),
            images=images,
            categories=ranked(
                Counter(one.picture.category for one in dropped if one.reason == reason)
            ),
        )
        for reason, images in sorted(reasons.items())
    ]
