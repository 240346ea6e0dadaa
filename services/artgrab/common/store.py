"""The store: a thin layer over obstore for keys, conditional puts and verified reads."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import (
    BadInputError,
    ObjectCorruptError,
    ObjectMissingError,
    SurroundingsError,
)


@dataclass(frozen=True)
class ObjectInfo:
    """An object of the store; size in bytes."""

    key: str
    size: int


class Store:
    """Objects by key. A put is atomic: an object is there whole or not at all.

    Every method raises SurroundingsError when the store itself fails.
    """

    def __init__(self, backend: ObjectStore, *, uri: str) -> None:
        self._backend = backend
        self.uri = uri.rstrip("/")

    @classmethod
    def open(cls, uri: str) -> Self:
        """Open a folder (path or file:// URI), making it where it is missing.

        Raises:
            BadInputError: the URI names a kind of store that artgrab does not know.
            SurroundingsError: the folder cannot be made or written.
        """
        scheme, separator, rest = uri.partition("://")
        if separator and scheme != "file":
            raise BadInputError(f"store {uri}: {scheme}:// is not known; give a folder")
        folder = Path(rest if separator else uri).absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SurroundingsError(f"store {folder}: {error.strerror}") from error
        if not os.access(folder, os.W_OK | os.X_OK):
            raise SurroundingsError(f"store {folder}: not writable; choose another with --store")
        return cls(LocalStore(folder), uri=str(folder))

    def uri_of(self, key: str) -> str:
        """Return the address of a key for people and documents."""
        return f"{self.uri}/{key}"

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Store data unless the key exists; tell whether this call stored it."""
        try:
            obstore.put(self._backend, key, data, mode="create")
        except AlreadyExistsError:
            return False
        except BaseError as error:
            raise self._failure(key, error) from error
        return True

    async def put_if_absent_async(self, key: str, data: bytes) -> bool:
        """As put_if_absent, without blocking the event loop."""
        try:
            await obstore.put_async(self._backend, key, data, mode="create")
        except AlreadyExistsError:
            return False
        except BaseError as error:
            raise self._failure(key, error) from error
        return True

    def put(self, key: str, data: bytes) -> None:
        """Store data, replacing what is there; for the few mutable documents."""
        try:
            obstore.put(self._backend, key, data)
        except BaseError as error:
            raise self._failure(key, error) from error

    def get(self, key: str) -> bytes:
        """Return an object's bytes.

        Raises:
            ObjectMissingError: there is no such key.
        """
        try:
            return obstore.get(self._backend, key).bytes().to_bytes()
        except (NotFoundError, FileNotFoundError) as error:
            raise ObjectMissingError(f"{self.uri_of(key)} is not there") from error
        except BaseError as error:
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
        except (NotFoundError, FileNotFoundError):
            return False
        except BaseError as error:
            raise self._failure(key, error) from error
        return True

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects below a prefix (a folder), ordered by key."""
        try:
            found = [meta for batch in obstore.list(self._backend, prefix) for meta in batch]
        except BaseError as error:
            raise self._failure(prefix, error) from error
        for meta in sorted(found, key=lambda meta: meta["path"]):
            yield ObjectInfo(meta["path"], meta["size"])

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; a key that is already gone is no error."""
        for key in keys:
            try:
                obstore.delete(self._backend, key)
            except (NotFoundError, FileNotFoundError):
                continue
            except BaseError as error:
                raise self._failure(key, error) from error

    def _failure(self, key: str, error: BaseError) -> SurroundingsError:
        first_line = str(error).strip().splitlines()[0]
        return SurroundingsError(f"store {self.uri}, key {key}: {first_line}")
