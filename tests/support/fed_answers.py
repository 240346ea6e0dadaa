"""Bytes of a site for a Response, without a site."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from artgrab.downloader.bodies import Room, own_room
from artgrab.downloader.responses import SCRATCH_BYTES, Response

PLENTY = 10**6


class Told(NamedTuple):
    """All that a response says in the end."""

    status: int
    headers: list[tuple[str, str]]
    content: bytes
    is_complete: bool
    can_be_followed: bool


def new_response(room: Room = own_room) -> Response:
    """Return one with memory of its own."""
    return Response(memoryview(bytearray(SCRATCH_BYTES)), room)


def feed(
    response: Response,
    pieces: Iterable[bytes],
    *,
    limit: int = PLENTY,
    take: Callable[[int], None] = lambda count: None,
) -> None:
    """Feed what comes piece by piece; the body is wanted as soon as there is a head."""
    for piece in pieces:
        while piece and not (response.is_enough and response.body.limit):
            buffer = response.buffer()
            count = min(len(buffer), len(piece))
            buffer[:count] = piece[:count]
            response.feed(count)
            piece = piece[count:]
            if response.status and not response.body.limit:
                response.want(limit, take)


def told(response: Response) -> Told:
    """Return what it says."""
    return Told(
        response.status,
        sorted(response.headers.items()),
        bytes(response.body.content),
        response.is_complete,
        response.can_be_followed,
    )
