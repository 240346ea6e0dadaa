"""Processes of ours that die: started again on the same endpoint, not for ever, and told."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.cli import children, supervision
from artgrab.cli.children import ChildDiedError
from artgrab.cli.supervision import Restarts, Server, answer_of, running
from artgrab.common.errors import ArtgrabError, BadInputError, PartlyDoneError, SurroundingsError
from tests.support.told import Told
from tests.support.waiting import eventually

MORTAL = "tests.support.mortal"


def dying(folder: Path, *deaths: str) -> tuple[str, str]:
    """Return the arguments of a process that dies in these ways, one after the other."""
    file = folder / "deaths"
    file.write_text("\n".join(deaths))
    return "--deaths", str(file)


async def ask(server: Server) -> bytes:
    host, _, port = server.endpoint.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_a_server_that_is_killed_is_there_again_at_the_same_endpoint(tmp_path: Path) -> None:
    told = Told()
    async with running(MORTAL, *dying(tmp_path, "9"), progress=told) as server:
        assert await ask(server) == b"ready"
        await eventually(lambda: server.deaths == 1)
        await server.ready()
        assert await ask(server) == b"ready"
    assert told.warnings == [f"{MORTAL} was killed by SIGKILL; it is started again"]


async def test_a_server_that_dies_before_it_is_ready_is_started_again(tmp_path: Path) -> None:
    told = Told()
    arguments = (*dying(tmp_path, "9", "15"), "--die-early")
    async with running(MORTAL, *arguments, progress=told) as server:
        assert await ask(server) == b"ready"
        assert server.deaths == 2


async def use(*arguments: str, restarts: Restarts, asking: bool) -> None:
    async with running(MORTAL, *arguments, progress=Told(), restarts=restarts) as server:
        if asking:
            await ask(server)
        await asyncio.Event().wait()


async def test_a_server_that_dies_too_often_at_its_start_is_given_up(tmp_path: Path) -> None:
    arguments = (*dying(tmp_path, "9", "9"), "--die-early")
    with pytest.raises(ChildDiedError, match=r"SIGKILL; that was 2 times within 5 minutes"):
        await use(*arguments, restarts=Restarts(most=1), asking=False)
    assert ChildDiedError.exit_code == 4


async def test_who_waits_for_a_server_that_dies_too_often_is_freed(tmp_path: Path) -> None:
    with pytest.raises(ChildDiedError, match="SIGKILL"):
        await use(*dying(tmp_path, "9"), restarts=Restarts(most=0), asking=True)


@pytest.mark.parametrize(("code", "kind"), [(2, BadInputError), (1, ArtgrabError)])
async def test_a_server_that_says_why_it_cannot_start_is_believed(
    tmp_path: Path, code: int, kind: type[ArtgrabError]
) -> None:
    arguments = (*dying(tmp_path, f"exit {code} artgrab: no such store"), "--die-early")
    with pytest.raises(kind) as caught:
        async with running(MORTAL, *arguments, progress=Told()):
            pytest.fail("it never becomes ready")
    assert str(caught.value) == "no such store"
    assert caught.value.exit_code == code


async def test_an_error_of_those_who_use_a_server_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(PartlyDoneError, match="half of it"):
        async with running(MORTAL, *dying(tmp_path), progress=Told()):
            raise PartlyDoneError("half of it")


async def test_a_server_that_takes_too_long_is_called_by_the_name_that_people_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(children._NAMES, MORTAL, "the late one")
    monkeypatch.setattr(supervision, "_READY_SECONDS", 0.0)
    with pytest.raises(SurroundingsError, match=r"^the late one was not ready in 0 s$"):
        async with running(MORTAL, *dying(tmp_path), progress=Told()):
            pytest.fail("it cannot be ready yet")


async def test_a_server_is_gone_when_its_user_is_cancelled(tmp_path: Path) -> None:
    async def use() -> None:
        async with running(MORTAL, *dying(tmp_path), progress=Told()) as server:
            endpoints.append(server)
            await asyncio.Event().wait()

    endpoints: list[Server] = []
    task = asyncio.create_task(use())
    await eventually(lambda: endpoints)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ConnectionRefusedError):
        await ask(endpoints[0])


async def test_a_stage_that_is_killed_is_done_again_until_it_answers(tmp_path: Path) -> None:
    told = Told()
    arguments = (*dying(tmp_path, "9", "11"), "--die-early")
    answer = await answer_of(MORTAL, *arguments, progress=told)
    assert answer["endpoint"] == "127.0.0.1:0"
    assert [text.split(";")[0] for text in told.warnings] == [
        f"{MORTAL} was killed by SIGKILL",
        f"{MORTAL} was killed by SIGSEGV",
    ]


async def test_a_stage_that_is_killed_too_often_is_given_up(tmp_path: Path) -> None:
    arguments = (*dying(tmp_path, "9", "9", "9"), "--die-early")
    with pytest.raises(ChildDiedError, match="3 times"):
        await answer_of(MORTAL, *arguments, progress=Told(), restarts=Restarts(most=2))


@given(
    st.integers(0, 4),
    st.floats(1, 100),
    st.lists(st.floats(0, 50), max_size=30),
)
def test_never_more_restarts_are_granted_within_a_window_than_allowed(
    most: int, window: float, pauses: list[float]
) -> None:
    now = 0.0
    restarts = Restarts(most=most, window_seconds=window, clock=lambda: now)
    granted: list[float] = []
    for pause in pauses:
        now += pause
        within = [then for then in granted if then > now - window]
        assert restarts.grant() == (len(within) < most)
        if len(within) < most:
            granted.append(now)


def test_what_is_set_for_servers_that_others_reach_is_not_for_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for_others = [
        *("ARTGRAB_DOWNLOADER_TLS_CERTIFICATE_FILE", "ARTGRAB_DOWNLOADER_TLS_CLIENT_CA_FILE"),
        *("ARTGRAB_DOWNLOADER_TOKEN_KEY_FILE", "ARTGRAB_DOWNLOADER_HEALTH_LISTEN"),
        *("ARTGRAB_SERVING_TLS_KEY_FILE", "ARTGRAB_SERVING_TOKENS_FILE"),
    ]
    for name in (*for_others, "ARTGRAB_DOWNLOADER_CREDITS"):
        monkeypatch.setenv(name, "7")
    told = children._environment()
    assert not told.keys() & set(for_others)
    assert told["ARTGRAB_DOWNLOADER_CREDITS"] == "7"
