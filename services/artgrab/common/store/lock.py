"""One collector at a time in a store: another would sweep what this one is about to record.

In a folder the kernel's lock does it, which ends with the process. In a bucket it is a lease.
"""

import asyncio
import fcntl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

import structlog

from artgrab.common.errors import ArtgrabError, StoreBusyError, SurroundingsError
from artgrab.common.store import Store
from artgrab.common.store.folders import folder_failure
from artgrab.common.store.leases import BEAT_SECONDS, Lease, LeaseLostError, look
from artgrab.common.store.leftovers import clear_leftovers

_NAME = ".lock"
_CHECK_SECONDS = 0.5

_log = structlog.get_logger()


class Hold(Protocol):
    """A store that was taken."""

    def check(self) -> None:
        """Raise LeaseLostError where it is no longer ours."""


@contextmanager
def exclusive(store: Store) -> Iterator[Hold]:
    """Take a store for oneself, until the context ends or this process does.

    What killed runs left behind is cleared away first. While the store is held and the hold is
    lost, changes through this very `store` raise LeaseLostError; long work calls `check`.

    Raises:
        StoreBusyError: another process has it.
        SurroundingsError: it cannot be taken.
    """
    with _taken(store) as hold:
        clear_leftovers(store)
        yield hold


@asynccontextmanager
async def exclusive_async(store: Store) -> AsyncIterator[Hold]:
    """As exclusive, for a task: it is cancelled once the hold is lost, and LeaseLostError raised.

    Taking a bucket can last half a minute, in which the event loop goes on.
    """
    task = asyncio.current_task()
    assert task is not None
    with ExitStack() as stack:
        hold = await _enter(stack, store)
        watch = asyncio.create_task(_cancel_when_lost(hold, task))
        try:
            yield hold
        except asyncio.CancelledError:
            if watch.done() and not watch.cancelled():
                task.uncancel()
                hold.check()
            raise
        finally:
            watch.cancel()


def holder_of(store: Store) -> str:
    """Return who holds the store as far as can be seen, empty where nobody does; changes nothing.

    Raises:
        SurroundingsError: the store failed.
    """
    if store.folder is None:
        view = look(store)
        return (view.holder.name if view.holder else "a process") if view.locks else ""
    try:
        return _flock_holder((store.folder / _NAME).stat().st_ino)
    except OSError:
        return ""


def _flock_holder(inode: int) -> str:
    """Look into /proc/locks, as trying the lock would for a moment keep others from it."""
    for line in Path("/proc/locks").read_text().splitlines():
        _, kind, _, _, pid, file, *_ = [word for word in line.split() if word != "->"]
        if kind == "FLOCK" and file.endswith(f":{inode}"):
            return f"process {pid} on this machine"
    return ""


class _FolderHold:
    """Nothing takes the kernel's lock away."""

    def check(self) -> None:
        """It is held."""


@contextmanager
def _taken(store: Store) -> Iterator[Hold]:
    if store.folder is not None:
        with _flocked(store.folder):
            yield _FolderHold()
        return
    lease = Lease(store.brief())
    lease.take()
    before, store.fence = store.fence, lease.check
    try:
        with _beating(lease):
            yield lease
        lease.check()
    finally:
        store.fence = before
        lease.release()


@contextmanager
def _flocked(folder: Path) -> Iterator[None]:
    try:
        file = (folder / _NAME).open("wb")
    except OSError as error:
        raise folder_failure(folder, error.errno) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StoreBusyError(
                f"store {folder}: another artgrab run is at work in it; "
                "wait for it, or choose another with --store"
            ) from error
        yield


@contextmanager
def _beating(lease: Lease) -> Iterator[None]:
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(lease, stop), name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _beat(lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(BEAT_SECONDS):
        try:
            lease.beat()
        except ArtgrabError as error:
            _log.info("the lock of the store could not be renewed", problem=str(error))
        try:
            lease.check()
        except LeaseLostError:
            return


async def _enter(stack: ExitStack, store: Store) -> Hold:
    entering = asyncio.ensure_future(asyncio.to_thread(stack.enter_context, exclusive(store)))
    try:
        return await asyncio.shield(entering)
    except asyncio.CancelledError:
        await asyncio.wait([entering])  # a thread cannot be left alone: it would take the store
        raise


async def _cancel_when_lost(hold: Hold, task: "asyncio.Task[object]") -> None:
    while True:
        await asyncio.sleep(_CHECK_SECONDS)
        try:
            hold.check()
        except SurroundingsError:
            task.cancel()
            return
