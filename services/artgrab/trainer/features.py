"""Features of pictures, computed once and kept in the store: a killed run resumes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import msgspec
import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from artgrab.common.digests import digest_of, sha256_hex
from artgrab.common.errors import ObjectCorruptError, ObjectMissingError
from artgrab.common.keys import SCHEMA_VERSION, check_schema_version
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.store import Store

Features = NDArray[np.float32]
"""One row for each picture."""

Row = NDArray[np.float32]

Compute = Callable[[Sequence[bytes]], Features]
"""Turns up to BATCH stored pictures into their features, in any thread; a row must not depend on
the other pictures."""

BATCH = 4
"""Pictures computed together. The activations of more go beyond what malloc keeps (32 MB), and
getting them from the kernel each time costs as much as the computation: lite0 on 2 cores took
9.6 ms for a picture in batches of 4, 17.5 ms in batches of 32."""

_VERSION = "artgrab.schema_version"
_CHUNK = 128
"""Pictures of one object of the cache: what a kill may cost."""


class StoredPicture(NamedTuple):
    """A picture of the store and what its bytes must be."""

    key: str
    sha256: str


class Share(NamedTuple):
    """One of several shares of the work, chosen by the digests of pictures."""

    number: int = 0
    """Of this one, from 0."""
    shares: int = 1

    def has(self, picture: StoredPicture) -> bool:
        """Tell whether a picture is in it; each is in exactly one of all shares."""
        return int(picture.sha256, 16) % self.shares == self.number


ALL = Share()


def features_prefix(namespace: str, made_of: Mapping[str, object]) -> str:
    """Return where the cache of features lies that are made of this and of pictures alone."""
    return f"{namespace}/features/{digest_of(made_of)}"


def cached_features(
    store: Store,
    pictures: Sequence[StoredPicture],
    compute: Compute,
    *,
    prefix: str,
    threads: int,
    progress: ProgressSink,
    item: str,
) -> Features:
    """Return the features of pictures in their order, computing only what the cache has not.

    Args:
        store: where pictures and cache lie.
        pictures: what is asked for.
        compute: gets the bytes of up to BATCH pictures.
        prefix: where the cache lies; names all that decides what `compute` returns.
        threads: that compute at once, each with one batch: threads that share a batch wait for one
            another, which is slow where others want the cores too.
        progress: told after each 128 pictures, as stage `features`.
        item: whose progress it is.

    Raises:
        ObjectMissingError, ObjectCorruptError: a picture is not there or not the recorded one.
    """
    known = fill_cache(
        store, pictures, compute, prefix=prefix, threads=threads, progress=progress, item=item
    )
    return np.stack([known[p.sha256] for p in pictures])


def fill_cache(
    store: Store,
    pictures: Sequence[StoredPicture],
    compute: Compute,
    *,
    prefix: str,
    threads: int,
    progress: ProgressSink,
    item: str,
    share: Share = ALL,
) -> Mapping[str, Row]:
    """Compute what the cache has not of a share of pictures; return all rows known then.

    Processes that have a share each may do so at once: they write other rows, in objects that are
    named after their content.

    Arguments and errors are those of cached_features; the rows are by SHA-256 of their pictures.
    """
    known = dict(_read_cache(store, prefix))
    ours = [p for p in pictures if share.has(p)]
    missing = sorted({p for p in ours if p.sha256 not in known}, key=lambda p: p.sha256)
    told = partial(Progress, stage="features", item=item, total=len(ours))
    with ThreadPoolExecutor(threads) as pool:
        for chunk in _parts(missing, _CHUNK):
            batches = pool.map(partial(_compute_batch, store, compute), _parts(chunk, BATCH))
            rows = {sha256: row for batch in batches for sha256, row in batch}
            _write_chunk(store, prefix, rows)
            known |= rows
            progress(told(done=sum(p.sha256 in known for p in ours)))
    progress(told(done=len(ours), finished=True))
    return known


def _parts(pictures: Sequence[StoredPicture], size: int) -> Iterator[Sequence[StoredPicture]]:
    return (pictures[start : start + size] for start in range(0, len(pictures), size))


def _compute_batch(
    store: Store, compute: Compute, batch: Sequence[StoredPicture]
) -> list[tuple[str, Row]]:
    rows = compute([store.get_verified(picture.key, picture.sha256) for picture in batch])
    return list(zip((picture.sha256 for picture in batch), rows, strict=True))


def _write_chunk(store: Store, prefix: str, rows: Mapping[str, Row]) -> None:
    names = np.frombuffer(bytes.fromhex("".join(rows)), np.uint8).reshape(len(rows), 32)
    tensors: dict[str, NDArray[Any]] = {
        "sha256": names,
        "features": np.stack(list(rows.values())),
    }
    data = safetensors.numpy.save(tensors, metadata={_VERSION: str(SCHEMA_VERSION)})
    store.put_if_absent(f"{prefix}/{sha256_hex(data)}.safetensors", data)


def _read_cache(store: Store, prefix: str) -> Iterator[tuple[str, Row]]:
    for info in store.list(prefix):
        digest = info.key.rpartition("/")[2].removesuffix(".safetensors")
        try:
            data = store.get_verified(info.key, digest)
        except ObjectCorruptError:
            store.delete([info.key])  # a cache: computed again below
            continue
        except ObjectMissingError:
            continue  # another process found it corrupt, or a takedown removed it
        check_schema_version(_version_of(data), where=store.uri_of(info.key))
        yield from _rows_of(data)


def _version_of(data: bytes) -> int:
    """Read the metadata in a safetensors header: its length in 8 bytes, then JSON."""
    header = msgspec.json.decode(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return int(header.get("__metadata__", {}).get(_VERSION, SCHEMA_VERSION))


def _rows_of(data: bytes) -> Iterator[tuple[str, Row]]:
    tensors = safetensors.numpy.load(data)
    for name, row in zip(tensors["sha256"], tensors["features"], strict=True):
        yield name.tobytes().hex(), row
