"""Names become addresses without standing in the way of anything else."""

import asyncio
import socket
import threading
from typing import Any

import pytest

from artgrab.common.network import NetworkSettings
from artgrab.common.resolving import Names
from tests.support.waiting import WAIT_SECONDS, eventually


async def test_names_that_nobody_answers_for_hold_up_no_other_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, answered = [], threading.Event()

    def hang(host: str, *arguments: Any, **named: Any) -> Any:
        asked.append(host)
        answered.wait(WAIT_SECONDS)
        raise socket.gaierror(socket.EAI_AGAIN, "nobody answers")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    names = Names(NetworkSettings())
    hosts = [f"name-{number}.test" for number in range(60)]
    waiting = [asyncio.create_task(names.look_up(host, 80)) for host in hosts]
    await eventually(lambda: len(asked) == len(hosts))
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "done"), WAIT_SECONDS) == "done"
    answered.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(one, socket.gaierror) for one in outcomes)
    names.close()


async def test_loopback_has_its_address_and_the_port_asked_for() -> None:
    names = Names(NetworkSettings())
    found = await names.look_up("localhost", 80)
    assert {address[:2] for *_, address in found} <= {("127.0.0.1", 80), ("::1", 80)}
    assert found
    names.close()
