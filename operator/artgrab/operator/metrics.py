"""Prometheus metrics of the operator; names of objects are never among the labels."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from artgrab.common.statuses import CategoryCondition, ClassifierCondition
from artgrab.operator.classifiers.conditions import Reason
from artgrab.operator.classifiers.observed import Classifier, LearningJob
from artgrab.operator.conditions import found
from artgrab.operator.observed import Category

_PREFIX = "artgrab_operator_"
_NEW = "New"
_UNKNOWN = "Unknown"


class Metrics:
    """Counts of one operator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = Counter(
            f"{_PREFIX}reconcile",
            "Looks at categories and classifiers, by result: done, look_again, error.",
            ["result"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            f"{_PREFIX}reconcile_duration_seconds",
            "Time that a look takes.",
            registry=self.registry,
        )
        self._retries = Counter(
            f"{_PREFIX}retries", "Looks that had to be done again.", registry=self.registry
        )
        self._writes = Counter(
            f"{_PREFIX}api_writes",
            "Requests that write to the API server.",
            ["verb", "resource"],
            registry=self.registry,
        )

    def reconciled(self, result: str, seconds: float) -> None:
        """Note the end of a look at a category or a classifier."""
        self._reconciles.labels(result).inc()
        self._seconds.observe(seconds)
        if result != "done":
            self._retries.inc()

    def wrote(self, verb: str, resource: str) -> None:
        """Note a request that writes."""
        self._writes.labels(verb, resource).inc()

    def watch(
        self,
        *,
        queue_depth: Callable[[], int],
        scrapes: Callable[[], int],
        categories: Callable[[], Iterable[Category]],
        classifiers: Callable[[], Iterable[Classifier]],
        learning: Callable[[], Iterable[LearningJob]],
    ) -> None:
        """Show these numbers as they are whenever somebody reads the metrics."""
        Gauge(
            f"{_PREFIX}queue_depth",
            "Categories and classifiers that wait to be looked at.",
            registry=self.registry,
        ).set_function(queue_depth)
        Gauge(
            f"{_PREFIX}scrapes_running", "Scrape Jobs that have not ended.", registry=self.registry
        ).set_function(scrapes)
        for tallied in (
            _Tallied(
                "categories",
                "Categories by why they are ready or not.",
                "reason",
                lambda: map(_category_reason, list(categories())),
            ),
            _Tallied(
                "classifiers",
                "Classifiers by why they are ready or not.",
                "reason",
                lambda: map(_classifier_reason, list(classifiers())),
            ),
            _Tallied(
                "classifiers_degraded",
                "Classifiers, ready ones too, that something has gone wrong with, by what.",
                "reason",
                lambda: filter(None, map(_degraded_reason, list(classifiers()))),
            ),
            _Tallied(
                "learning_jobs_running",
                "Dataset and training Jobs that have not ended.",
                "component",
                lambda: [job.component for job in learning()],
            ),
        ):
            self.registry.register(tallied)


class _Tallied(Collector):
    """Counts words whenever somebody reads the metrics."""

    def __init__(
        self, name: str, told: str, label: str, words: Callable[[], Iterable[str]]
    ) -> None:
        self._name = f"{_PREFIX}{name}"
        self._told = told
        self._label = label
        self._words = words

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(self._name, self._told, labels=[self._label])
        for word, count in Tally(self._words()).items():
            family.add_metric([word], count)
        yield family


def _category_reason(category: Category) -> str:
    ready = found(category.status.conditions, CategoryCondition.READY)
    return ready.reason if ready else _NEW


def _classifier_reason(classifier: Classifier) -> str:
    ready = found(classifier.status.conditions, ClassifierCondition.READY)
    return _known(ready.reason) if ready else _NEW


def _degraded_reason(classifier: Classifier) -> str:
    """Return what has gone wrong; empty where nothing has."""
    degraded = found(classifier.status.conditions, ClassifierCondition.DEGRADED)
    return _known(degraded.reason) if degraded and degraded.status == "True" else ""


def _known(reason: str) -> str:
    """Return the reason, or that it is none of ours: a status may have been written by anybody."""
    return reason if reason in set(Reason) else _UNKNOWN
