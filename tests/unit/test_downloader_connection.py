"""What a connection does with events that come within one turn of the event loop."""

import asyncio

import pytest

from artgrab.downloader.bodies import own_room
from artgrab.downloader.connections import Connection
from artgrab.downloader.errors import FetchError
from artgrab.downloader.responses import SCRATCH_BYTES


class Nowhere(asyncio.Transport):
    """Stands in for a socket, which cannot be told to have two events at once."""

    def write(self, data: object) -> None:
        pass

    def abort(self) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def come(connection: Connection, data: bytes) -> None:
    connection.get_buffer(-1)[: len(data)] = data
    connection.buffer_updated(len(data))


async def asked() -> tuple[Connection, asyncio.Task[None]]:
    connection = Connection(memoryview(bytearray(SCRATCH_BYTES)), own_room, silence_seconds=60)
    connection.connection_made(Nowhere())
    asking = asyncio.create_task(connection.ask(b""))
    await asyncio.sleep(0)
    return connection, asking


async def test_what_ends_a_body_behind_its_head_at_once_is_told_to_who_reads_it() -> None:
    connection, asking = await asked()
    come(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
    connection.connection_lost(ConnectionResetError())
    await asking
    with pytest.raises(FetchError, match="cut-off"):
        await connection.read(9, lambda count: None)


async def test_a_body_without_a_length_that_ends_behind_its_head_at_once_is_whole() -> None:
    connection, asking = await asked()
    come(connection, b"HTTP/1.1 200 OK\r\n\r\nabc")
    connection.connection_lost(None)
    await asking
    assert await connection.read(9, lambda count: None) == b"abc"


async def test_a_head_and_a_reset_without_anybody_who_reads_leave_nothing_behind() -> None:
    connection, asking = await asked()
    come(connection, b"HTTP/1.1 302 Found\r\nContent-Length: 9\r\n\r\n")
    connection.connection_lost(ConnectionResetError())
    await asking
    assert not connection.rest()
    connection.close()
    assert not connection.is_open
