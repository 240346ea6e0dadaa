"""Tombstones put and removed."""

import re

import msgspec

from artgrab.common.errors import BadInputError
from artgrab.common.record_parts import read_records
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedown, Takedowns, takedown_key
from artgrab.takedowns.places import Category, categories

_ID = re.compile(r"[0-9a-f]{4,16}")


def put_tombstone(store: Store, takedown: Takedown) -> bool:
    """Keep a takedown; tell whether it is new. The first one's reason and time stay."""
    return store.put_if_absent(takedown_key(takedown.id), msgspec.json.encode(takedown))


def find_tombstone(takedowns: Takedowns, wanted: str) -> Takedown:
    """Return the takedown of an id, of its first digits, or of its target.

    Raises:
        BadInputError: there is none, or more than one.
    """
    found = [one for one in takedowns if one.target == wanted]
    if not found and _ID.fullmatch(wanted):
        found = [one for one in takedowns if one.id.startswith(wanted)]
    if len(found) != 1:
        many = f"{len(found)} takedowns" if found else "no takedown"
        raise BadInputError(
            f"{many} with id {wanted[:40]!r}; artgrab takedown list shows those there are"
        )
    return found[0]


def touched_by(store: Store, takedown: Takedown) -> dict[Category, int]:
    """Return how many pictures of each category a takedown withdrew or refused."""
    found: dict[Category, int] = {}
    for category in categories(store):
        merged = read_records(store, namespace=category.namespace, category=category.name)
        count = sum(one.record.takedown == takedown.id for one in merged.values())
        if count:
            found[category] = count
    return found


def remove_tombstone(store: Store, takedown: Takedown) -> dict[Category, int]:
    """Remove a takedown, so that the next run of each category it touched fetches again.

    Call it with the store for oneself. Killed anywhere and repeated, it ends the same: the runs of
    those categories count as not ended before the tombstone goes.

    Returns:
        How many pictures of each category may come back.
    """
    touched = touched_by(store, takedown)
    for category in touched:
        store.delete([info.key for info in store.list(f"{category.prefix}/runs")])
    store.delete([takedown_key(takedown.id)])
    return touched
