"""HOST:PORT as people and settings write it: one reading for options, addresses and networks."""

import ipaddress
import re
from typing import NamedTuple

from artgrab.common.errors import BadInputError

_FORM = re.compile(r"(?:\[(?P<bracketed>[^\[\]\s]+)\]|(?P<plain>[^:\[\]\s@?#]+)):(?P<port>[^:\]]*)")
_PORT = re.compile(r"[0-9]{1,5}")


class Endpoint(NamedTuple):
    """A host (name, address, or network where one is asked for) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return it as it is read: IPv6 in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, without asking DNS."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def split_endpoint(text: str, *, any_port: bool = False) -> Endpoint:
    """Return host and port of HOST:PORT; brackets are around IPv6 and belong to neither.

    Args:
        text: as it is written.
        any_port: 0 is taken too; it stands for a free port.

    Raises:
        ValueError: it has another form; the message says what is the matter.
    """
    if "://" in text:
        raise ValueError(f"{_shown(text)} is a URL and not HOST:PORT; leave {_scheme(text)} out")
    parts = _FORM.fullmatch(text)
    if parts is None:
        raise ValueError(f"{_shown(text)} is not HOST:PORT{_hint(text)}")
    lowest = 0 if any_port else 1
    port = parts["port"]
    if not _PORT.fullmatch(port) or not lowest <= int(port) <= 65535:
        raise ValueError(f"{_shown(text)} is not HOST:PORT: a port is from {lowest} to 65535")
    return Endpoint(parts["bracketed"] or parts["plain"], int(port))


def endpoint_of(text: str, *, option: str, example: str, any_port: bool = False) -> Endpoint:
    """Return host and port of what a user wrote as an option.

    Raises:
        BadInputError: it has another form; names the option and shows the example.
    """
    try:
        found = split_endpoint(text, any_port=any_port)
        if "/" in found.host:
            raise ValueError(f"{_shown(text)} is not HOST:PORT: a host holds no /")
    except ValueError as error:
        raise BadInputError(f"{option}: {error}; for example {example}") from error
    return found


def _hint(text: str) -> str:
    if text.count(":") > 1 and "[" not in text:
        return ": an IPv6 address goes into brackets"
    return ": the port is missing" if text and ":" not in text else ""


def _scheme(text: str) -> str:
    return _shown(text.partition("://")[0] + "://")


def _shown(text: str) -> str:
    printable = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return repr(printable if len(printable) <= 100 else printable[:100] + "...")
