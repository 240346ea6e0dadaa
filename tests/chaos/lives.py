"""One life of a store: a job that is killed again and again, ends undisturbed, and is looked at."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from artgrab.common.errors import ArtgrabError
from artgrab.common.store import Store
from tests.chaos.inventories import Difference, Inventory, compare, lock_of, take
from tests.chaos.jobs import PATIENCE_SECONDS, Run, Setting, listeners, marked, running
from tests.chaos.plans import Phase, Point, Victim

_POLL_SECONDS = 0.05
_GONE_SECONDS = 15.0
"""For the processes of a killed job: they end at once, but the machine may be busy."""


@dataclass(frozen=True)
class Undisturbed:
    """A job that nobody kills: what the others are compared with."""

    inventory: Inventory
    answer: Mapping[str, Any]
    seconds: Mapping[Phase, float]
    """How long each phase took."""
    pictures: int
    temporary: frozenset[str]
    """Files it leaves as well: torch keeps an empty folder for a cache of its own."""


@dataclass
class Toll:
    """What was done to jobs and what came of it."""

    kills: Counter[Victim] = field(default_factory=Counter)
    phases: Counter[Phase] = field(default_factory=Counter)
    runs: int = 0
    lost: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """Digests and answers that are not those of the undisturbed job."""

    @property
    def problems(self) -> list[str]:
        """Return all that is not as it should be; none is what is wanted."""
        return [
            *(f"lost: {one}" for one in self.lost),
            *(f"twice: {one}" for one in self.duplicates),
            *(f"left: {one}" for one in self.leftovers),
            *(f"another: {one}" for one in self.others),
        ]

    def add(self, difference: Difference) -> None:
        self.lost += difference.lost
        self.duplicates += difference.duplicates
        self.leftovers += difference.leftovers


def undisturbed(setting: Setting) -> Undisturbed:
    """Do the job once, and measure it."""
    seconds = dict.fromkeys(Phase, 0.0)
    with running(setting, setting.scratch) as run:
        before = time.monotonic()
        while (phase := run.look()) is not None:
            now = time.monotonic()
            seconds[phase] += now - before
            before = now
            time.sleep(_POLL_SECONDS)  # another process's doings: there is nothing to wait on
        answer = run.result()
    store = open_store(setting)
    return Undisturbed(take(store), answer, seconds, _pictures(store), _temporary(setting))


class Life:
    """A store on its way through kills."""

    def __init__(
        self,
        setting: Setting,
        expected: Undisturbed,
        toll: Toll,
        *,
        randomness: random.Random,
        told: Callable[[Point], None],
    ) -> None:
        self._setting = setting
        self._expected = expected
        self._toll = toll
        self._randomness = randomness
        self._told = told
        self._ports: set[int] = set()
        self._family: set[psutil.Process] = set()

    def live(self, points: Sequence[Point]) -> None:
        """Kill at these points, let the job end, and look at what there is."""
        waiting = list(points)
        while True:
            with running(self._setting, self._setting.scratch) as run:
                self._toll.runs += 1
                ended = self._disturb(run, waiting)
                self._ports |= run.ports
                self._family |= run.family
                if ended:
                    self._check_answer(run.result())
                    break
                self._check_survivors(run)
        self._check()

    def _disturb(self, run: Run, waiting: list[Point]) -> bool:
        """Kill what is below a run, point after point; tell whether it ended by itself."""
        while waiting:
            point = waiting.pop(0)
            self._wait(run, point)
            if (hit := self._kill(run, point)) is None:
                return True
            self._toll.kills[hit.victim] += 1
            self._toll.phases[hit.phase] += 1
            self._told(hit)
            if hit.victim is Victim.TREE:
                return False
        run.result()
        return True

    def _wait(self, run: Run, point: Point) -> None:
        """Return when a point is reached or passed, or the job has ended."""
        while (phase := run.look()) is not None and phase < point.phase:
            time.sleep(_POLL_SECONDS)  # as above
        if phase is not point.phase:
            return
        reached = self._by_pictures(point) if _by_count(point) else self._by_clock(point)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while run.look() is phase and not reached():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{point} was never reached")
            time.sleep(_POLL_SECONDS)  # as above

    def _by_clock(self, point: Point) -> Callable[[], bool]:
        """Return whether the fraction of the time that the rest of a phase takes has gone by."""
        left = 1 - self._stored() / self._expected.pictures if point.phase is Phase.COLLECT else 1
        then = time.monotonic() + self._expected.seconds[point.phase] * point.fraction * left
        return lambda: time.monotonic() >= then

    def _by_pictures(self, point: Point) -> Callable[[], bool]:
        before = self._stored()
        wanted = before + (self._expected.pictures - before) * point.fraction
        return lambda: self._stored() >= wanted

    def _stored(self) -> int:
        return _pictures(open_store(self._setting))

    def _kill(self, run: Run, point: Point) -> Point | None:
        """Kill and return what was hit, and where; None where the job has ended before."""
        victim = point.victim
        while (phase := run.look()) is not None:
            if phase is not point.phase:
                victim = Victim.TREE  # the single process it was meant for is gone for good
            process = run.find(victim, self._randomness)
            if process is not None and self._strike(run, victim, process):
                return Point(phase, point.fraction, victim)
            time.sleep(_POLL_SECONDS)  # until there is such a process
        return None

    def _strike(self, run: Run, victim: Victim, process: psutil.Process) -> bool:
        if victim is Victim.TREE:
            run.kill()
            return run.process.returncode < 0
        with suppress(psutil.NoSuchProcess):
            process.kill()
            return True
        return False

    def _check_survivors(self, run: Run) -> None:
        for process in run.survivors(seconds=_GONE_SECONDS):
            self._toll.leftovers.append(f"process {process.pid}: {_describe(process)}")
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _check_answer(self, answer: Mapping[str, Any]) -> None:
        expected = self._expected.answer
        for part in ("dataset", "model"):
            if answer[part]["content_sha256"] != expected[part]["content_sha256"]:
                self._toll.others.append(f"{part}: {answer[part]} and not {expected[part]}")
        for part in ("categories", "problems"):
            if answer[part] != expected[part]:
                self._toll.others.append(f"{part}: {answer[part]} and not {expected[part]}")

    def _check(self) -> None:
        left = [f"process {one.pid}: {_describe(one)}" for one in marked(self._setting)]
        left += [f"file {n}" for n in _temporary(self._setting) - self._expected.temporary]
        for process in self._family:
            left += [f"file {path}" for path in Path("/tmp").glob(f"artgrab-*-{process.pid}-*")]
        left += [f"port {port}" for port in self._still_listening()]
        self._toll.leftovers += left
        store = open_store(self._setting)
        self._toll.add(compare(take(store), self._expected.inventory))
        try:
            self._toll.leftovers += lock_of(store)
        except ArtgrabError as error:
            self._toll.leftovers.append(f"the lock: {error}")

    def _still_listening(self) -> list[int]:
        """Return the ports of the job that are still open; another's may have the number now."""
        ours = {
            None,
            *(one.pid for one in self._family),
            *(one.pid for one in marked(self._setting)),
        }
        return [port for pid, port in listeners() if pid in ours and port in self._ports]


def _by_count(point: Point) -> bool:
    """Tell whether pictures say when a point is reached.

    They tell how far collecting is, but before the first of them it goes on as well: a third of
    its points is by the clock.
    """
    return point.phase is Phase.COLLECT and point.fraction > 1 / 3


def open_store(setting: Setting) -> Store:
    """Open a store of a setting; those in a bucket need its environment in this process."""
    return Store.open(setting.store)


def _temporary(setting: Setting) -> frozenset[str]:
    folder = setting.scratch / "tmp"
    return frozenset(str(path.relative_to(folder)) for path in folder.rglob("*"))


def _pictures(store: Store) -> int:
    return sum("/images/" in info.key for info in store.list("default/categories"))


def _describe(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())[:200]
    return "gone meanwhile"


def bury(setting: Setting) -> None:
    """Remove what a life leaves on purpose."""
    shutil.rmtree(setting.scratch, ignore_errors=True)
