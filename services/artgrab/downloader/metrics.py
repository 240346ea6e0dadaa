"""Prometheus metrics with few labels: hosts and URLs are never among them."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from artgrab.downloader.ledgers import Verdict

_MAX_REASONS = 100


class Metrics:
    """Counts of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._candidates = Counter(
            "artgrab_downloader_candidates",
            "Candidates by what became of them.",
            ["outcome", "reason"],
            registry=self.registry,
        )
        self._streams = Gauge("artgrab_downloader_streams", "Open streams.", registry=self.registry)
        self._under_way = Gauge(
            "artgrab_downloader_candidates_under_way",
            "Candidates taken and not yet acknowledged.",
            registry=self.registry,
        )
        self._reasons: set[str] = set()

    def stream_opened(self) -> None:
        self._streams.inc()

    def stream_closed(self) -> None:
        self._streams.dec()

    def candidates_taken(self, count: int) -> None:
        self._under_way.inc(count)

    def candidates_left(self, count: int) -> None:
        """Note candidates that are no longer under way, acknowledged or not."""
        self._under_way.dec(count)

    def settled(self, verdict: Verdict) -> None:
        self._candidates.labels(verdict.outcome, self._bounded(verdict.reason)).inc()

    def _bounded(self, reason: str) -> str:
        if len(self._reasons) < _MAX_REASONS:
            self._reasons.add(reason)
        return reason if reason in self._reasons else "other"
