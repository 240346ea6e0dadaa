"""Whether there is something to apply, told without reading what was looked through before."""

import msgspec

from artgrab.common.digests import digest_of
from artgrab.common.errors import ObjectMissingError
from artgrab.common.keys import SCHEMA_VERSION
from artgrab.common.store import Store
from artgrab.common.takedowns import PREFIX, Takedowns, read_takedowns
from artgrab.common.unreadable import UNREADABLE
from artgrab.takedowns.places import namespaces

APPLIED_KEY = f"{PREFIX}/applied.json"
_LISTED = ("datasets", "features", "models")


class _Applied(msgspec.Struct, frozen=True, kw_only=True):
    """Remembers in which state of the store nothing was left to do."""

    state: str
    schema_version: int = SCHEMA_VERSION


def is_pending(store: Store) -> bool:
    """Tell whether there may be something to apply; quick where there is not.

    Raises:
        SurroundingsError: the store failed, or a tombstone cannot be read.
    """
    takedowns, applied = read_takedowns(store), _read_applied(store)
    if not takedowns and not applied:
        return False
    return applied != state_of(store, takedowns)


def note_applied(store: Store, state: str) -> None:
    """Remember that nothing is left to do in a state."""
    store.put(APPLIED_KEY, msgspec.json.encode(_Applied(state=state)))


def state_of(store: Store, takedowns: Takedowns) -> str:
    """Return the digest of all that decides whether there is something to do.

    Objects but overlays never change under their key, so their keys say it all; pictures follow
    from the records.
    """
    keys = []
    for namespace in namespaces(store):
        for name in store.folders(f"{namespace}/categories"):
            keys += [info.key for info in store.list(f"{namespace}/categories/{name}/records")]
        for kind in _LISTED:
            keys += [info.key for info in store.list(f"{namespace}/{kind}")]
    return digest_of([[one.id for one in takedowns], keys])


def _read_applied(store: Store) -> str:
    try:
        return msgspec.json.decode(store.get(APPLIED_KEY), type=_Applied).state
    except (ObjectMissingError, *UNREADABLE):
        return ""  # then it is found out again
