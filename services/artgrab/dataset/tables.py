"""Tables that go with a snapshot: what was left out, and whom to name."""

import csv
import io
from collections.abc import Iterable

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.manifest import ManifestRow
from artgrab.common.store import Store
from artgrab.dataset.pictures import Dropped


class DroppedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that is not in the snapshot."""

    url: str
    reason: str
    category: str
    object_key: str
    object_sha256: str
    original_url: str
    """Of the one kept in its place; empty where there is none."""


_DROPPED = pa.schema({name: pa.string() for name in DroppedRow.__struct_fields__})
_CREDITS = ("url", "page_url", "title", "creator", "licence_code", "licence_url", "category")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def encode_dropped(dropped: Iterable[Dropped]) -> bytes:
    """Return the pictures that are not in the snapshot, with the reason, as Parquet."""
    rows = [
        {
            "url": one.picture.candidate.url,
            "reason": one.reason,
            "category": one.picture.category,
            "object_key": one.picture.record.object_key,
            "object_sha256": one.picture.record.object_sha256,
            "original_url": one.original.candidate.url if one.original else "",
        }
        for one in dropped
    ]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, _DROPPED), sink)
    return sink.getvalue()


def read_dropped(store: Store, prefix: str) -> list[DroppedRow]:
    """Return the pictures that are not in the snapshot at a prefix.

    Raises:
        ObjectMissingError: the table is not there.
        ObjectCorruptError: it cannot be read.
    """
    key = f"{prefix}/dropped.parquet"
    try:
        table = pq.read_table(io.BytesIO(store.get(key)))
        return msgspec.convert(table.to_pylist(), list[DroppedRow])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ObjectCorruptError(f"{store.uri_of(key)}: {error}") from error


def encode_credits(rows: Iterable[ManifestRow]) -> bytes:
    """Return who made what under which licence, as CSV that is safe to open in a spreadsheet."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow(_CREDITS)
    writer.writerows([_harmless(getattr(row, name)) for name in _CREDITS] for row in rows)
    return sink.getvalue().encode()


def _harmless(text: str) -> str:
    """Titles are strangers' text: a spreadsheet must not take one for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
