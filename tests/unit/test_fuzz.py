"""The fuzzer finds what it is there for, keeps the input, and goes on."""

import random
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
