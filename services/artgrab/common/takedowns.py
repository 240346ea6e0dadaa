"""Takedowns: the tombstones of a store, and what they match.

A tombstone lies at the root of the store, so it holds over all namespaces and outlives every run.
"""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import lru_cache

import msgspec
from yarl import URL

from artgrab.common.digests import short_digest
from artgrab.common.errors import BadInputError, ObjectCorruptError, ObjectMissingError
from artgrab.common.keys import SCHEMA_VERSION
from artgrab.common.likeness import Look, look_alike
from artgrab.common.records import MergedRecord
from artgrab.common.store import Store
from artgrab.common.stored import decode_document
from artgrab.common.urls import normalise_url

PREFIX = "takedowns"
_KEY = re.compile(rf"{PREFIX}/([0-9a-f]{{16}})\.json")
_MAX_CACHED = 65536
_PLAIN_URL = re.compile(r"https?://([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)(?::[0-9]+)?(?=[/?#]|\Z)")
"""A URL whose host can be read without decoding anything; it takes a hundredth of the time."""


class TakedownKind(StrEnum):
    """What a takedown is about."""

    URL = "url"
    """An address: of the picture itself, of where it redirects to, or of the page it is on."""
    HOST = "host"
    """A host and all its subdomains."""
    SHA256 = "sha256"
    """A file, by the digest of its bytes as fetched or as stored."""
    PICTURE = "picture"
    """A file by its digest, and whatever looks like it."""


class Takedown(msgspec.Struct, frozen=True, kw_only=True):
    """One tombstone."""

    id: str
    """Short digest of kind and target: the same takedown twice is one."""
    kind: TakedownKind
    target: str
    """Normalised URL, host as in DNS, or SHA-256."""
    reason: str = ""
    """What people noted; nothing hangs on it."""
    created_at: str = ""
    """ISO 8601, UTC."""
    perceptual_hash: str = ""
    width: int = 0
    height: int = 0
    """Hash and pixels of a picture's file, as of a record's source."""
    schema_version: int = SCHEMA_VERSION

    @property
    def look(self) -> Look:
        return Look(self.perceptual_hash, self.width, self.height)


def takedown_of(kind: TakedownKind, target: str, **more: object) -> Takedown:
    """Return the takedown of a normalised target; `more` are its further fields."""
    named = {"id": short_digest([kind, target]), "kind": kind, "target": target}
    return msgspec.convert({**named, **more}, Takedown)


class Takedowns:
    """All takedowns of a store, ready to be asked. The one with the least id answers."""

    def __init__(self, takedowns: Iterable[Takedown] = ()) -> None:
        self._by_id = {one.id: one for one in sorted(takedowns, key=lambda one: one.id)}
        self._addresses: dict[str, Takedown] = {}
        self._hosts: dict[str, Takedown] = {}
        self._concerned: set[str] = set()
        """Hosts that any of them is about: of other URLs nothing more needs to be known."""
        self._digests: dict[str, list[Takedown]] = {}
        self._pictures: list[Takedown] = []
        for one in self._by_id.values():
            match one.kind:
                case TakedownKind.URL:
                    self._addresses[address_of(one.target)] = one
                    self._concerned.add(_address_and_host(one.target)[1])
                case TakedownKind.HOST:
                    self._hosts[one.target] = one
                    self._concerned.add(one.target)
                case _:
                    self._digests.setdefault(one.target, []).append(one)
            if one.kind is TakedownKind.PICTURE:
                self._pictures.append(one)

    def __bool__(self) -> bool:
        return bool(self._by_id)

    def __iter__(self) -> Iterator[Takedown]:
        return iter(self._by_id.values())

    def __contains__(self, takedown_id: str) -> bool:
        return takedown_id in self._by_id

    def of_urls(self, *urls: str) -> Takedown | None:
        """Return a takedown of one of these addresses or of its host."""
        return next(self._of_urls(urls), None)

    def of_digests(self, *digests: str) -> Takedown | None:
        """Return a takedown of bytes with one of these SHA-256."""
        return next(self._of_digests(digests), None)

    def of_look(self, look: Look) -> Takedown | None:
        """Return a takedown of a picture that looks like this one."""
        return next(self._of_look(look), None)

    def of_record(self, merged: MergedRecord) -> Takedown | None:
        """Return the takedown of a record, the one it names already where that still holds."""
        found = self.all_of_record(merged)
        return next((one for one in found if one.id == merged.record.takedown), None) or next(
            iter(found), None
        )

    def all_of_record(self, merged: MergedRecord) -> list[Takedown]:
        """Return every takedown that matches a record: any way it was found, bytes and look."""
        if not self:
            return []
        record = merged.record
        urls = {record.final_url}
        urls.update(*((one.url, one.page_url) for one in merged.sightings))
        found = {
            *self._of_urls(urls),
            *self._of_digests((record.source_sha256, record.object_sha256)),
            *self._of_look(record.look),
        }
        return sorted(found, key=lambda one: one.id)

    def _of_urls(self, urls: Iterable[str]) -> Iterator[Takedown]:
        if not (self._addresses or self._hosts):
            return
        for url in urls:
            plain = _PLAIN_URL.match(url)
            if plain and self._concerned.isdisjoint(_domains(plain[1].lower())):
                continue
            address, host = _address_and_host(url)
            if address in self._addresses:
                yield self._addresses[address]
            if self._hosts:
                yield from (self._hosts[name] for name in _domains(host) if name in self._hosts)

    def _of_digests(self, digests: Iterable[str]) -> Iterator[Takedown]:
        for digest in digests:
            yield from self._digests.get(digest, ())

    def _of_look(self, look: Look) -> Iterator[Takedown]:
        return (one for one in self._pictures if look_alike(one.look, look))


def read_takedowns(store: Store) -> Takedowns:
    """Return all takedowns of a store.

    Raises:
        ObjectCorruptError: a tombstone cannot be read: what it forbids is not known any more.
        BadInputError: a newer artgrab wrote one.
    """
    keys = [info.key for info in store.list(PREFIX) if _KEY.fullmatch(info.key)]
    return Takedowns(one for key in keys if (one := read_takedown(store, key)))


def read_takedown(store: Store, key: str) -> Takedown | None:
    """Return the takedown at a key, None where it was removed in this moment.

    Raises:
        ObjectCorruptError, BadInputError: as read_takedowns.
    """
    where = store.uri_of(key)
    try:
        one = decode_document(store.get(key), Takedown, where=where)
    except ObjectMissingError:
        return None
    if one.id != short_digest([one.kind, one.target]) or takedown_key(one.id) != key:
        raise ObjectCorruptError(f"{where}: the target is not the one of its name")
    return one


def takedown_key(takedown_id: str) -> str:
    """Return the key of a tombstone."""
    return f"{PREFIX}/{takedown_id}.json"


def address_of(url: str) -> str:
    """Return what stands for a URL here: http and https are one address.

    Raises:
        BadInputError: not a URL, as normalise_url.
    """
    return normalise_url(url).partition("://")[2]


@lru_cache(maxsize=_MAX_CACHED)
def _address_and_host(url: str) -> tuple[str, str]:
    """Return address and host of a URL that a record holds; empty where it is none."""
    try:
        normal = normalise_url(url)
        return normal.partition("://")[2], (URL(normal).raw_host or "").rstrip(".").lower()
    except (BadInputError, ValueError):
        return "", ""


def _domains(host: str) -> Iterator[str]:
    """Yield a host and the domains above it; an address is no subdomain of anything."""
    while host:
        yield host
        host = host.partition(".")[2]
