"""Where the downloaders are: fixed endpoints and DNS names, as the addresses they stand for."""

import asyncio
import socket
from collections.abc import Sequence

from artgrab.common.endpoints import Endpoint, endpoint_of

_EXAMPLE = "127.0.0.1:50051"


async def resolve(endpoints: Sequence[str]) -> list[str]:
    """Return all addresses behind the endpoints, each as ADDRESS:PORT, sorted.

    Names that DNS does not know just now stand for none.

    Raises:
        BadInputError: an endpoint is not HOST:PORT.
    """
    parts = [
        endpoint_of(endpoint, option="downloader endpoint", example=_EXAMPLE)
        for endpoint in endpoints
    ]
    found = await asyncio.gather(*(_addresses(host, port) for host, port in parts))
    return sorted({address for addresses in found for address in addresses})


async def _addresses(host: str, port: int) -> list[str]:
    try:
        # In a thread: loops ask in ways of their own, libuv's in four threads for all there is.
        answers = await asyncio.to_thread(
            socket.getaddrinfo, host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except (OSError, UnicodeError):  # the latter from names that no DNS can hold
        return []
    addresses = [str(answer[4][0]) for answer in answers]
    return [str(Endpoint(one, port)) for one in addresses]
