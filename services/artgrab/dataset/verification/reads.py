"""Many objects read and hashed, several at once and never more than a few in memory."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import ObjectMissingError
from artgrab.common.store import Store
from artgrab.dataset.verification.types import Flaw, Kind, Problem

READERS = 8
_WAITING = 4 * READERS


class Named(NamedTuple):
    """An object and what its bytes must be, as a document says."""

    key: str
    sha256: str
    kind: Kind
    place: str = ""


class Read(NamedTuple):
    """What was found at a key."""

    named: Named
    size: int
    problem: Problem | None


class Reader:
    """Reads objects in threads; results come in the order they were asked for."""

    def __init__(self, store: Store, pool: ThreadPoolExecutor) -> None:
        self._store = store
        self._pool = pool

    def read_all(self, named: Iterable[Named]) -> Iterator[Read]:
        """Yield what is found of each object."""
        waiting: deque[Future[Read]] = deque()
        for one in named:
            waiting.append(self._pool.submit(self._read, one))
            if len(waiting) >= _WAITING:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _read(self, named: Named) -> Read:
        try:
            data = self._store.get(named.key)
        except ObjectMissingError:
            return Read(named, 0, _problem(named, Flaw.MISSING, "it is named, and not there"))
        if sha256_hex(data) != named.sha256:
            return Read(named, len(data), _problem(named, Flaw.CORRUPT, "not the recorded digest"))
        return Read(named, len(data), None)


@contextmanager
def reader(store: Store) -> Iterator[Reader]:
    """Yield a reader with its threads."""
    with ThreadPoolExecutor(READERS, thread_name_prefix="verify") as pool:
        try:
            yield Reader(store, pool)
        finally:
            pool.shutdown(cancel_futures=True)


def _problem(named: Named, flaw: Flaw, detail: str) -> Problem:
    return Problem(key=named.key, kind=named.kind, flaw=flaw, detail=detail, place=named.place)
