"""The pipes to a process: whole messages, and no attention to one that speaks unasked."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from artgrab.images.pipes import Pipes

LIMIT = 1024


class CountingPipes(Pipes):
    """Counts how often the event loop has something to tell."""

    told = 0

    def _read(self) -> None:
        self.told += 1
        super()._read()


@pytest.fixture
def pipes() -> Iterator[CountingPipes]:
    made = CountingPipes()
    yield made
    made.close()


def message(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


async def test_messages_come_one_after_the_other(pipes: CountingPipes) -> None:
    for content in (b"one", b"", b"three"):
        os.write(pipes.stdout, message(content))
        assert bytes(await pipes.receive(limit=LIMIT)) == content


async def test_a_message_may_come_in_any_pieces(pipes: CountingPipes) -> None:
    coming = asyncio.create_task(pipes.receive(limit=LIMIT))
    for piece in message(b"piecewise"):
        os.write(pipes.stdout, bytes([piece]))
        await asyncio.sleep(0)
    assert bytes(await coming) == b"piecewise"


async def test_who_speaks_unasked_is_heard_once_and_not_listened_to(pipes: CountingPipes) -> None:
    os.write(pipes.stdout, message(b"asked"))
    await pipes.receive(limit=LIMIT)
    heard = pipes.told
    os.write(pipes.stdout, b"unasked")
    for _ in range(100):
        await asyncio.sleep(0)
    assert pipes.told == heard + 1


async def test_what_follows_an_answer_spoils_it(pipes: CountingPipes) -> None:
    os.write(pipes.stdout, message(b"asked") + b"?")
    with pytest.raises(EOFError, match="more than one"):
        await pipes.receive(limit=LIMIT)


async def test_the_end_is_told_also_where_it_came_while_nobody_asked(pipes: CountingPipes) -> None:
    os.write(pipes.stdout, message(b"last"))
    await pipes.receive(limit=LIMIT)
    pipes.hand_over()
    for _ in range(10):
        await asyncio.sleep(0)
    with pytest.raises(EOFError):
        await pipes.receive(limit=LIMIT)


async def test_a_receiver_that_gives_up_leaves_the_next_one_a_whole_message(
    pipes: CountingPipes,
) -> None:
    impatient = asyncio.create_task(pipes.receive(limit=LIMIT))
    await asyncio.sleep(0)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    os.write(pipes.stdout, message(b"whole"))
    assert bytes(await pipes.receive(limit=LIMIT)) == b"whole"


async def test_what_cannot_be_read_is_told_to_who_asks(
    pipes: CountingPipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError("broken")

    monkeypatch.setattr("artgrab.images.pipes.os.read", fail)
    os.write(pipes.stdout, message(b"lost"))
    with pytest.raises(OSError, match="broken"):
        await pipes.receive(limit=LIMIT)
