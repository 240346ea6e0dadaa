"""Which address owns a site, agreed upon without talking (rendezvous hashing, Thaler 1996)."""

import hashlib
from collections.abc import Sequence


def owner(site: str, addresses: Sequence[str]) -> str:
    """Return the address with the highest hash together with site.

    A change of addresses moves only the sites that it must.

    Raises:
        ValueError: there is no address.
    """
    return max(addresses, key=lambda address: (_weight(site, address), address))


def _weight(site: str, address: str) -> bytes:
    return hashlib.blake2b(f"{site}\0{address}".encode(), digest_size=8).digest()
