"""Prometheus metrics of the operator; names of categories are never among the labels."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from artgrab.common.statuses import CategoryCondition
from artgrab.operator.conditions import found
from artgrab.operator.observed import Category

_PREFIX = "artgrab_operator_"


class Metrics:
    """Counts of one operator."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = Counter(
            f"{_PREFIX}reconcile",
            "Categories that were looked at, by result: done, look_again, error.",
            ["result"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            f"{_PREFIX}reconcile_duration_seconds",
            "Time that a look at a category takes.",
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
        """Note the end of a look at a category."""
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
    ) -> None:
        """Show these numbers as they are whenever somebody reads the metrics."""
        Gauge(
            f"{_PREFIX}queue_depth", "Categories that wait to be looked at.", registry=self.registry
        ).set_function(queue_depth)
        Gauge(
            f"{_PREFIX}scrapes_running", "Scrape Jobs that have not ended.", registry=self.registry
        ).set_function(scrapes)
        self.registry.register(_Reasons(categories))


class _Reasons(Collector):
    """Counts categories by the reason of their condition Ready."""

    def __init__(self, categories: Callable[[], Iterable[Category]]) -> None:
        self._categories = categories

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            f"{_PREFIX}categories", "Categories by why they are ready or not.", labels=["reason"]
        )
        for reason, count in Tally(map(_reason, list(self._categories()))).items():
            family.add_metric([reason], count)
        yield family


def _reason(category: Category) -> str:
    ready = found(category.status.conditions, CategoryCondition.READY)
    return ready.reason if ready else "New"
