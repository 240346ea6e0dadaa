"""`artgrab run` under observation: in which phase it is, and every process it ever had."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.chaos.plans import Phase, Victim
from tests.support.jobs import wait_until

PATIENCE_SECONDS = 600.0
_PORTS_SECONDS = 1.0
"""Between two looks at ports: each costs some milliseconds for every process there is."""
_RESTART_SECONDS = 0.5
"""A downloader that is gone for longer is not being started again: collecting has ended."""
_MODULES: Mapping[Victim, str] = {
    Victim.BROWSER: "artgrab.scraper.guardian",
    Victim.DECODER: "artgrab.images.worker",
    Victim.DOWNLOADER: "artgrab.downloader",
    Victim.TRAINER: "artgrab.cli train",
    Victim.SERVER: "artgrab.serving",
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What every run of one store has in common."""

    documents: Path
    store: str
    scratch: Path
    """For all temporary files of the job: short, as browsers put sockets there."""
    environment: Mapping[str, str]

    @property
    def marker(self) -> str:
        """Stands in the environment of every process of the job, however it was started."""
        return str(self.scratch / "mark")


@dataclass
class Run:
    """One call of `artgrab run --output json`."""

    process: subprocess.Popen[bytes]
    setting: Setting
    out: Path
    err: Path
    family: set[psutil.Process] = field(default_factory=set)
    ports: set[int] = field(default_factory=set)
    _phase: Phase = Phase.COLLECT
    collecting_began: bool = False
    _downloader_seen: float = 0.0
    _next_ports: float = 0.0

    def look(self) -> Phase | None:
        """Take note of all processes and return the phase; None where the job has ended."""
        if self.process.poll() is not None:
            return None
        found = self._descendants()
        self.family.update(found)
        if time.monotonic() >= self._next_ports:
            self._next_ports = time.monotonic() + _PORTS_SECONDS
            pids = {one.pid for one in found}
            self.ports.update(port for pid, port in listeners() if pid in pids)
        self._phase = max(self._phase, self._phase_by(list(map(_line, found))))
        return self._phase

    def _phase_by(self, lines: list[str]) -> Phase:
        """Tell the phase from the command lines of what runs; some moments have no such process."""
        if _has(lines, Victim.SERVER):
            return Phase.PREDICT
        if _has(lines, Victim.TRAINER):
            return Phase.TRAIN
        now = time.monotonic()
        if _has(lines, Victim.DOWNLOADER):
            self.collecting_began = True
            self._downloader_seen = now
        ended = self.collecting_began and now - self._downloader_seen > _RESTART_SECONDS
        return Phase.DATASET if ended else Phase.COLLECT

    def _descendants(self) -> list[psutil.Process]:
        return list(_below(self.process.pid))

    def find(self, victim: Victim, randomness: random.Random) -> psutil.Process | None:
        """Return a process to kill, None where there is none at the moment."""
        if victim is Victim.TREE:
            return psutil.Process(self.process.pid)
        with suppress(psutil.NoSuchProcess):
            found = [one for one in self._descendants() if _MODULES[victim] in _line(one)]
            if victim is Victim.BROWSER:  # any process of it, the one that guards it included
                found += [below for one in found for below in one.children(recursive=True)]
            return randomness.choice(sorted(found, key=lambda one: one.pid)) if found else None
        return None

    def kill(self) -> None:
        """SIGKILL the main process and wait for it."""
        self.look()
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def survivors(self, *, seconds: float) -> list[psutil.Process]:
        """Return which processes are still there after a while; none is what is wanted."""
        deadline = time.monotonic() + seconds
        while (left := [one for one in self.family if alive(one)]) and time.monotonic() < deadline:
            time.sleep(0.02)  # processes of others: there is nothing to wait on
        return left

    def result(self) -> dict[str, Any]:
        """Wait for the end and return the document that it answers."""
        wait_until(lambda: self.look() is None, seconds=PATIENCE_SECONDS)
        code = self.process.wait()
        assert code == 0, f"exit {code}\n{self.err.read_text(errors='replace')[-4000:]}"
        document: dict[str, Any] = json.loads(self.out.read_text().splitlines()[-1])
        return document


def _below(pid: int) -> Iterator[psutil.Process]:
    """Yield all descendants; psutil would read what every process of the machine says of itself."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # a thread or process that has ended
            for child in map(int, task.read_text().split()):
                with suppress(psutil.NoSuchProcess):
                    yield psutil.Process(child)
                yield from _below(child)


def alive(process: psutil.Process) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def marked(setting: Setting) -> Iterator[psutil.Process]:
    """Yield every process on this machine that belongs to the job."""
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            if setting.marker in process.environ().get("PATH", ""):
                yield process


def listeners() -> Iterator[tuple[int | None, int]]:
    """Yield process id and port of all that listens on this machine."""
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr:
            yield one.pid, one.laddr.port


def hear_signals() -> None:
    """Undo what shells do to jobs in the background: they ignore Ctrl-C (POSIX, 2.11)."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def running(setting: Setting, folder: Path) -> Iterator[Run]:
    """Start the job; its words go to a folder. Whatever happens, it is gone afterwards."""
    command = [sys.executable, "-m", "artgrab.cli", "run", str(setting.documents)]
    command += ["--store", setting.store, "--output", "json"]
    (setting.scratch / "tmp").mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **setting.environment, "TMPDIR": str(setting.scratch / "tmp")}
    environment["PATH"] += os.pathsep + setting.marker
    out, err = folder / "out", folder / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            env=environment,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=hear_signals,
        )
    run = Run(process, setting, out, err)
    try:
        yield run
    finally:
        if process.poll() is None:
            run.kill()


def _line(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())
    return ""


def _has(lines: list[str], victim: Victim) -> bool:
    return any(_MODULES[victim] in line for line in lines)
