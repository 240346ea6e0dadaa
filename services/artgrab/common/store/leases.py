"""A lease on a store that has no locks: conditional puts decide, and nobody's clock is trusted.

    .lock/<n>           who holds it: made by a conditional put, never rewritten; the highest counts
    .lock/<n>.<token>   the holder's heartbeat: a number that it rewrites every few seconds

Who comes later watches by its own clock whether the beat moves. If it does, the store is busy. If
it stands still for LEASE_SECONDS, the watcher takes n+1 and removes what is lower. A holder that
could not beat for GIVE_UP_SECONDS, or that finds another's lock, has lost it, and knows before
anybody may take over. After its put everybody looks once more: of two that put at the same time
under different numbers, at least one sees the other and goes back.

What remains, as with every lease: a process that stops for some ten seconds between its last look
and a request of its own. It notices at its next beat and ends with an error.
"""

import random
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import structlog

from artgrab.common.errors import (
    ArtgrabError,
    ObjectMissingError,
    StoreBusyError,
    SurroundingsError,
)
from artgrab.common.store import Store
from artgrab.common.store.lease_holders import Holder, is_gone, this_process
from artgrab.common.unreadable import UNREADABLE

PREFIX = ".lock"
BEAT_SECONDS = 3.0
GIVE_UP_SECONDS = 20.0
"""Well below LEASE_SECONDS: whatever clocks make of a second, it is over before another begins."""
LEASE_SECONDS = 30.0
_LOOK_SECONDS = 1.0
_PROOFS = 3
_TRIES = 20
"""Takings that met another's; each goes back for a while, and one of them wins."""

_log = structlog.get_logger()


class LeaseLostError(SurroundingsError):
    """Another run has taken the store, or may have: this one must stop."""


class View(NamedTuple):
    """What lies below PREFIX at one moment."""

    locks: dict[int, bytes]
    """Content by number."""
    keys: frozenset[str]
    """Of locks and beats."""
    beat: bytes
    """Of the highest lock."""

    @property
    def highest(self) -> int:
        """The number that counts, 0 where there is no lock."""
        return max(self.locks, default=0)

    @property
    def state(self) -> tuple[dict[int, bytes], bytes]:
        """What moves while a holder lives; others' beats come and go with their tries."""
        return self.locks, self.beat

    @property
    def holder(self) -> Holder | None:
        """Whoever holds the lease, None where nobody does or it cannot be read."""
        return _decode(self.locks.get(self.highest, b""))


