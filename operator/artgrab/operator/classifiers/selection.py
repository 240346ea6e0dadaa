"""Which categories a classifier learns from now, and what is in the way of a dataset of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from artgrab.common.digests import short_digest
from artgrab.common.resources import ArtClassifier
from artgrab.common.statuses import CategoryCondition, Condition, RunReason
from artgrab.operator.classifiers.conditions import Reason, Situation
from artgrab.operator.conditions import Reason as CategoryReason
from artgrab.operator.conditions import found
from artgrab.operator.observed import Category

_HOPELESS = {RunReason.SOURCES_FAILED, CategoryReason.INVALID_SPEC, CategoryReason.SUSPENDED}
_FAILURES_FOR_GOOD = 3
_MOST_NAMED = 10


@dataclass(frozen=True)
class Selection:
    """What a dataset would be made of now."""

    labels: dict[str, str] = field(default_factory=dict)
    """Class of each category that has pictures."""
    inputs: str = ""
    """Digest of labels and curation."""
    stored: int = 0
    """Pictures of all of them."""
    ended_at: datetime | None = None
    """When the last scrape of any of them ended."""
    without: tuple[str, ...] = ()
    """Categories that have no picture, and are left out."""
    waiting: str = ""
    """Categories that are not settled, with their reasons; empty where all are."""
    scraping: str = ""
    """Categories that are scraped again, likewise: only a later dataset waits for them."""
    obstacle: Situation | None = None
    """Why there can be no dataset, whatever is waited for."""


def select(resource: ArtClassifier, categories: Iterable[Category]) -> Selection:
    """Return what the classes of a classifier select, among the categories of its namespace."""
    there = sorted((one for one in categories if not one.deleting), key=lambda one: one.key)
    try:
        chosen = [(one, label) for one in there if (label := _label(resource, one))]
    except ValueError as error:
        return Selection(obstacle=Situation(Reason.INVALID_SPEC, str(error)))
    if empty := _classes_without(resource, (label for _, label in chosen)):
        return Selection(obstacle=_no_category(resource, empty))
    selected = [one for one, _ in chosen]
    labels = {one.key.name: label for one, label in chosen if _stored(one)}
    waiting = [_told(one) for one in selected if not is_settled(one)]
    empty = _classes_without(resource, labels.values())
    curation = resource.spec.curation.model_dump(mode="json")
    return Selection(
        labels=labels,
        inputs=short_digest({"labels": labels, "curation": curation}),
        stored=sum(map(_stored, selected)),
        ended_at=max(
            (one.status.ended_at for one in selected if one.status.ended_at), default=None
        ),
        without=tuple(one.key.name for one in selected if not _stored(one)),
        waiting=listed(waiting),
        scraping=listed([_told(one) for one in selected if _is_scraping(one)]),
        obstacle=_no_pictures(empty, chosen) if empty and not waiting else None,
    )


def is_settled(category: Category) -> bool:
    """Tell whether a category has what it can have, for now."""
    ready = _condition(category, CategoryCondition.READY)
    if ready is None or category.status.observed_generation != category.generation:
        return False
    failures = category.status.failures or 0
    gave_up = ready.reason == CategoryReason.SCRAPE_FAILED and failures >= _FAILURES_FOR_GOOD
    return ready.status == "True" or ready.reason in _HOPELESS or gave_up


def _is_scraping(category: Category) -> bool:
    scraped = _condition(category, CategoryCondition.SCRAPED)
    return scraped is not None and scraped.reason == CategoryReason.SCRAPING


def _label(resource: ArtClassifier, category: Category) -> str | None:
    """Return the class of a category.

    Raises:
        ValueError: more than one class selects it.
    """
    try:
        return resource.label_of(dict(category.labels))
    except ValueError as error:
        raise ValueError(
            f"artcategory/{category.key.name} is {error}; change its labels, or the selectors of "
            "spec.classes"
        ) from None


def _classes_without(resource: ArtClassifier, labels: Iterable[str]) -> list[str]:
    there = set(labels)
    return [one.label for one in resource.spec.classes if one.label not in there]


def _no_category(resource: ArtClassifier, empty: Sequence[str]) -> Situation:
    namespace = resource.metadata.namespace
    return Situation(
        Reason.NO_CATEGORIES,
        f"no category is selected by the class {', '.join(empty)}; apply one with its labels in "
        f"this namespace: kubectl get artcategories --namespace {namespace} --show-labels",
    )


def _no_pictures(empty: Sequence[str], chosen: Iterable[tuple[Category, str]]) -> Situation:
    their = listed([_told(one) for one, label in chosen if label in empty])
    return Situation(
        Reason.NO_PICTURES,
        f"no category of the class {', '.join(empty)} has a picture: {their}; change its queries "
        "or sources, or apply another one",
    )


def _told(category: Category) -> str:
    ready = _condition(category, CategoryCondition.READY)
    outdated = category.status.observed_generation != category.generation
    reason = "it is new" if ready is None else "its spec is new" if outdated else ready.reason
    scraped = _condition(category, CategoryCondition.SCRAPED)
    if not outdated and ready is not None and ready.status == "True" and scraped is not None:
        reason = scraped.reason
    return f"{category.key.name} ({reason})"


def listed(told: Sequence[str]) -> str:
    """Return some of many in one line, and how many more there are."""
    more = len(told) - _MOST_NAMED
    return ", ".join([*told[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])


def _condition(category: Category, kind: CategoryCondition) -> Condition | None:
    return found(category.status.conditions, kind)


def _stored(category: Category) -> int:
    return category.status.counts.stored if category.status.counts else 0
