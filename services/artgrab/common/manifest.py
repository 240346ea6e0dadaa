"""The manifest of a snapshot: what dataset writes, trainer reads and verify checks."""

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from artgrab.common.digests import digest_of
from artgrab.common.errors import ObjectCorruptError, ObjectMissingError
from artgrab.common.keys import SCHEMA_VERSION
from artgrab.common.store import Store
from artgrab.common.stored import TABLE_METADATA, decode_document, refuse_newer_table

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
    classifier: str = ""
    """Whose it is, for the card."""
    files: dict[str, str] = {}
    """SHA-256 of every other object of the snapshot, by path below its prefix."""
    withdrawn: int = 0
    """Pictures that takedowns took out of it since; always 0 in the stored document."""
    schema_version: int = SCHEMA_VERSION


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True):
    """What takedowns took out of a snapshot: an overlay, since the snapshot itself never changes.

    It lies beside the snapshot and replaces, of its documents, only what showed those pictures.
    """

    rows: dict[str, str] = {}
    """Id of the takedown by source_sha256 of the row."""
    dropped: dict[str, str] = {}
    """The same by object_sha256, of pictures that had been left out but were shown on a sheet."""
    cleaned: str = ""
    """Digest of rows and dropped, once no paper shows them any more."""
    files: dict[str, str] = {}
    """SHA-256 of the papers that were made again, by path."""
    schema_version: int = SCHEMA_VERSION

    @property
    def wanted(self) -> str:
        """What `cleaned` is to be."""
        return digest_of([self.rows, self.dropped])


_ROW_SCHEMA = pa.schema(
    {
        field.name: pa.int64() if field.type is int else pa.string()
        for field in msgspec.structs.fields(ManifestRow)
    },
    metadata=TABLE_METADATA,
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
    """Return the rows of the snapshot at a prefix, less those that takedowns took out of it.

    Raises:
        ObjectMissingError: there is no complete snapshot.
        ObjectCorruptError: the rows are not those of its digest.
        BadInputError: a newer artgrab wrote it.
    """
    gone = read_withdrawal(store, prefix).rows
    return [row for row in read_whole_manifest(store, prefix) if row.source_sha256 not in gone]


def read_whole_manifest(store: Store, prefix: str) -> list[ManifestRow]:
    """Return all rows of the snapshot at a prefix, verified against its content digest.

    Raises:
        ObjectMissingError, ObjectCorruptError, BadInputError: as read_manifest.
    """
    info = read_snapshot_info(store, prefix)
    rows = read_rows(store, prefix)
    if content_digest(rows) != info.content_sha256:
        raise ObjectCorruptError(f"{store.uri_of(prefix)}: manifest and digest do not agree")
    return rows


def read_rows(store: Store, prefix: str) -> list[ManifestRow]:
    """Return what the manifest at a prefix says, whether or not its snapshot is complete.

    Raises:
        ObjectMissingError: there is no manifest.
        ObjectCorruptError: it is not readable.
    """
    try:
        data = io.BytesIO(store.get(f"{prefix}/manifest.parquet"))
        table = pq.read_table(data, page_checksum_verification=True)
        refuse_newer_table(table.schema.metadata, where=f"{store.uri_of(prefix)}/manifest.parquet")
        return msgspec.convert(table.to_pylist(), list[ManifestRow])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ObjectCorruptError(f"{store.uri_of(prefix)}/manifest.parquet: {error}") from error


def read_snapshot_info(store: Store, prefix: str) -> SnapshotInfo:
    """Return the document of a complete snapshot.

    Raises:
        ObjectMissingError: there is no complete snapshot.
        ObjectCorruptError: the document is not readable.
        BadInputError: a newer artgrab wrote it.
    """
    return _read(store, f"{prefix}/snapshot.json", SnapshotInfo)


def shows_pictures(path: str) -> bool:
    """Tell whether a file below a snapshot's prefix shows pictures, or is a card of them."""
    return path.startswith(("sheets/", "exports/", "card."))


def withdrawal_key(prefix: str) -> str:
    """Return the key of a snapshot's overlay."""
    return f"{prefix}/withdrawn.json"


def read_withdrawal(store: Store, prefix: str) -> Withdrawal:
    """Return what takedowns took out of the snapshot at a prefix; mostly nothing.

    Raises:
        ObjectCorruptError, BadInputError: as read_snapshot_info.
    """
    try:
        return _read(store, withdrawal_key(prefix), Withdrawal)
    except ObjectMissingError:
        return Withdrawal()


def left_of(info: SnapshotInfo, rows: Sequence[ManifestRow]) -> SnapshotInfo:
    """Return what there is to say of a snapshot of which these rows are left.

    It is the snapshot's own document where nothing was taken out.
    """
    if len(rows) == info.images:
        return info
    return msgspec.structs.replace(
        info,
        content_sha256=content_digest(rows),
        images=len(rows),
        splits={split: sum(row.split == split for row in rows) for split in SPLITS},
        labels=_counts(row.label for row in rows),
        categories=_counts(row.category for row in rows),
        withdrawn=info.images - len(rows),
    )


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


_Document = TypeVar("_Document", SnapshotInfo, Withdrawal)


def _read(store: Store, key: str, kind: type[_Document]) -> _Document:
    return decode_document(store.get(key), kind, where=store.uri_of(key))
