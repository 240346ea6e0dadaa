"""What the processes of a classifier's Jobs share: options, signals, progress, and a last word."""

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import structlog
from prometheus_client import CollectorRegistry, Gauge

from artgrab.common.errors import (
    ArtgrabError,
    BadInputError,
    PartlyDoneError,
    SurroundingsError,
)
from artgrab.common.logs import configure_logs
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.servers import metrics_server
from artgrab.common.store import Store
from artgrab.common.terminations import (
    DatasetTermination,
    TrainingTermination,
    write_termination,
)

LastWord = DatasetTermination | TrainingTermination
Work = Callable[[argparse.Namespace, ProgressSink], LastWord | None]
"""Does what the options say; what it returns is the last word, None where another says it."""

_STOPPED = "ended by a signal before it was done; the same again goes on from here"
_ANY_ADDRESS = "0.0.0.0"  # noqa: S104 - metrics are for other machines
_ENDING = (signal.SIGTERM, signal.SIGINT)
_LOG_SECONDS = 30.0
_LABELS = ("stage", "item", "unit")

_log = structlog.get_logger()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of such a process."""
    parser.add_argument("--store", required=True, metavar="URI", help="where everything is kept")
    parser.add_argument(
        "--task", required=True, type=Path, metavar="FILE", help="what is to be made, as JSON"
    )
    parser.add_argument(
        "--termination-message", type=Path, metavar="FILE", help="where the last word is written"
    )
    parser.add_argument(
        "--metrics-port", type=int, metavar="PORT", help="serve Prometheus metrics to all machines"
    )


def run_work(
    options: argparse.Namespace,
    work: Work,
    *,
    failed: Callable[[str], LastWord],
    progress: "JobProgress",
) -> int:
    """Do the work and return the exit code; errors are one line on stderr and the last word.

    0: done. 2: the input must change, as for a class without pictures. 4: the surroundings failed
    or a signal came, at which it ends at once; the same again goes on from here. 1: a bug.

    Args:
        options: those of add_options.
        work: what is to be done.
        failed: makes a last word of an error.
        progress: told of by the work, logged and served.
    """

    def fail(error: str) -> None:
        sys.stderr.write(f"artgrab: {error}\n")
        write_termination(options.termination_message, failed(error))

    with _left_on_signals(lambda: fail(_STOPPED)):
        try:
            configure_logs()
            with _served(options, progress):
                word = work(options, progress)
        except PartlyDoneError as error:
            fail(str(error))
            return BadInputError.exit_code  # nothing was made: there is no part that is done
        except ArtgrabError as error:
            fail(str(error))
            return error.exit_code
        except Exception as error:
            traceback.print_exc()
            fail(f"a bug in artgrab: {type(error).__name__}: {error}")
            return ArtgrabError.exit_code
        if word is not None:
            write_termination(options.termination_message, word)
        return 0


def existing_store(uri: str) -> Store:
    """Open a store that others have filled, and make none.

    Raises:
        BadInputError: there is none.
        SurroundingsError: it cannot be read or written.
    """
    Store.open(uri, to_write=False)
    return Store.open(uri)


class JobProgress:
    """Shows progress as Prometheus metrics, and as log lines now and then."""

    def __init__(self, job: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Show the progress of a kind of job, as `training`.

        Args:
            job: names the metrics: artgrab_<job>_done and artgrab_<job>_total.
            clock: in seconds.
        """
        self.registry = CollectorRegistry()
        self._done = self._gauge(f"artgrab_{job}_done", "What is done, by stage and part of it.")
        self._total = self._gauge(f"artgrab_{job}_total", "What there is to do.")
        self._clock = clock
        self._logged: dict[tuple[str, str], float] = {}

    def __call__(self, progress: Progress) -> None:
        """Take note of progress."""
        labels = (progress.stage, progress.item, progress.unit)
        self._done.labels(*labels).set(progress.done)
        if progress.total is not None:
            self._total.labels(*labels).set(progress.total)
        if progress.finished or (progress.done != progress.total and self._is_due(progress)):
            self._log(progress)

    def warn(self, text: str) -> None:
        """Tell people something."""
        _log.warning(text)

    def _is_due(self, progress: Progress) -> bool:
        last = self._logged.get((progress.stage, progress.item))
        return last is None or self._clock() - last >= _LOG_SECONDS

    def _log(self, progress: Progress) -> None:
        self._logged[progress.stage, progress.item] = self._clock()
        told = {"item": progress.item, "done": progress.done, "total": progress.total}
        _log.info(progress.stage, **told, unit=progress.unit, **progress.figures)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(name, meaning, _LABELS, registry=self.registry)


@contextmanager
def _served(options: argparse.Namespace, progress: JobProgress) -> Iterator[None]:
    with ExitStack() as stack:
        if options.metrics_port is not None:
            advice = "give another --metrics-port"
            stack.enter_context(
                metrics_server(progress.registry, _ANY_ADDRESS, options.metrics_port, advice=advice)
            )
        yield


@contextmanager
def _left_on_signals(say: Callable[[], None]) -> Iterator[None]:
    """Let SIGTERM and SIGINT end this process at once, whatever its main thread waits for.

    Python's own handlers would wait for it. What is durable may be killed at any moment.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {one: signal.signal(one, _noted) for one in _ENDING}
    descriptor = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_leave_when_told, args=(reader, say), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(descriptor)
        for one, handler in before.items():
            signal.signal(one, handler)
        os.close(writer)


def _noted(number: int, frame: FrameType | None) -> None:
    """Do nothing: the byte that the kernel's handler wrote is enough."""


def _leave_when_told(reader: int, say: Callable[[], None]) -> None:
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        if pipe.read(1):
            say()
            sys.stderr.flush()
            os._exit(SurroundingsError.exit_code)
