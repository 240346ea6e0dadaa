"""Starts a process for a target, watches it, and learns of what ended it."""

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.child import HEAD_BYTES, NOW
from tests.fuzz.targets import CPU_SECONDS

ROOT = Path(__file__).parents[2]
_LOOK_SECONDS = 0.2
_MOST_WALL_SECONDS = 120.0
"""For an input that takes no time of a processor, and yet does not end; and for the imports."""


@dataclass
class Outcome:
    """What came of fuzzing one target."""

    inputs: int = 0
    findings: dict[str, str] = field(default_factory=dict)
    """Files of inputs by what they led to."""


async def fuzz(place: str, *, seed: str, seconds: float, folder: Path) -> Outcome:
    """Fuzz the target at a place for some seconds, whatever becomes of its processes."""
    folder.mkdir(parents=True, exist_ok=True)
    outcome, deadline, number = Outcome(), time.monotonic() + seconds, 0
    while (left := deadline - time.monotonic()) > 0 or not number:
        number += 1
        await _one_life(place, f"{seed}-{number}", max(left, 0.1), folder, outcome)
    return outcome


async def _one_life(place: str, seed: str, seconds: float, folder: Path, outcome: Outcome) -> None:
    (folder / NOW).unlink(missing_ok=True)
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fuzz.child", place, seed, str(seconds), str(folder)),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(folder)},  # it may be killed before it tidies up
        stdout=asyncio.subprocess.PIPE,
    )
    talking = asyncio.create_task(child.communicate())
    try:
        hung = await _watched(child.pid, folder / NOW, talking)
        if hung:
            child.kill()
        output, _ = await talking
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode == 0:
        found = json.loads(output.splitlines()[-1])
        outcome.inputs += found["inputs"]
        outcome.findings.update(found["findings"])
        return
    count, data = _under_way(folder / NOW)
    outcome.inputs += count
    what = "hangs" if hung else f"ends the process by {_death(child.returncode)}"
    if not count:
        raise RuntimeError(f"{place} does not begin: it {what}")
    kept = folder / f"{seed}.input"
    kept.write_bytes(data)
    print(f"{place}: an input {what}: {kept}", file=sys.stderr)
    outcome.findings.setdefault(what, kept.name)


async def _watched(pid: int, now: Path, talking: "asyncio.Task[tuple[bytes, bytes]]") -> bool:
    """Return when the process has ended, False, or takes too long for one input, True."""
    count, cpu, since = 0, 0.0, time.monotonic()
    while not (await asyncio.wait([talking], timeout=_LOOK_SECONDS))[0]:
        begun, used = _under_way(now)[0], _cpu_seconds(pid)
        if begun != count:
            count, cpu, since = begun, used, time.monotonic()
            continue
        hung = time.monotonic() - since > _MOST_WALL_SECONDS
        if hung or (begun and used - cpu > 2 * CPU_SECONDS):
            return True
    return False


def _under_way(now: Path) -> tuple[int, bytes]:
    try:
        found = now.read_bytes()
    except FileNotFoundError:
        return 0, b""
    count, length = (int.from_bytes(found[at : at + 8], "little") for at in (0, 8))
    return count, found[HEAD_BYTES : HEAD_BYTES + length]


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _death(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
