"""The store: a thin layer over obstore for keys, conditional puts and verified reads."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import BadInputError, ObjectCorruptError, ObjectMissingError
from artgrab.common.store.failures import is_conflict, is_missing, is_passing, store_failure
from artgrab.common.store.folders import create_at_once, folder_of, open_folder

if TYPE_CHECKING:
    from artgrab.common.store.s3 import S3

PATIENCE = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries of a conditional put; each is spread by half. Outlasts the restart of
a server."""

LOOKS = PATIENCE[:4]
"""The same, of the first look into a bucket: whoever waits for a command to begin wants to know
sooner."""

_FAILURES = (BaseError, FileNotFoundError)
"""What obstore raises; the second is its own class for what is not there."""


@dataclass(frozen=True)
class ObjectInfo:
    """An object of the store; size in bytes."""

    key: str
    size: int
    modified: datetime
    """When it was last written, by the clock of the store."""


class Store:
    """Objects by key. A put is atomic: an object is there whole or not at all.

    Every method raises SurroundingsError when the store itself fails.
    """

    def __init__(
        self,
        backend: ObjectStore,
        *,
        uri: str,
        s3: "S3 | None" = None,
        patience: Sequence[float] | None = None,
    ) -> None:
        self._backend = backend
        self._once = s3.once if s3 else backend
        self._patience = PATIENCE if patience is None else patience
        self.s3 = s3
        """The bucket, where the store lies in one."""
        self.uri = uri.rstrip("/")
        self.folder = Path(self.uri) if isinstance(backend, LocalStore) else None
        """Where the store lies on this machine, None where it does not."""
        self.fence: Callable[[], None] = _open_fence
        """Called before each change; raises where this process may change nothing any more."""

    @classmethod
    def open(
        cls, uri: str, *, to_write: bool = True, patience: Sequence[float] | None = None
    ) -> Self:
        """Open a folder (path or file:// URI) or s3://BUCKET/PREFIX.

        A folder that is to be written is made where it is missing. A bucket is asked one question,
        to tell at once what is wrong with it, the credentials, the clock or the network. Another
        `patience` takes the place of both PATIENCE and LOOKS.

        Raises:
            BadInputError: the URI names nothing that artgrab knows, or nothing to read.
            SurroundingsError: what it names cannot be made, read or written.
        """
        if uri.startswith("s3:"):
            from artgrab.common.store.s3 import open_bucket

            s3 = open_bucket(uri)
            store = cls(s3.patient, uri=s3.bucket.uri, s3=s3, patience=patience)
            store._look(LOOKS if patience is None else patience)
            return store
        scheme, separator, _ = uri.partition("://")
        if separator and scheme != "file":
            raise BadInputError(
                f"store {uri}: {scheme}:// is not known; give a folder or s3://BUCKET/PREFIX"
            )
        folder = folder_of(uri)
        return cls(open_folder(folder, to_write=to_write), uri=str(folder))

    def brief(self) -> "Store":
        """Return the same store for heartbeats: nothing is tried again, nothing takes long."""
        if not self.s3:
            return Store(self._backend, uri=self.uri)
        s3 = replace(self.s3, patient=self.s3.brief, once=self.s3.brief)
        return Store(s3.patient, uri=self.uri, s3=s3, patience=())

    def uri_of(self, key: str) -> str:
        """Return the address of a key for people and documents."""
        return f"{self.uri}/{key}"

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Store data unless the key exists; tell whether this call stored it.

        Where an answer was lost and the key then holds these very bytes, this call counts as the
        one that stored them.
        """
        self.fence()
        tries = _Tries(self.uri, key, self._patience)
        while True:
            try:
                obstore.put(self._once, key, data, mode="create")
                return True
            except BaseError as error:
                pause = tries.pause_after(error)
            if pause is None:
                return tries.in_doubt and self.get(key) == data
            time.sleep(pause)

    async def put_if_absent_async(self, key: str, data: bytes) -> bool:
        """As put_if_absent; only what a disk of this machine takes at once blocks the loop."""
        self.fence()
        if self.folder and (new := create_at_once(self.folder, key, data)) is not None:
            return new
        tries = _Tries(self.uri, key, self._patience)
        while True:
            try:
                await obstore.put_async(self._once, key, data, mode="create")
                return True
            except BaseError as error:
                pause = tries.pause_after(error)
            if pause is None:
                return tries.in_doubt and await asyncio.to_thread(self.get, key) == data
            await asyncio.sleep(pause)

    def put(self, key: str, data: bytes) -> None:
        """Store data, replacing what is there; for mutable documents and large objects."""
        self.fence()
        try:
            # In a folder parts gain nothing: the bytes are here already.
            obstore.put(self._backend, key, data, use_multipart=None if self.s3 else False)
        except _FAILURES as error:
            raise self._failure(key, error) from error

    def get(self, key: str) -> bytes:
        """Return an object's bytes.

        Raises:
            ObjectMissingError: there is no such key.
        """
        try:
            return obstore.get(self._backend, key).bytes().to_bytes()
        except _FAILURES as error:
            if is_missing(error):
                raise ObjectMissingError(f"{self.uri_of(key)} is not there") from error
            raise self._failure(key, error) from error

    def get_verified(self, key: str, sha256: str) -> bytes:
        """Return an object's bytes after comparing their SHA-256 with what was recorded.

        Raises:
            ObjectMissingError: there is no such key.
            ObjectCorruptError: the bytes are others.
        """
        data = self.get(key)
        if sha256_hex(data) != sha256:
            raise ObjectCorruptError(f"{self.uri_of(key)} does not have the recorded digest")
        return data

    def exists(self, key: str) -> bool:
        """Tell whether a key is there."""
        try:
            obstore.head(self._backend, key)
        except _FAILURES as error:
            if is_missing(error):
                return False
            raise self._failure(key, error) from error
        return True

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects below a prefix (a folder), ordered by key."""
        try:
            found = [meta for batch in obstore.list(self._backend, prefix) for meta in batch]
        except _FAILURES as error:
            raise self._failure(prefix, error) from error
        for meta in sorted(found, key=lambda meta: meta["path"]):
            yield ObjectInfo(meta["path"], meta["size"], meta["last_modified"])

    def folders(self, prefix: str = "") -> Sequence[str]:
        """Return the names of the folders directly below a prefix, in order."""
        try:
            found = obstore.list_with_delimiter(self._backend, prefix or None)
        except _FAILURES as error:
            raise self._failure(prefix, error) from error
        names = (path.rstrip("/").rpartition("/")[2] for path in found["common_prefixes"])
        return sorted(name for name in names if not name.startswith("."))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; a key that is already gone is no error."""
        self.fence()
        if self.s3:
            self._delete(list(keys))  # some at once; S3 calls a missing key deleted
            return
        for key in keys:
            self._delete(key)

    def _delete(self, keys: str | Sequence[str]) -> None:
        try:
            obstore.delete(self._backend, keys)
        except _FAILURES as error:
            if not is_missing(error):
                raise self._failure(keys if isinstance(keys, str) else "", error) from error

    def _look(self, pauses: Sequence[float]) -> None:
        tries = _Tries(self.uri, "", pauses)
        while True:
            try:
                obstore.list_with_delimiter(self._once)
                return
            except _FAILURES as error:
                pause = tries.pause_after(error)
            time.sleep(pause or 0)

    def _failure(self, key: str, error: BaseException) -> Exception:
        return store_failure(error, uri=self.uri, key=key)


def _open_fence() -> None:
    """Let everything pass."""


class _Tries:
    """How often one request is made: what may pass is tried again, and nothing else."""

    def __init__(self, uri: str, key: str, patience: Sequence[float]) -> None:
        self._uri = uri
        self._key = key
        self._pauses = iter(patience)
        self.in_doubt = False
        """An earlier try may have gone through although no answer came."""

    def pause_after(self, error: BaseException) -> float | None:
        """Return seconds to wait before the next try, None where the key exists.

        Raises:
            SurroundingsError: another try would be of no use, or there were enough.
        """
        if isinstance(error, AlreadyExistsError) and not is_conflict(error):
            return None
        pause = next(self._pauses, None) if is_passing(error) else None
        if pause is None:
            raise store_failure(error, uri=self._uri, key=self._key) from error
        self.in_doubt = True
        return pause * random.uniform(0.5, 1.5)  # noqa: S311  # no secret
