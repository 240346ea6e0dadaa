"""A client that asks for predictions from outside of a cluster without pause, and keeps count."""

import math
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

from artgrab.client import PredictClient, Prediction, Retries
from artgrab.common.errors import ArtgrabError
from tests.cluster.commands import wait_until

TOLERANCE = 1e-4
"""By which two answers of one model may differ, whatever computes them."""
PATIENT = Retries(attempts=60, longest_seconds=2.0)
"""For one pod that is away for some seconds; the usual ones are for a moment."""
DEADLINE_SECONDS = 90.0
_PAUSE_SECONDS = 0.03
"""Between two requests: without it the client would keep one of two cores busy."""
_WAIT_SECONDS = 120


@dataclass(frozen=True)
class Question:
    """A picture and its right answer."""

    name: str
    picture: bytes
    label: str


class Golden:
    """The first answer of each model to each picture, which all later ones are compared with."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Mapping[str, float]] = {}

    def fault(self, question: Question, answer: Prediction) -> str:
        """Say in what an answer is not that model's; empty where it is."""
        if answer.error:
            return f"{question.name}: {answer.error}"
        key = (answer.model_sha256, question.name)
        first = self._answers.setdefault(key, answer.classes)
        if first.keys() == answer.classes.keys() and all(
            math.isclose(answer.classes[label], first[label], rel_tol=0, abs_tol=TOLERANCE)
            for label in first
        ):
            return ""
        told = f"{question.name}: {dict(answer.classes)}, after {dict(first)}"
        return f"{told}, of model {answer.model_sha256[:12]}"


@dataclass
class Count:
    """What a client was answered."""

    answered: int = 0
    models: Counter[str] = field(default_factory=Counter)
    """Answers by the digest of the model."""
    failed: list[str] = field(default_factory=list)
    """Why there was no answer."""
    wrong: list[str] = field(default_factory=list)
    longest_seconds: float = 0.0
    """That an answer took."""


class Asking:
    """A thread that asks one question after the other over one channel."""

    def __init__(
        self,
        endpoint: str,
        questions: Sequence[Question],
        golden: Golden,
        *,
        retries: Retries | None = None,
    ) -> None:
        self.count = Count()
        self._endpoint = endpoint
        self._questions = questions
        self._golden = golden
        self._retries = retries
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask_all, name="asking", daemon=True)

    def start(self) -> None:
        """Return when the first answer is there."""
        self._thread.start()
        self.wait_more(1)

    def stop(self) -> Count:
        """Return the count when the request under way has been answered."""
        self._ended.set()
        if self._thread.ident:
            self._thread.join(DEADLINE_SECONDS + 10)
        assert not self._thread.is_alive(), "a request outlived its deadline"
        return self.count

    def wait_more(self, answers: int) -> None:
        """Return when so many more answers have come."""
        wanted = self.count.answered + answers
        wait_until(
            lambda: self.count.answered >= wanted or self.count.failed,
            f"{answers} more answers",
            seconds=_WAIT_SECONDS,
        )

    def _ask_all(self) -> None:
        with PredictClient(
            self._endpoint, tls=False, retries=self._retries, deadline_seconds=DEADLINE_SECONDS
        ) as client:
            for question in cycle(self._questions):
                if self._ended.wait(_PAUSE_SECONDS):
                    return
                self._ask(client, question)

    def _ask(self, client: PredictClient, question: Question) -> None:
        started = time.monotonic()
        try:
            (answer,) = client.predict([question.picture])
        except ArtgrabError as error:
            self.count.failed.append(f"after {time.monotonic() - started:.1f} s: {error}")
            return
        took = time.monotonic() - started
        self.count.longest_seconds = max(self.count.longest_seconds, took)
        self.count.answered += 1
        self.count.models[answer.model_sha256] += 1
        if fault := self._golden.fault(question, answer):
            self.count.wrong.append(fault)


@contextmanager
def asking(
    endpoint: str,
    questions: Sequence[Question],
    golden: Golden,
    *,
    retries: Retries | None = None,
) -> Iterator[Asking]:
    """Ask while the context lasts; leaving it fails for each answer that was missing or wrong."""
    one = Asking(endpoint, questions, golden, retries=retries)
    try:
        one.start()
        yield one
    finally:
        count = one.stop()
    assert not count.failed, _told("no answer", count.failed, count)
    assert not count.wrong, _told("another answer", count.wrong, count)


def _told(what: str, faults: Sequence[str], count: Count) -> str:
    first = "\n".join(faults[:5])
    return f"{what} {len(faults)} times, beside {count.answered} answers:\n{first}"
