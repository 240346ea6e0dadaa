"""What the report tells, besides charts and pictures: figures by category, sentences, sources."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from artgrab.common.manifest import SPLITS, TEST, ManifestRow, SnapshotInfo
from artgrab.common.pages import percent
from artgrab.common.tallies import LicenceCount, licence_counts, ranked
from artgrab.trainer.intervals import Interval, wilson_interval
from artgrab.trainer.metrics import Metrics

_MOST_LICENCES = 12
_MOST_NAMED = 5
"""Classes; more of them are only counted."""


class Measured(NamedTuple):
    """A share of right answers, and how far it can be believed."""

    share: float
    pictures: int
    interval: Interval
    """95 %."""

    @classmethod
    def of(cls, share: float | None, pictures: int) -> "Measured | None":
        """Return none where nothing was measured."""
        if share is None or not pictures:
            return None
        return cls(share, pictures, wilson_interval(share, pictures))


class CategoryFigures(NamedTuple):
    """Accuracies of one category, each none where there is none."""

    name: str
    label: str
    pictures: int
    test: Measured | None
    left_out: Measured | None
    baseline: Measured | None
    """Left out as well, for colours and edges alone."""
    omitted: str
    """Why it could not be left out."""


class ClassCounts(NamedTuple):
    """Pictures of a class in each split."""

    label: str
    splits: Sequence[int]
    """In the order of SPLITS."""
    pictures: int


class DatasetFacts(NamedTuple):
    """What the model was made and judged from."""

    classes: Sequence[ClassCounts]
    sources: Sequence[tuple[str, int]]
    licences: Sequence[LicenceCount]
    """The most frequent ones."""
    other_licences: int
    """Pictures under any other."""


def category_figures(metrics: Metrics, rows: Sequence[ManifestRow]) -> list[CategoryFigures]:
    """Return the figures of each category, the weakest first."""
    found = _by_category(metrics, rows)
    return sorted(found, key=lambda one: (one.left_out.share if one.left_out else 2, one.name))


def dataset_facts(rows: Sequence[ManifestRow], labels: Sequence[str]) -> DatasetFacts:
    """Count what the rows of a snapshot tell."""
    counts = Counter((row.label, row.split) for row in rows)
    licences = licence_counts(rows)
    return DatasetFacts(
        classes=[_class_counts(label, counts) for label in labels],
        sources=ranked(Counter(row.source for row in rows)),
        licences=licences[:_MOST_LICENCES],
        other_licences=sum(one.images for one in licences[_MOST_LICENCES:]),
    )


def summary(metrics: Metrics, snapshot: SnapshotInfo) -> list[str]:
    """Return a few sentences: how good, on what, compared with what."""
    return [*_on_test(metrics), *_on_new(metrics), *_weakest(metrics, snapshot)]


def _by_category(metrics: Metrics, rows: Sequence[ManifestRow]) -> Iterator[CategoryFigures]:
    labels = {row.category: row.label for row in rows}
    pictures = Counter(row.category for row in rows)
    tested = Counter(row.category for row in rows if row.split == TEST)
    test = metrics.test.per_category if metrics.test else {}
    for name in sorted({*metrics.left_out, *metrics.left_out_omitted, *pictures}):
        yield CategoryFigures(
            name=name,
            label=labels.get(name, ""),
            pictures=pictures[name],
            test=Measured.of(test.get(name), tested[name]),
            left_out=Measured.of(metrics.left_out.get(name), pictures[name]),
            baseline=Measured.of(metrics.left_out_baseline.get(name), pictures[name]),
            omitted=metrics.left_out_omitted.get(name, ""),
        )


def _class_counts(label: str, counts: Mapping[tuple[str, str], int]) -> ClassCounts:
    splits = [counts.get((label, split), 0) for split in SPLITS]
    return ClassCounts(label, splits, sum(splits))


def _on_test(metrics: Metrics) -> Iterator[str]:
    if metrics.test is None:
        yield "The snapshot has no test split, so nothing says how good the model is."
        return
    low, high = wilson_interval(metrics.test.accuracy, metrics.test.pictures)
    yield (
        f"It tells {_classes(metrics.labels)} apart: of {metrics.test.pictures:,} pictures "
        f"kept aside for the test it names "
        f"{percent(metrics.test.accuracy)} rightly (95\N{NO-BREAK SPACE}% interval "
        f"{percent(low)} to {percent(high)})"
        + _compared(metrics.baseline_accuracy, "; colours and edges alone reach {}.")
    )


def _on_new(metrics: Metrics) -> Iterator[str]:
    ours = metrics.left_out_accuracy
    if ours is None:
        yield "No category could be left out, so nothing says how it does on kinds it never saw."
        return
    less = "" if metrics.accuracy is None else f", {_points(ours - metrics.accuracy)}"
    yield (
        f"Asked about a kind of picture it never saw, it is right on {percent(ours)} on average"
        f"{less}" + _compared(metrics.left_out_baseline_accuracy, "; colours and edges alone {}.")
    )


def _weakest(metrics: Metrics, snapshot: SnapshotInfo) -> Iterator[str]:
    figures = sorted(metrics.left_out.items(), key=lambda item: (item[1], item[0]))
    weak = (
        [(name, share) for name, share in figures if share < (ours or 0) - 0.1][:3]
        if (ours := metrics.left_out_accuracy)
        else []
    )
    if weak:
        told = " and ".join(f"{name} ({percent(share, decimals=0)})" for name, share in weak)
        yield f"Weakest of {len(snapshot.categories)} categories when never seen: {told}."


def _classes(labels: Sequence[str]) -> str:
    if len(labels) > _MOST_NAMED:
        return f"{len(labels)} classes"
    return f"{', '.join(labels[:-1])} and {labels[-1]}"


def _compared(baseline: float | None, words: str) -> str:
    return "." if baseline is None else words.format(percent(baseline))


def _points(difference: float) -> str:
    word = "more" if difference > 0 else "less"
    return f"{abs(100 * difference):.1f} points {word}"
