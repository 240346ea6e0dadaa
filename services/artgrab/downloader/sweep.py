"""Removes what a kill left behind: pictures that no record of a stored one names."""

from datetime import UTC, datetime, timedelta

from artgrab.common.keys import images_prefix
from artgrab.common.record_parts import read_records
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store


def sweep(
    store: Store,
    *,
    namespace: str,
    category: str,
    older_than: timedelta | None = None,
    now: datetime | None = None,
) -> int:
    """Remove the picture objects of a category that no record names; return how many.

    Call it only when the category's run has ended. A downloader may still be at work for one that
    was given up: its record may come after its picture.

    Args:
        store: where they are.
        namespace: of the category.
        category: whose pictures are meant.
        older_than: younger ones stay; None where no downloader writes to the category.
        now: where not the present.

    Raises:
        SurroundingsError: the store failed, or a record cannot be read; nothing is lost.
    """
    newest = (now or datetime.now(UTC)) - older_than if older_than is not None else None
    old = [  # before the records: what is recorded meanwhile is not in it
        info.key
        for info in store.list(images_prefix(namespace, category))
        if newest is None or info.modified < newest
    ]
    if not old:
        return 0
    records = read_records(store, namespace=namespace, category=category)
    named = {
        merged.record.object_key
        for merged in records.values()
        if merged.record.outcome is RecordOutcome.STORED
    }
    stray = [key for key in old if key not in named]
    store.delete(stray)
    return len(stray)
