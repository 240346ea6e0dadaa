"""Prometheus metrics with few labels: codes and outcomes, never anything that callers chose."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from artgrab.common.endpoints import endpoint_of
from artgrab.common.servers import metrics_server
from artgrab.images import DecoderFailedError, PictureRefusedError
from artgrab.serving.engines import Answer, Failure, Served

OPTION = "ARTGRAB_SERVING_METRICS_LISTEN"
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_OF_TORCHSERVE = "ts_"
_COUNTER = re.compile(r"^(# TYPE \w+(?<!_total)) counter$", re.MULTILINE)


class Metrics:
    """Counts of one server."""

    def __init__(
        self,
        served: Served,
        *,
        under_way: Callable[[], int],
        of_engine: Callable[[], str] = str,
    ) -> None:
        """Make the metrics, all zero.

        Args:
            served: which model answers.
            under_way: returns how many pictures have no answer yet.
            of_engine: returns what the engine itself counts, as text; called by any thread.
        """
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "artgrab_serving_requests",
            "Requests of PredictService by how they ended (codes of gRPC).",
            ["method", "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "artgrab_serving_request_seconds",
            "Time from a request to its answer.",
            ["method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._pictures = Counter(
            "artgrab_serving_pictures",
            "Pictures by outcome: answered, refused (they cannot be read), failed (decoders died).",
            ["outcome"],
            registry=registry,
        )
        self._ready = Gauge("artgrab_serving_ready", "1 while it can answer.", registry=registry)
        waiting = Gauge(
            "artgrab_serving_pictures_under_way",
            "Pictures that were taken and have no answer yet.",
            registry=registry,
        )
        waiting.set_function(under_way)
        model = Info("artgrab_serving_model", "The model that answers.", registry=registry)
        model.info({"content_sha256": served.content_sha256, "backbone": served.config.backbone})
        registry.register(_OfEngine(of_engine))

    def request_ended(self, method: str, code: str, seconds: float) -> None:
        self._requests.labels(method, code).inc()
        self._seconds.labels(method).observe(seconds)

    def request_refused(self, method: str, code: str) -> None:
        """Count what is not timed: refusals in no time would make slow answers look rare."""
        self._requests.labels(method, code).inc()

    def pictures_ended(self, answers: Iterable[Answer | Failure]) -> None:
        for answer in answers:
            self._pictures.labels(_outcome(answer)).inc()

    def ready(self, can_answer: bool) -> None:
        self._ready.set(can_answer)

    def served(self, listen: str) -> AbstractContextManager[object]:
        """Serve them over HTTP as long as the context is open; nowhere where listen is empty.

        Raises:
            BadInputError: that is no address.
            SurroundingsError: it is taken.
        """
        if not listen:
            return nullcontext()
        host, port = endpoint_of(listen, option=OPTION, example="127.0.0.1:9090", any_port=True)
        return metrics_server(self.registry, host, port, advice=f"set {OPTION} to another")


class _OfEngine(Collector):
    """What TorchServe counts, on the same page."""

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text

    def collect(self) -> Iterator[Metric]:
        for family in _parsed(self._text()):
            if family.name.startswith(_OF_TORCHSERVE):
                yield family


def _parsed(text: str) -> Sequence[Metric]:
    """Return what is counted; counters without `_total` as of no type: else they would get one."""
    try:
        return list(text_string_to_metric_families(_COUNTER.sub(r"\1 untyped", text)))
    except ValueError:
        return []


def _outcome(answer: Answer | Failure) -> str:
    if isinstance(answer, PictureRefusedError):
        return "refused"
    return "failed" if isinstance(answer, DecoderFailedError) else "answered"
