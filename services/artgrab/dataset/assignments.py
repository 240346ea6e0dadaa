"""What a snapshot passes on to its children: which picture and origin is on which side."""

import io
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.manifest import SPLITS, read_manifest
from artgrab.common.store import Store
from artgrab.common.stored import TABLE_METADATA, refuse_newer_table
from artgrab.common.urls import candidate_id
from artgrab.dataset.curation import Before
from artgrab.dataset.splits import picture_key

_SCHEMA = pa.schema({"key": pa.string(), "split": pa.string()}, metadata=TABLE_METADATA)


def encode_sides(sides: Mapping[str, str]) -> bytes:
    """Return the sides as Parquet, ordered by key."""
    rows = [{"key": key, "split": split} for key, split in sorted(sides.items())]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, _SCHEMA), sink, write_page_checksum=True)
    return sink.getvalue()


def read_before(store: Store, prefix: str) -> Before:
    """Return what the snapshot at a prefix decided.

    Raises:
        ObjectMissingError: there is no complete snapshot.
        ObjectCorruptError: it cannot be read, or contradicts itself.
    """
    rows = read_manifest(store, prefix)
    sides = _read_sides(store, f"{prefix}/groups.parquet")
    if any(sides.get(picture_key(row.source_sha256)) != row.split for row in rows):
        raise ObjectCorruptError(f"{store.uri_of(prefix)}: manifest and groups do not agree")
    kept = frozenset((row.category, candidate_id(row.url).hex()) for row in rows)
    return Before(kept, sides)


def _read_sides(store: Store, key: str) -> dict[str, str]:
    try:
        data = io.BytesIO(store.get(key))
        refuse_newer_table(pq.read_schema(data).metadata, where=store.uri_of(key))
        table = pq.read_table(data, schema=_SCHEMA, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ObjectCorruptError(f"{store.uri_of(key)}: {error}") from error
    sides = dict(zip(table["key"].to_pylist(), table["split"].to_pylist(), strict=True))
    if not set(sides.values()) <= set(SPLITS):
        raise ObjectCorruptError(f"{store.uri_of(key)}: names a split that is none")
    return sides
