"""What a signal does to the work of this process; whole jobs are in the integration tests."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from artgrab.cli.interrupts import Interrupts


@pytest.fixture
def interrupts() -> Iterator[Interrupts]:
    interrupts = Interrupts()
    with interrupts.installed(program="artgrab"):
        yield interrupts


def test_work_that_nobody_interrupts_gives_its_result(interrupts: Interrupts) -> None:
    async def work() -> str:
        return "done"

    assert interrupts.run(work()) == "done"


def test_an_error_of_the_work_stays_what_it_is(interrupts: Interrupts) -> None:
    async def work() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        interrupts.run(work())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_work_which_ends_in_order(
    interrupts: Interrupts, number: signal.Signals
) -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            signal.raise_signal(number)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append("in order")

    with pytest.raises(KeyboardInterrupt):
        interrupts.run(work())
    assert ended == ["in order"]


def test_an_error_while_interrupted_work_ends_hides_no_interruption(
    interrupts: Interrupts,
) -> None:
    async def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            raise LookupError

    with pytest.raises(KeyboardInterrupt):
        interrupts.run(work())


def test_work_without_a_loop_is_interrupted_where_it_is(interrupts: Interrupts) -> None:
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_whoever_handled_signals_before_does_so_again() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Interrupts().installed(program="artgrab"):
        assert signal.getsignal(signal.SIGTERM) not in before
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as nohup and shells do
    try:
        with Interrupts().installed(program="artgrab"):
            signal.raise_signal(signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
