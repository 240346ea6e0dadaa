"""Records in the store: immutable parts written by group commit, compacted into indexes."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from artgrab.common.digests import digest_of, sha256_hex
from artgrab.common.errors import ObjectCorruptError, ObjectMissingError, SurroundingsError
from artgrab.common.keys import check_schema_version, records_prefix
from artgrab.common.records import (
    Entry,
    MergedRecord,
    Record,
    Sighting,
    decode_entries,
    encode_entries,
    merge,
)
from artgrab.common.store import Store
from artgrab.common.stored import TABLE_METADATA, refuse_newer_lines, refuse_newer_table
from artgrab.common.unreadable import UNREADABLE

_T = TypeVar("_T")
_LISTING_ATTEMPTS = 10
_PARTS_KEY = b"artgrab.parts"
_DIGEST_KEY = b"artgrab.sha256"
_INDEX_SCHEMA = pa.schema(
    {
        "candidate_id": pa.string(),
        "outcome": pa.string(),
        "source_sha256": pa.string(),
        "entries": pa.binary(),
    }
)


class _Waiting(NamedTuple):
    """An entry that is not durable yet, and who wants to know when it is."""

    entry: Entry
    future: asyncio.Future[None]
    then: Callable[[bool], None] | None

    def end(self, error: Exception | None) -> None:
        """Tell how its writing ended: well where there is no error."""
        if self.then is not None:
            self.then(error is None)
        if self.future.done():
            return
        if error is None:
            self.future.set_result(None)
        else:
            self.future.set_exception(error)


class RecordWriter:
    """Writes entries in groups: append returns when its entry is durable.

    A part is written once `max_entries` wait, or `max_delay` seconds after the first of them.
    """

    def __init__(
        self,
        store: Store,
        *,
        namespace: str,
        category: str,
        run_id: str,
        max_entries: int = 256,
        max_delay: float = 0.2,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._prefix = f"{records_prefix(namespace, category)}/{run_id}"
        self._max_entries = max_entries
        self._max_delay = max_delay
        self._sleep = sleep
        self._waiting: list[_Waiting] = []
        self._timer: asyncio.Task[None] | None = None
        self._flushes: set[asyncio.Task[None]] = set()

    async def append(self, entry: Entry, *, then: Callable[[bool], None] | None = None) -> None:
        """Return when the entry is durable.

        Args:
            entry: to be written; that goes on when whoever waits for it is cancelled.
            then: called once when the writing has ended, told whether it went well.

        Raises:
            SurroundingsError: the store did not take it; nothing may be acknowledged.
            UnicodeEncodeError: the entry, or another of its group, holds what is no text.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(entry, future, then))
        if len(self._waiting) >= self._max_entries:
            self._start_flush()
        elif self._timer is None:
            self._timer = asyncio.create_task(self._flush_later())
        await future

    async def close(self) -> None:
        """Write what waits and wait for all writes under way; they go on when that is cancelled."""
        self._start_flush()
        if self._flushes:
            await asyncio.wait(self._flushes)

    async def _flush_later(self) -> None:
        await self._sleep(self._max_delay)
        self._timer = None
        self._start_flush()

    def _start_flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        group, self._waiting = self._waiting, []
        if group:
            task = asyncio.create_task(self._write(group))
            self._flushes.add(task)
            task.add_done_callback(self._flushes.discard)

    async def _write(self, group: list[_Waiting]) -> None:
        failure = None
        try:
            data = encode_entries(one.entry for one in group)
            await self._store.put_if_absent_async(f"{self._prefix}/{sha256_hex(data)}.jsonl", data)
        except Exception as error:
            failure = error
        for one in group:
            one.end(failure)


def read_records(store: Store, *, namespace: str, category: str) -> dict[str, MergedRecord]:
    """Return the final record of every candidate of a category, by candidate_id.

    Reads the newest index and the parts it does not cover.

    Raises:
        ObjectCorruptError: a part or index cannot be read.
        BadInputError: a newer artgrab wrote it.
    """
    return _merged(store, _read_all(store, records_prefix(namespace, category)))


def read_lines(store: Store, *, namespace: str, category: str) -> list[bytes]:
    """Return what read_records would merge, undecoded: JSON lines, for those who only count.

    Raises:
        ObjectCorruptError: a part or index cannot be read.
        BadInputError: a newer artgrab wrote it.
    """
    listed = _read_all(store, records_prefix(namespace, category))
    return [chunk for one in listed.read for chunk in one.chunks]


