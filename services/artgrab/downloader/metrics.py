"""Prometheus metrics with few labels: hosts and URLs are never among them."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from artgrab.downloader.ledgers import Verdict

_MAX_REASONS = 100
_STATUS = "http-"
_KNOWN_STATUSES = frozenset(
    {400, 401, 402, 403, 404, 406, 408, 410, 418, 425, 429, 451}
    | {500, 501, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 530}
)
"""Those that say something; sites can answer with any number, and would fill the labels."""
_OTHER = "other"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

WATCHED: Mapping[str, str] = {
    "bytes_in_flight": "Bytes of bodies that are held at the moment.",
    "hosts_busy": "Sites from which a fetch is under way.",
    "hosts_resting": "Sites that asked for a rest, or are left alone as they seem down.",
    "hosts_blocked": "Sites that are left alone as they do not want us.",
    "decoders": "Processes that decode pictures.",
}
"""What is looked at when somebody reads the metrics, and not counted before."""

_STEPS = ("fetch", "decode", "store")


class _Step:
    """A step under way; no generator, as a picture has three."""

    def __init__(self, seconds: Histogram, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock

    def __enter__(self) -> None:
        self._began = self._clock()

    def __exit__(self, *_: object) -> None:
        self._seconds.observe(self._clock() - self._began)


class Metrics:
    """Counts of one server."""

    def __init__(self, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.registry = registry = CollectorRegistry()
        self._candidates = Counter(
            "artgrab_downloader_candidates",
            "Candidates by what became of them.",
            ["outcome", "reason"],
            registry=registry,
        )
        self._streams = Gauge("artgrab_downloader_streams", "Open streams.", registry=registry)
        self._broken_off = Counter(
            "artgrab_downloader_calls_broken_off",
            "Streams and other calls that were refused or broken off by us, by code of gRPC.",
            ["code"],
            registry=registry,
        )
        self._under_way = Gauge(
            "artgrab_downloader_candidates_under_way",
            "Candidates taken and not yet acknowledged.",
            registry=registry,
        )
        seconds = Histogram(
            "artgrab_downloader_step_seconds",
            "Time that a step took for one candidate: fetch, decode or store.",
            ["step"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._steps = {name: seconds.labels(name) for name in _STEPS}
        self._fetched = Counter(
            "artgrab_downloader_fetched_bytes", "Bytes of bodies that came.", registry=registry
        )
        self._decoder_deaths = Counter(
            "artgrab_downloader_decoder_deaths",
            "Decoders that died or were killed over a picture.",
            registry=registry,
        )
        self._watched = {
            name: Gauge(f"artgrab_downloader_{name}", meaning, registry=registry)
            for name, meaning in WATCHED.items()
        }
        self._reasons: set[str] = set()

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Count a stream as open."""
        with self._streams.track_inprogress():
            yield

    def broken_off(self, code: grpc.StatusCode) -> None:
        self._broken_off.labels(code.name).inc()

    def candidates_taken(self, count: int) -> None:
        self._under_way.inc(count)

    def candidates_left(self, count: int) -> None:
        """Note candidates that are no longer under way, acknowledged or not."""
        self._under_way.dec(count)

    def settled(self, verdict: Verdict, count: int = 1) -> None:
        self._candidates.labels(verdict.outcome, self._bounded(verdict.reason)).inc(count)

    def step(self, name: str) -> "_Step":
        """Take the time of a step, also of one that fails."""
        return _Step(self._steps[name], self._clock)

    def fetched(self, count: int) -> None:
        """Note bytes that came."""
        self._fetched.inc(count)

    def decoder_died(self) -> None:
        self._decoder_deaths.inc()

    def watch(self, **found: Callable[[], float]) -> None:
        """Have what WATCHED names looked at by these functions, which any thread may call."""
        for name, function in found.items():
            self._watched[name].set_function(function)

    def _bounded(self, reason: str) -> str:
        """Return a reason, or what stands for all of its kind that would make too many."""
        if reason.startswith(_STATUS):
            return reason if _is_known(reason) else f"{_STATUS}{_OTHER}"
        if len(self._reasons) < _MAX_REASONS:
            self._reasons.add(reason)
        return reason if reason in self._reasons else _OTHER


def _is_known(reason: str) -> bool:
    status = reason.removeprefix(_STATUS)
    return status.isascii() and status.isdigit() and int(status) in _KNOWN_STATUSES