class Lease:
    """One process's claim on a store; `take` it, `beat` in time, `check` before work, `release`."""

    def __init__(
        self,
        store: Store,
        *,
        me: Holder | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        gone: Callable[[Holder], bool] = is_gone,
    ) -> None:
        self._store = store
        self._me = me or this_process()
        self._content = msgspec.json.encode(self._me)
        self._clock = clock
        self._sleep = sleep
        self._gone = gone
        self._number = 0
        self._beats = 0
        self._beaten_at = 0.0
        self._lost = ""

    def take(self) -> None:
        """Take the lease, waiting until it is sure that a silent holder is gone.

        Raises:
            StoreBusyError: another process holds it and lives.
            SurroundingsError: the store failed, or does not know conditional puts.
        """
        for _ in range(_TRIES):
            free = self._wait_until_free()
            if self._try(free):
                return
            self._sleep(_LOOK_SECONDS * random.uniform(0.5, 2.0))  # noqa: S311  # no secret
        raise StoreBusyError(_busy(self._store, None))

    def beat(self) -> None:
        """Say that this process lives, and look whether it still holds the lease.

        Raises:
            SurroundingsError: the store failed; try again until `check` says that it is too late.
        """
        began = self._clock()
        self._beats += 1
        self._store.put(self._beat_key, b"%d" % self._beats)
        view = look(self._store)
        if view.highest != self._number or view.locks.get(self._number) != self._content:
            self._lost = "another artgrab run has taken it over"
        else:
            self._beaten_at = began

    def check(self) -> None:
        """Make sure that the lease is held.

        Raises:
            LeaseLostError: it is not, or may not be.
        """
        silent = self._clock() - self._beaten_at
        if not self._lost and silent > GIVE_UP_SECONDS:
            self._lost = f"it could not be reached for {silent:.0f} s, and another run may begin"
        if self._lost:
            raise LeaseLostError(
                f"store {self._store.uri}: {self._lost}; this run stops, run the same again"
            )

    def release(self) -> None:
        """Leave nothing behind; what is no longer ours is left alone."""
        try:
            self._store.delete([self._beat_key])
            self.check()
            self._store.delete([lock_key(self._number)])
        except ArtgrabError as error:
            _log.warning("the lock of the store is left to expire", problem=str(error))

    @property
    def _beat_key(self) -> str:
        return beat_key(self._number, self._me)

    def _wait_until_free(self) -> View:
        first = look(self._store)
        since = self._clock()
        view = first
        told = False
        while view.locks and not (view.holder and self._gone(view.holder)):
            if view.state != first.state:
                raise StoreBusyError(_busy(self._store, view.holder))
            if self._clock() - since >= LEASE_SECONDS:
                break
            told = told or self._tell(view.holder)
            self._sleep(_LOOK_SECONDS)
            view = look(self._store)
        return view

    def _tell(self, holder: Holder | None) -> bool:
        _log.warning(
            f"store {self._store.uri} was taken by {holder.name if holder else 'a run'}; watching "
            f"for up to {LEASE_SECONDS:.0f} s whether it is still at work"
        )
        return True

    def _try(self, free: View) -> bool:
        self._number = free.highest + 1
        ours = [lock_key(self._number), self._beat_key]
        self._prove_conditions()
        began = self._clock()
        if not self._store.put_if_absent(ours[0], self._content):
            self._store.delete(ours[1:])
            return False
        after = look(self._store)
        others = {n: content for n, content in after.locks.items() if n != self._number}
        if after.highest != self._number or not others.items() <= free.locks.items():
            self._store.delete(ours)
            return False
        self._beaten_at = began
        self.beat()
        self._store.delete(sorted(after.keys.difference(ours)))
        self.check()
        return True

    def _prove_conditions(self) -> None:
        """Begin the heartbeat, twice: a server that lets us would let two take the lease.

        Between the two another process, clearing up, may have removed the first; not three times.
        """
        for _ in range(_PROOFS):
            first = self._store.put_if_absent(self._beat_key, b"0")
            if not (first and self._store.put_if_absent(self._beat_key, b"once more")):
                return
            self._store.delete([self._beat_key])
        raise SurroundingsError(
            f"store {self._store.uri}: this server overwrites where it is told not to "
            "(If-None-Match: *), which artgrab needs; upgrade it, or choose another store"
        )


def look(store: Store) -> View:
    """Return what lies below PREFIX; what goes while it is read is left out."""
    keys = frozenset(one.key for one in store.list(PREFIX))
    contents = {_number(key): _content(store, key) for key in keys if _number(key)}
    view = View({n: content for n, content in contents.items() if content}, keys, b"")
    if view.holder and beat_key(view.highest, view.holder) in keys:
        return view._replace(beat=_content(store, beat_key(view.highest, view.holder)))
    return view


def lock_key(number: int) -> str:
    return f"{PREFIX}/{number}"


def beat_key(number: int, holder: Holder) -> str:
    return f"{lock_key(number)}.{holder.token}"


def _number(key: str) -> int:
    """Return the number of a lock, 0 for a beat."""
    name = key.rpartition("/")[2]
    return int(name) if name.isascii() and name.isdecimal() else 0


def _content(store: Store, key: str) -> bytes:
    try:
        return store.get(key)
    except ObjectMissingError:
        return b""


def _decode(content: bytes) -> Holder | None:
    try:
        return msgspec.json.decode(content, type=Holder)
    except UNREADABLE:
        return None


def _busy(store: Store, holder: Holder | None) -> str:
    who = f" ({holder.name})" if holder else ""
    return (
        f"store {store.uri}: another artgrab run is at work in it{who}; wait for it, or choose "
        "another with --store"
    )