class Chunk(NamedTuple):
    """Some JSON lines, and which object they are of."""

    lines: bytes
    where: str


def read_folded(
    store: Store, *, namespace: str, category: str, fold: Callable[[Iterable[Chunk]], _T]
) -> _T:
    """Return what a function makes of the lines that read_records would merge.

    It gets one part after the other, for those who keep little of each; and is called again from
    the beginning where records are compacted while they are read.

    Raises:
        ObjectCorruptError: a part or index cannot be read.
        BadInputError: a newer artgrab wrote it.
    """
    prefix = records_prefix(namespace, category)

    def chunks(keys: list[str]) -> Iterator[Chunk]:
        for one in _each_read(store, keys, set()):
            for lines in one.chunks:
                yield Chunk(lines, store.uri_of(one.key))

    return _read_whole(store, prefix, lambda keys: fold(chunks(keys)))


def compact(store: Store, *, namespace: str, category: str, min_parts: int = 2) -> bool:
    """Merge all parts into a new index, then remove the parts and indexes it covers.

    Tells whether it wrote one: not for less than `min_parts` that no index covers. Safe to kill
    anywhere: parts go only when the index is durable, and what is left of them with the next one.
    """
    prefix = records_prefix(namespace, category)
    listed = _read_all(store, prefix)
    if len(set(listed.parts) - set(listed.covered)) < min_parts:
        store.delete(listed.covered)  # left by a kill
        return False
    return _write_index(store, prefix, _merged(store, listed), listed)


def rewrite(
    store: Store, *, namespace: str, category: str, change: Callable[[MergedRecord], Record]
) -> int:
    """Replace final records for good: no later merge brings the former ones back.

    Safe to kill anywhere, and to be repeated. Call it only while nobody collects into the store.

    Args:
        store: where the records are.
        namespace: of the category.
        category: whose records are meant.
        change: returns what a record is to be, the record itself where it stays.

    Returns:
        How many records were replaced.
    """
    prefix = records_prefix(namespace, category)
    for _ in range(_LISTING_ATTEMPTS):
        listed = _read_all(store, prefix)
        merged = _merged(store, listed)
        changed = {
            key: MergedRecord(record, one.sightings)
            for key, one in merged.items()
            if (record := change(one)) != one.record
        }
        if not changed:
            store.delete(listed.covered)  # left by a kill
            return 0
        if _write_index(store, prefix, {**merged, **changed}, listed):
            return len(changed)
    raise SurroundingsError(f"{store.uri_of(prefix)}: others change the records all the time")


def check_records_object(store: Store, key: str) -> None:
    """Read one part or index by itself, and notice every flipped bit of it.

    Raises:
        ObjectMissingError: it is not there.
        ObjectCorruptError: it cannot be read, or is not what its name or digest says.
        BadInputError: a newer artgrab wrote it.
    """
    _decoded(store, _read_index(store, key)[0] if _is_index(key) else _read_part(store, key))
    if not _is_index(key):
        return
    data = store.get(key)
    again = _parquet(pq.read_table(io.BytesIO(data)))
    if again != data and _writer_of(again) == _writer_of(data):
        raise ObjectCorruptError(f"{store.uri_of(key)}: the same content has other bytes")


class _Read(NamedTuple):
    """What was read of one object, undecoded."""

    key: str
    chunks: list[bytes]
    """JSON lines, one or several in each."""


class _Listed(NamedTuple):
    """What was read of a listing of records."""

    keys: list[str]
    read: list[_Read]
    covered: list[str]
    """Keys of indexes and parts that the newest index covers; a reader passes them over."""

    @property
    def parts(self) -> list[str]:
        return [key for key in self.keys if key.endswith(".jsonl")]


def _write_index(
    store: Store, prefix: str, merged: dict[str, MergedRecord], listed: _Listed
) -> bool:
    number = max(map(_index_number, filter(_is_index, listed.keys)), default=0) + 1
    data = _encode_index(merged, listed.parts)
    if not store.put_if_absent(f"{prefix}/index-{number}.parquet", data):
        return False
    store.delete(listed.keys)
    return True


