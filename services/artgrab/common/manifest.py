"""The manifest of a snapshot: what dataset writes, trainer reads and verify checks."""

import io
from collections.abc import Iterable, Sequence

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from artgrab.common.digests import digest_of
from artgrab.common.errors import ObjectCorruptError
from artgrab.common.keys import SCHEMA_VERSION, check_schema_version
from artgrab.common.store import Store

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)


class ManifestRow(msgspec.Struct, frozen=True, kw_only=True):
    """One picture of a snapshot; every field can be answered for."""

    object_key: str
    object_sha256: str
    source_sha256: str
    label: str
    category: str
    split: str
    group: str
    """Pictures of one group are always in one split."""
    perceptual_hash: str
    width: int
    height: int
    url: str
    page_url: str
    source: str
    query: str
    rank: int
    title: str
    creator: str
    licence_code: str
    licence_url: str
    licence_evidence: str
    retrieved_at: str


class SnapshotInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The document that completes a snapshot: while it is absent there is no snapshot."""

    input_key: str
    inputs_sha256: str
    """Digest of all inputs but the parent: equal ones need no new snapshot."""
    content_sha256: str
    parent: str
    """input_key of the snapshot whose assignments were kept; empty for a first one."""
    images: int
    splits: dict[str, int]
    labels: dict[str, int]
    categories: dict[str, int]
    dropped: dict[str, int]
    """Stored pictures that are not in it, by reason."""
    schema_version: int = SCHEMA_VERSION


_ROW_SCHEMA = pa.schema(
    {
        field.name: pa.int64() if field.type is int else pa.string()
        for field in msgspec.structs.fields(ManifestRow)
    }
)


def encode_manifest(rows: Iterable[ManifestRow]) -> bytes:
    """Return the rows as Parquet."""
    table = pa.Table.from_pylist([msgspec.to_builtins(row) for row in rows], _ROW_SCHEMA)
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True)
    return sink.getvalue()


def content_digest(rows: Sequence[ManifestRow]) -> str:
    """Return what came out: the sorted source, object, label and split of all rows."""
    return digest_of(sorted((r.source_sha256, r.object_sha256, r.label, r.split) for r in rows))


def read_manifest(store: Store, prefix: str) -> list[ManifestRow]:
    """Return the rows of the snapshot at a prefix, verified against its content digest.

    Raises:
        ObjectMissingError: there is no complete snapshot.
        ObjectCorruptError: the rows are not those of its digest.
    """
    info = read_snapshot_info(store, prefix)
    try:
        data = io.BytesIO(store.get(f"{prefix}/manifest.parquet"))
        table = pq.read_table(data, page_checksum_verification=True)
        rows = msgspec.convert(table.to_pylist(), list[ManifestRow])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ObjectCorruptError(f"{store.uri_of(prefix)}/manifest.parquet: {error}") from error
    if content_digest(rows) != info.content_sha256:
        raise ObjectCorruptError(f"{store.uri_of(prefix)}: manifest and digest do not agree")
    return rows


def read_snapshot_info(store: Store, prefix: str) -> SnapshotInfo:
    """Return the document of a complete snapshot.

    Raises:
        ObjectMissingError: there is no complete snapshot.
        ObjectCorruptError: the document is not readable.
        BadInputError: a newer artgrab wrote it.
    """
    where = f"{store.uri_of(prefix)}/snapshot.json"
    try:
        info = msgspec.json.decode(store.get(f"{prefix}/snapshot.json"), type=SnapshotInfo)
    except msgspec.MsgspecError as error:
        raise ObjectCorruptError(f"{where}: {error}") from error
    check_schema_version(info.schema_version, where=where)
    return info
