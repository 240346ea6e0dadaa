"""Whom sites can write to: asked of the user before other people's servers are asked anything."""

import ipaddress
from collections.abc import Iterable

from artgrab.common.network import NetworkSettings
from artgrab.common.resources import ArtCategory

_COMMAND = "export ARTGRAB_CONTACT=https://your.site/about"


def contact_advice(network: NetworkSettings, categories: Iterable[ArtCategory]) -> str | None:
    """Return one line that asks for a contact; None where one is set, or nobody is called.

    Hosts of this machine, and those that ARTGRAB_RESOLVE gives an address, are nobody's.
    """
    if network.contact:
        return None
    hosts = dict.fromkeys(source.host for one in categories for source in one.spec.sources)
    others = [host for host in hosts if _is_another(host, network)]
    if not others:
        return None
    more = f" and {len(others) - 1} more" if len(others) > 1 else ""
    return (
        f"{others[0]}{more} will be told that artgrab calls, and not whom to write to;"
        f" say who you are, as with: {_COMMAND}"
    )


def _is_another(host: str, network: NetworkSettings) -> bool:
    if network.resolved(host) is not None or host == "localhost" or host.endswith(".localhost"):
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True
