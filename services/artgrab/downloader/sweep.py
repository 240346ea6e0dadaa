"""Removes what a kill left behind: pictures that no record of a stored one names."""

from artgrab.common.keys import images_prefix
from artgrab.common.record_parts import read_records
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store


def sweep(store: Store, *, namespace: str, category: str) -> int:
    """Remove the picture objects of a category that no record names; return how many.

    Call it only when the category's run has ended and no downloader writes to it.

    Raises:
        SurroundingsError: the store failed, or a record cannot be read; nothing is lost.
    """
    records = read_records(store, namespace=namespace, category=category)
    named = {
        merged.record.object_key
        for merged in records.values()
        if merged.record.outcome is RecordOutcome.STORED
    }
    stray = [i.key for i in store.list(images_prefix(namespace, category)) if i.key not in named]
    store.delete(stray)
    return len(stray)
