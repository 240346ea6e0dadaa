"""Where the downloaders are: fixed endpoints and DNS names, as the addresses they stand for."""

import asyncio
import re
import socket
from collections.abc import Sequence

from artgrab.common.errors import BadInputError

_PORT = re.compile(r"[0-9]{1,5}")


def split_endpoint(endpoint: str) -> tuple[str, int]:
    """Return host and port of HOST:PORT ([...] around IPv6 addresses).

    Raises:
        BadInputError: it has another form.
    """
    host, separator, port = endpoint.rpartition(":")
    if not separator or not host or not _PORT.fullmatch(port) or not 0 < int(port) < 65536:
        raise BadInputError(f"downloader endpoint {endpoint!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


async def resolve(endpoints: Sequence[str]) -> list[str]:
    """Return all addresses behind the endpoints, each as ADDRESS:PORT, sorted.

    Names that DNS does not know just now stand for none.

    Raises:
        BadInputError: an endpoint is not HOST:PORT.
    """
    parts = [split_endpoint(endpoint) for endpoint in endpoints]
    found = await asyncio.gather(*(_addresses(host, port) for host, port in parts))
    return sorted({address for addresses in found for address in addresses})


async def _addresses(host: str, port: int) -> list[str]:
    try:
        answers = await asyncio.get_running_loop().getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
    except (OSError, UnicodeError):  # the latter from names that no DNS can hold
        return []
    addresses = [str(answer[4][0]) for answer in answers]
    return [f"[{one}]:{port}" if ":" in one else f"{one}:{port}" for one in addresses]
