"""Where the downloaders are: fixed endpoints and DNS names, as the addresses they stand for."""

import asyncio
import socket
from collections.abc import Sequence

from artgrab.common.errors import BadInputError


def split_endpoint(endpoint: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT ([...] around IPv6 addresses).

    Raises:
        BadInputError: it has another form.
    """
    host, separator, port = endpoint.rpartition(":")
    if not separator or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise BadInputError(f"downloader endpoint {endpoint!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


async def resolve(endpoints: Sequence[str]) -> list[str]:
    """Return all addresses behind the endpoints, each as ADDRESS:PORT, sorted.

    Names that DNS does not know just now stand for none.

    Raises:
        BadInputError: an endpoint is not HOST:PORT.
    """
    found: set[str] = set()
    for host, port in map(split_endpoint, endpoints):
        found.update(await _addresses(host, port))
    return sorted(found)


async def _addresses(host: str, port: int) -> list[str]:
    try:
        answers = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except OSError:
        return []
    addresses = [str(answer[4][0]) for answer in answers]
    return [f"[{one}]:{port}" if ":" in one else f"{one}:{port}" for one in addresses]