def _read_all(store: Store, prefix: str) -> _Listed:
    return _read_whole(store, prefix, lambda keys: _read_listed(store, keys))


def _read_whole(store: Store, prefix: str, read: Callable[[list[str]], _T]) -> _T:
    """Return what is read of a listing, of another one where objects of it are gone."""
    for _ in range(_LISTING_ATTEMPTS):
        try:
            return read([info.key for info in store.list(prefix)])
        except ObjectMissingError:
            continue  # compacted between listing and reading
    raise ObjectCorruptError(f"{store.uri_of(prefix)}: records vanish while they are read")


def _read_listed(store: Store, keys: list[str]) -> _Listed:
    covered: set[str] = set()
    read = list(_each_read(store, keys, covered))
    return _Listed(keys, read, [key for key in keys if key in covered])


def _each_read(store: Store, keys: list[str], covered: set[str]) -> Iterator[_Read]:
    """Yield what the newest index holds, then the parts it does not cover; note the others."""
    indexes = sorted(filter(_is_index, keys), key=_index_number)
    if indexes:
        index, parts = _read_index(store, indexes[-1])
        covered.update(parts, indexes[:-1])
        yield index
        del index
    for key in keys:
        if key.endswith(".jsonl") and key not in covered:
            yield _read_part(store, key)


def _read_part(store: Store, key: str) -> _Read:
    digest = key.rpartition("/")[2].removesuffix(".jsonl")
    return _Read(key, [store.get_verified(key, digest)])


def _merged(store: Store, listed: _Listed) -> dict[str, MergedRecord]:
    return merge(entry for one in listed.read for entry in _decoded(store, one))


def _decoded(store: Store, read: _Read) -> list[Entry]:
    where = store.uri_of(read.key)
    entries: list[Entry] = []
    for chunk in read.chunks:
        try:
            entries += decode_entries(chunk)
        except UNREADABLE as error:
            refuse_newer_lines(chunk, where=where)
            raise ObjectCorruptError(f"{where}: {error}") from error
    version = max((entry.schema_version for entry in entries), default=0)
    check_schema_version(version, where=where)
    return entries


def _is_index(key: str) -> bool:
    name = key.rpartition("/")[2]
    return name.startswith("index-") and name.endswith(".parquet")


def _index_number(key: str) -> int:
    return int(key.rpartition("/index-")[2].removesuffix(".parquet"))


def _encode_index(merged: dict[str, MergedRecord], parts: list[str]) -> bytes:
    rows = [
        {
            "candidate_id": key,
            "outcome": str(one.record.outcome),
            "source_sha256": one.record.source_sha256,
            "entries": encode_entries(
                [one.record, *(Sighting(candidate=c) for c in one.sightings)]
            ),
        }
        for key, one in merged.items()
    ]
    metadata = {
        _PARTS_KEY: "\n".join(parts),
        _DIGEST_KEY: _index_digest(parts, [row["entries"] for row in rows]),
        **TABLE_METADATA,
    }
    return _parquet(pa.Table.from_pylist(rows, _INDEX_SCHEMA.with_metadata(metadata)))


def _parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, write_page_checksum=True)
    return sink.getvalue()


def _writer_of(data: bytes) -> str:
    """Return which version of which library wrote a file: another one may write other bytes."""
    return str(pq.ParquetFile(io.BytesIO(data)).metadata.created_by)


def _index_digest(parts: Sequence[str], lines: Sequence[object]) -> str:
    """Return the digest of all that is read of an index: its pages have checksums, no more."""
    return digest_of([parts, lines])


def _read_index(store: Store, key: str) -> tuple[_Read, list[str]]:
    """Return what an index holds, and the parts that it covers."""
    try:
        data = io.BytesIO(store.get(key))
        table = pq.read_table(data, page_checksum_verification=True)
        metadata = table.schema.metadata or {}
        refuse_newer_table(metadata, where=store.uri_of(key))
        parts, lines = metadata[_PARTS_KEY].decode().splitlines(), table["entries"].to_pylist()
        if metadata.get(_DIGEST_KEY, b"").decode() not in ("", _index_digest(parts, lines)):
            raise ValueError("the content does not have its digest")
        return _Read(key, lines), parts
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise ObjectCorruptError(f"{store.uri_of(key)}: {error}") from error
