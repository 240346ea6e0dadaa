"""The pictures of a snapshot that may be learned from now: less all that is taken down."""

from collections.abc import Callable, Mapping

from artgrab.common.likeness import Look
from artgrab.common.manifest import ManifestRow, read_manifest
from artgrab.common.record_parts import read_records
from artgrab.common.records import MergedRecord
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedowns, read_takedowns
from artgrab.common.urls import candidate_id


def lasting_rows(store: Store, *, namespace: str, snapshot_prefix: str) -> list[ManifestRow]:
    """Return the rows of a snapshot that no takedown matches, whether it was applied or not.

    Applied, they are the same: so is what is learned from them, and its key.

    Raises:
        ObjectMissingError, ObjectCorruptError, BadInputError: as read_manifest, read_records and
            read_takedowns.
    """
    rows = read_manifest(store, snapshot_prefix)
    takedowns = read_takedowns(store)
    if not takedowns:
        return rows
    categories = {row.category for row in rows}
    records = {one: read_records(store, namespace=namespace, category=one) for one in categories}
    is_down = _matcher(takedowns, records)
    return [row for row in rows if not is_down(row)]


def _matcher(
    takedowns: Takedowns, records: Mapping[str, Mapping[str, MergedRecord]]
) -> Callable[[ManifestRow], bool]:
    """Return what decides by a picture's record, and where that is gone by the row itself."""

    def is_down(row: ManifestRow) -> bool:
        merged = records[row.category].get(candidate_id(row.url).hex())
        if merged is not None:
            return merged.record.takedown in takedowns or takedowns.of_record(merged) is not None
        look = Look(row.perceptual_hash, row.width, row.height)
        return any(
            (
                takedowns.of_urls(row.url, row.page_url),
                takedowns.of_digests(row.source_sha256, row.object_sha256),
                takedowns.of_look(look),
            )
        )

    return is_down
