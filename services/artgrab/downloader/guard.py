"""Which targets may be connected to: global addresses, and what the settings add.

A name is resolved once for a connection and every answer checked; the connection goes to a checked
address with the original Host and SNI, so a name that changes its mind in between gains nothing.
"""

import ipaddress
import re
import socket
from collections.abc import Sequence
from functools import lru_cache

from yarl import URL

from artgrab.common.endpoints import split_endpoint
from artgrab.common.errors import BadInputError
from artgrab.common.network import NetworkSettings
from artgrab.common.resolving import AddrInfo
from artgrab.common.urls import normalise_url
from artgrab.downloader.errors import FetchError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

WEB_PORTS = (80, 443)
_MAX_CHECKED = 1024
"""URLs that are remembered: each is looked at some times on its way."""

_SPECIAL_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
"""IANA IPv4 special-purpose registry (RFC 6890) and multicast; the same for IPv6 below."""
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(
    map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)
_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)\.?")
"""Hosts that are read as IPv4, in whatever base and number of parts (WHATWG URL, 3.5)."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_global(address: Address) -> bool:
    """Tell whether an address is a public one; tunnels are judged by the address inside."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    if address.scope_id is not None:
        return False
    inside = _embedded(address)
    if inside:
        return all(map(is_global, inside))
    return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)


def _embedded(address: ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 one leads to (mapped, NAT64, 6to4, Teredo)."""
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF),)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    return address.teredo or ()


class Guard:
    """The targets that the settings allow."""

    def __init__(self, network: NetworkSettings) -> None:
        self._allowed = [_parse_target(target) for target in network.allowed_targets]
        self._ports = {*WEB_PORTS, *(port for _, port in self._allowed)}
        self._checked = lru_cache(_MAX_CHECKED)(self._check)

    def check_url(self, url: str) -> URL:
        """Return a URL that may be asked for, its name not yet resolved.

        Raises:
            FetchError: never allowed, with the reason.
        """
        return self._checked(url)

    def _check(self, url: str) -> URL:
        try:
            parsed = URL(normalise_url(url), encoded=True)
        except (BadInputError, ValueError) as error:
            raise FetchError("bad-url") from error
        if parsed.user is not None or parsed.password is not None:
            raise FetchError("userinfo")
        if parsed.port not in self._ports:
            raise FetchError("port")
        address = _literal(parsed.raw_host or "")
        if address is None and _NUMBER.fullmatch(parsed.raw_host or ""):
            raise FetchError("bad-url")
        if address is not None and not self.allows(address, parsed.port or 0):
            raise FetchError("private-address")
        return parsed

    def allows(self, address: Address, port: int) -> bool:
        """Tell whether a connection to this address and port may be made."""
        if port in WEB_PORTS and is_global(address):
            return True
        return any(port == p and address in network for network, p in self._allowed)

    def open_socket(self, info: AddrInfo) -> socket.socket:
        """Make the socket for a connection: the last gate, whoever chose the address.

        Raises:
            PermissionError: the address is not allowed.
        """
        family, kind, protocol, _, (host, port, *_rest) = info
        if not self.allows(ipaddress.ip_address(host), port):
            raise PermissionError(f"{host} port {port} is no allowed target")
        return socket.socket(family, kind, protocol)

    def check_answers(self, answers: Sequence[AddrInfo]) -> list[AddrInfo]:
        """Return the answers to a name's look-up when every one of them is allowed.

        Raises:
            FetchError: at least one is not; a mixed answer is how rebinding begins.
        """
        for *_, (host, port, *beside) in answers:
            address = _literal(host)
            if address is None or any(beside) or not self.allows(address, port):
                raise FetchError("private-address")
        return list(answers)


@lru_cache(1024)
def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _parse_target(target: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, int]:
    network, port = split_endpoint(target)
    return ipaddress.ip_network(network), port
