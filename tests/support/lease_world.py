"""Processes that contend for a lease, one request at a time, by a clock that moves when told to."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from obstore.store import MemoryStore

from artgrab.common.errors import StoreBusyError
from artgrab.common.store import ObjectInfo, Store
from artgrab.common.store.lease_holders import Holder
from artgrab.common.store.leases import Lease, LeaseLostError

WAIT_SECONDS = 60


class KilledError(BaseException):
    """Stands for SIGKILL."""


@dataclass
class Time:
    """A clock that moves only when told to."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def holder(token: str) -> Holder:
    return Holder(token=token, host="there", pid=7)


class World:
    """Runs contenders one request at a time, in an order and with pauses that others choose."""

    def __init__(self) -> None:
        self.time = Time()
        self.done = threading.Semaphore(0)
        self.backend = MemoryStore()
        self.actors: list[Actor] = []

    def add(self, name: str, **more: object) -> "Actor":
        actor = Actor(self, name, **more)  # type: ignore[arg-type]  # any options of a lease
        self.actors.append(actor)
        actor.thread.start()
        return actor

    def step(self, actor: "Actor", requests: int = 1) -> None:
        """Let one contender make its next requests, or fall asleep between them."""
        for _ in range(requests):
            if actor.ended:
                return
            actor.go.release()
            assert self.done.acquire(timeout=WAIT_SECONDS)
            holders = [one.name for one in self.actors if one.holds()]
            assert len(holders) <= 1, f"{holders} hold it at {self.time.now}"

    def finish(self) -> None:
        for actor in self.actors:
            actor.killed = True
            self.step(actor)
            actor.thread.join(WAIT_SECONDS)


@dataclass
class Actor:
    """A process that takes the lease again and again, until it is killed."""

    world: World
    name: str
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    killed: bool = False
    ended: bool = False
    gone: Callable[[Holder], bool] = lambda one: False
    script: Callable[["Actor"], None] | None = None
    """What it does, once; where none is given it takes the lease again and again."""
    lease: Lease | None = None
    takings: int = 0

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)

    def holds(self) -> bool:
        """Tell whether this process would go on working now."""
        if self.lease is None or self.killed:
            return False
        try:
            self.lease.check()
        except LeaseLostError:
            return False
        return True

    def turn(self) -> None:
        """Wait until it is this process's turn."""
        self.world.done.release()
        self.go.acquire()
        if self.killed:
            raise KilledError

    def _run(self) -> None:
        self.go.acquire()
        try:
            if self.script:
                self.script(self)
            while not (self.script or self.killed):
                self.take_and_work()
        except (KilledError, StoreBusyError, LeaseLostError):
            pass
        finally:
            self.ended = True
            self.world.done.release()

    def new_lease(self) -> Lease:
        store = Stepwise(self.world.backend, self.turn)
        clock = self.world.time
        return Lease(store, me=holder(self.name), clock=clock, sleep=self._sleep, gone=self.gone)

    def take_and_keep(self) -> None:
        lease = self.new_lease()
        lease.take()
        self.lease, self.takings = lease, 1

    def take_and_work(self) -> None:
        lease = self.new_lease()
        try:
            lease.take()
        except (StoreBusyError, LeaseLostError):
            self.turn()
            return
        self.lease, self.takings = lease, self.takings + 1
        lease.beat()
        self.lease = None  # from here on it changes nothing any more
        lease.release()
        self.turn()

    def _sleep(self, seconds: float) -> None:
        until = self.world.time.now + seconds
        self.turn()
        self.world.time.now = max(self.world.time.now, until)


class Stepwise(Store):
    """Waits for its turn before every request."""

    def __init__(self, backend: MemoryStore, turn: Callable[[], None]) -> None:
        super().__init__(backend, uri="memory")
        self._turn = turn

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self._turn()
        return super().put_if_absent(key, data)

    def put(self, key: str, data: bytes) -> None:
        self._turn()
        super().put(key, data)

    def get(self, key: str) -> bytes:
        self._turn()
        return super().get(key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        self._turn()
        return iter(tuple(super().list(prefix)))

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._turn()
            super().delete([key])
