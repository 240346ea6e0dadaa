"""The gate: so many fetch at once, and those that hang do so beside them, as many at most."""

import asyncio

import pytest

from artgrab.downloader.rooms import Gate
from tests.support.waiting import eventually


class Crowd:
    """Goes through a gate one after the other, and stays behind it until told to go."""

    def __init__(self, gate: Gate, count: int) -> None:
        self.inside: list[int] = []
        self.goes = [asyncio.Event() for _ in range(count)]
        self.tasks = [asyncio.create_task(self._pass(gate, number)) for number in range(count)]

    async def _pass(self, gate: Gate, number: int) -> None:
        async with gate.place():
            self.inside.append(number)
            await self.goes[number].wait()
        self.inside.remove(number)

    async def end(self) -> None:
        for go in self.goes:
            go.set()
        await asyncio.gather(*self.tasks)


async def settle_down() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_those_who_are_quick_are_so_many_at_most() -> None:
    crowd = Crowd(Gate(2, patience=3600), 4)
    await settle_down()
    assert crowd.inside == [0, 1]
    crowd.goes[0].set()
    await settle_down()
    assert crowd.inside == [1, 2]
    await crowd.end()


async def test_those_who_hang_make_way_for_as_many_others() -> None:
    crowd = Crowd(Gate(2, patience=0.001), 5)
    await eventually(lambda: crowd.inside == [0, 1, 2, 3])
    await settle_down()
    assert len(crowd.inside) == 4, "two that hang, and two places"
    crowd.goes[0].set()
    crowd.goes[2].set()
    await eventually(lambda: sorted(crowd.inside) == [1, 3, 4])
    await crowd.end()


async def test_who_was_slow_while_all_were_aside_steps_aside_when_one_goes() -> None:
    crowd = Crowd(Gate(1, patience=0.001), 4)
    await eventually(lambda: crowd.inside == [0, 1])
    timed = asyncio.get_running_loop().time() + 0.05
    await eventually(lambda: asyncio.get_running_loop().time() > timed)
    crowd.goes[0].set()
    await eventually(lambda: crowd.inside == [1, 2])
    await settle_down()
    assert crowd.inside == [1, 2]
    crowd.goes[2].set()
    await eventually(lambda: crowd.inside == [1, 3])
    await crowd.end()


async def test_a_gate_is_as_before_when_all_are_through() -> None:
    gate = Gate(2, patience=0.001)
    await Crowd(gate, 9).end()
    crowd = Crowd(gate, 5)
    await eventually(lambda: len(crowd.inside) == 4)
    await crowd.end()


async def test_who_gives_up_gives_the_place_back() -> None:
    gate = Gate(1, patience=3600)
    first = Crowd(gate, 2)
    await settle_down()
    for task in first.tasks:
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first.tasks[0]
    second = Crowd(gate, 1)
    await settle_down()
    assert second.inside == [0]
    await second.end()
