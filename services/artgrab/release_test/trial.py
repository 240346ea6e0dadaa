"""A test from its first object to the removal of its last one."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError
from artgrab.release_test import progress
from artgrab.release_test.asking import Ask, check_answer
from artgrab.release_test.cluster import Objects
from artgrab.release_test.documents import Manifest, documents, is_of_a_test
from artgrab.release_test.settings import ReleaseTestSettings


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a test needs of the world."""

    objects: Objects
    ask: Ask
    tell: Callable[[str], None]
    """Takes lines for people."""
    clock: Callable[[], float] = time.monotonic
    """Seconds."""
    sleep: Callable[[float], None] = time.sleep


def run_trial(settings: ReleaseTestSettings, world: Surroundings) -> None:
    """Return when a prediction of a new classifier was right in form; nothing of it is left.

    Raises:
        BadInputError: the objects are refused, or there are others of their names.
        SurroundingsError: the classifier did not become ready, or answered wrongly.
    """
    _Trial(settings, world).run()


class _Trial:
    def __init__(self, settings: ReleaseTestSettings, world: Surroundings) -> None:
        self._settings = settings
        self._world = world
        self._documents = documents(settings)
        self._deadline = world.clock() + settings.deadline_seconds

    def run(self) -> None:
        self._remove_former()
        with self._removed_at_the_end():
            for document in self._documents:
                self._world.objects.create(document)
            self._ask(self._until_ready()["status"])

    def _ask(self, status: Manifest) -> None:
        try:
            self._world.tell(check_answer(self._world.ask, status, self._settings.labels))
        except SurroundingsError as error:
            raise SurroundingsError(
                f"the classifier is ready, and a prediction fails: {error}\nCan this pod reach its "
                "pods? See networkPolicies, serving.allowedFrom, serving.tls and serving.token of "
                "the chart; a classifier of your own can be looked at for longer"
            ) from error

    def _remove_former(self) -> None:
        """Remove what a killed test has left, and touch nothing that is not of a test."""
        found = self._found()
        for body in found:
            if not is_of_a_test(body):
                raise BadInputError(
                    f"{progress.title_of(body)} exists and was not made by a test: give "
                    "tests.categories of the chart names that are free"
                )
        if found:
            self._world.tell("removing what a former test has left")
            self._remove()

    @contextmanager
    def _removed_at_the_end(self) -> Iterator[None]:
        """Remove what was made; what went wrong before is what is told."""
        try:
            yield
        except BaseException:
            try:
                self._remove()
            except ArtgrabError as error:
                self._world.tell(str(error))
            raise
        self._remove()

    def _remove(self) -> None:
        for document in reversed(self._documents):
            self._world.objects.delete(document)
        end = self._world.clock() + self._settings.removal_seconds
        while found := self._found():
            if self._world.clock() >= end:
                raise SurroundingsError(self._still_there(found))
            self._world.sleep(self._settings.poll_seconds)

    def _still_there(self, found: Sequence[Manifest]) -> str:
        names = " ".join(progress.title_of(body) for body in found)
        return (
            f"deleted and still there after {self._settings.removal_seconds:.0f} s: {names}; "
            f"see: kubectl -n {self._settings.namespace} get jobs,pods; what is stored is removed "
            "by a Job cleanup-... in the namespace of the release"
        )

    def _until_ready(self) -> Manifest:
        """Return the classifier when it is ready."""
        news = progress.News()
        while True:
            found = self._found()
            for line in news.of(found):
                self._world.tell(line)
            last = found[-1] if found else None
            if last and last["kind"] == "ArtClassifier" and progress.is_ready(last):
                return last
            self._check_hope(found)
            self._world.sleep(self._settings.poll_seconds)

    def _check_hope(self, found: Sequence[Manifest]) -> None:
        if len(found) < len(self._documents):
            raise self._failure("somebody has deleted what the test made", found)
        for body in found:
            if progress.is_final(body):
                raise self._failure(f"{progress.title_of(body)} will not become ready", found)
        if self._world.clock() >= self._deadline:
            seconds = f"{self._settings.deadline_seconds:.0f} s (tests.deadlineSeconds)"
            raise self._failure(f"the classifier is not ready after {seconds}", found)

    def _failure(self, what: str, found: Sequence[Manifest]) -> SurroundingsError:
        return SurroundingsError(f"{what}\n{progress.report_of(found)}")

    def _found(self) -> list[Manifest]:
        bodies = (self._world.objects.get(document) for document in self._documents)
        return [
            {"kind": document["kind"], **body}
            for document, body in zip(self._documents, bodies, strict=True)
            if body is not None
        ]
