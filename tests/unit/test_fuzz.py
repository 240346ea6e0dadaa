"""The fuzzer finds what it is there for, keeps the input, and goes on."""

import asyncio
import os
import random
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import parents
from tests.fuzz.mutations import MAX_BYTES, mutated
from tests.fuzz.parents import Outcome, fuzz
from tests.fuzz.targets import TARGETS, load

_BAD = "tests.support.bad_targets"


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parents, "CPU_SECONDS", 0.1)
    monkeypatch.setattr(parents, "_LOOK_SECONDS", 0.02)


async def fuzzed(name: str, folder: Path) -> Outcome:
    return await fuzz(f"{_BAD}:{name}", seed="1", seconds=0.1, folder=folder)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("ABORT", "ends the process by SIGABRT"),
        ("HANG", "hangs"),
        ("GREED", "MemoryError at bad_targets.py"),
        ("RAISE", "KeyError at bad_targets.py"),
    ],
)
async def test_an_input_that_must_not_do_what_it_does_is_kept(
    name: str, what: str, tmp_path: Path
) -> None:
    outcome = await fuzzed(name, tmp_path)
    (told,) = outcome.findings
    assert told.startswith(what)
    assert (tmp_path / outcome.findings[told]).read_bytes() == name.lower().encode()
    assert outcome.inputs >= 2


async def test_an_input_that_waits_for_ever_is_found_as_well(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(parents, "_MOST_WALL_SECONDS", 1.0)
    assert list((await fuzzed("SLEEP", tmp_path)).findings) == ["hangs"]


async def test_all_that_it_begins_with_is_used_however_short_the_time(tmp_path: Path) -> None:
    outcome = Outcome()
    await parents._one_life(f"{_BAD}:RAISE", "1", 0.0, tmp_path, outcome)
    assert list(outcome.findings)
    assert outcome.inputs >= 3


async def test_where_nothing_is_found_nothing_is_left(tmp_path: Path) -> None:
    fuzzing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fuzz", "--seconds", "0.1", "--target", "records"),
        cwd=parents.ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await fuzzing.wait() == 0
    assert list(tmp_path.iterdir()) == []


async def test_who_is_killed_leaves_nothing_outside_of_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    await fuzzed("ABORT", tmp_path / "findings")
    assert [one.name for one in tmp_path.iterdir()] == ["findings"]


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_kept_for_a_target_finds_nothing(name: str) -> None:
    target = load(TARGETS[name])
    for data in target.seeds():
        with suppress(*target.may_raise):
            target.run(data)


@given(st.binary(max_size=200), st.integers(), st.lists(st.binary(max_size=80), max_size=3))
def test_changes_are_bounded_and_the_same_for_the_same_seed(
    data: bytes, seed: int, others: list[bytes]
) -> None:
    once, again = (mutated(data, random.Random(seed), others) for _ in range(2))
    assert once == again
    assert len(once) <= MAX_BYTES
