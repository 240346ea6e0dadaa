"""The one place that starts, finds and ends the processes of the local cluster.

A process is ours if its environment names our state folder. The kernel keeps that for each process,
and children inherit it (a containerd's shims do), so nothing is lost where a start, or this program
itself, is killed half-way, and there are no pid files to go stale. psutil compares pid and start
time before each signal, so a pid that was given to another process meanwhile is safe.
"""

import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from artgrab.common.errors import SurroundingsError
from tests.cluster.commands import wait_until

OWNER = "ARTGRAB_CLUSTER_STATE"
COMPONENT = "ARTGRAB_CLUSTER_COMPONENT"
LOG_LINES = 25
KILL_SECONDS = 30
EXEC_SECONDS = 3
"""A program that is just being started has no environment to be known by for a moment."""
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INHERITED = ("GOMAXPROCS", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSL_CERT_FILE", "TZ")


@dataclass(frozen=True)
class Component:
    """A program of the cluster; `health` is a URL, or `unix:PATH`, that answers when ready."""

    name: str
    argv: tuple[str, ...]
    health: str


class Processes:
    """The processes that belong to one state folder."""

    def __init__(self, state: Path) -> None:
        self._state = state

    def start(self, component: Component) -> None:
        """Start it unless it runs; its output is appended to `logs/NAME.log`."""
        if self.find(component.name):
            return
        log = self._log(component.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            # It outlives this program and is nobody's child: `down` ends it.
            subprocess.run(
                ("setsid", "--fork", *component.argv),
                check=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=self._environment(component.name),
            )

    def _environment(self, name: str) -> dict[str, str]:
        kept = {key: os.environ[key] for key in INHERITED if key in os.environ}
        return kept | {"PATH": SEARCH_PATH, OWNER: str(self._state), COMPONENT: name}

    def _log(self, name: str) -> Path:
        return self._state / "logs" / f"{name}.log"

    def find(self, name: str) -> psutil.Process | None:
        """Return the process of a component, without the children that inherited its name."""
        named = [process for process in self.all() if _component_of(process) == name]
        pids = {process.pid for process in named}
        return next(
            (one for one in named if _parent_of(one) not in pids and not _is_shim(one)), None
        )

    def all(self) -> list[psutil.Process]:
        """Return every process that is ours, also of components and shims nobody remembers."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        return _environment_of(process).get(OWNER) == str(self._state)

    def wait_ready(self, component: Component, *, seconds: float = 180) -> None:
        """Return when it answers; raises SurroundingsError with its last lines if it does not."""
        name, last_seen = component.name, time.monotonic()

        def ready_or_dead() -> bool:
            nonlocal last_seen
            if self.find(name):
                last_seen = time.monotonic()
            return answers(component.health) or time.monotonic() - last_seen > EXEC_SECONDS

        try:
            wait_until(ready_or_dead, f"{name} answers on {component.health}", seconds=seconds)
        except SurroundingsError as error:
            raise SurroundingsError(f"{error}\n{self.last_lines(name)}") from None
        if not self.find(name):
            raise SurroundingsError(f"{name} ended at its start\n{self.last_lines(name)}")

    def last_lines(self, name: str) -> str:
        """Return the end of a component's log."""
        log = self._log(name)
        lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
        return "\n".join(f"  {name}: {line[:400]}" for line in lines[-LOG_LINES:])

    def stop_all(self) -> None:
        """End whatever is ours, again until nothing is: one may start another meanwhile."""

        def none_left() -> bool:
            left = self.all()
            end(left, grace_seconds=2)
            return not left

        wait_until(none_left, "the processes of the cluster have ended", seconds=60)


def end(processes: Iterable[psutil.Process], *, grace_seconds: float = 10) -> None:
    """Ask processes to end, kill those that do not within the grace, and see them gone.

    Until then a killed one still has its ports and files.
    """
    asked = list(processes)
    _signal(asked, signal.SIGTERM)
    _, alive = psutil.wait_procs(asked, timeout=grace_seconds)
    _signal(alive, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=KILL_SECONDS)


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue


def processes_of_cgroups(folders: Iterable[Path]) -> Iterator[psutil.Process]:
    """Yield the processes in cgroups and all below them, without those that end meanwhile."""
    for folder in folders:
        # os.walk passes over folders that vanish, Path.rglob raises.
        for cgroup, _, _ in os.walk(folder):
            yield from _processes_of(Path(cgroup))


def _processes_of(cgroup: Path) -> list[psutil.Process]:
    found = []
    with suppress(OSError):
        for pid in (cgroup / "cgroup.procs").read_text().split():
            with suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(int(pid)))
    return found


def answers(health: str) -> bool:
    """Return whether there is a good answer on a URL, or a listener on `unix:PATH`."""
    if health.startswith("unix:"):
        return _listens(health.removeprefix("unix:"))
    try:
        # Health tells no secret and takes none: whose certificate it is does not matter.
        with urllib.request.urlopen(
            health, timeout=5, context=ssl._create_unverified_context()
        ) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            client.connect(path)
        except OSError:
            return False
    return True


def _environment_of(process: psutil.Process) -> dict[str, str]:
    try:
        found: dict[str, str] = process.environ()
    except (psutil.Error, OSError):
        return {}
    return found


def _component_of(process: psutil.Process) -> str:
    return _environment_of(process).get(COMPONENT, "")


def _parent_of(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.Error:
        return 0


def _is_shim(process: psutil.Process) -> bool:
    """A shim outlives its containerd, whose environment it has."""
    try:
        return "shim" in process.name()
    except psutil.Error:
        return False
