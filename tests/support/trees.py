"""Folders and stores before and after: whether something in them has changed."""

from pathlib import Path

from artgrab.common.digests import sha256_hex
from artgrab.common.store import Store


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change (nanoseconds) of a folder and everything below it."""
    found = [folder, *folder.rglob("*")]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


def contents(uri: str) -> dict[str, object]:
    """Return what tells a store from what it was: each file of a folder, each object of a bucket.

    Empty where there is no such folder; it is not made.
    """
    if not uri.startswith("s3:"):
        folder = Path(uri)
        return dict(tree(folder)) if folder.exists() else {}
    store = Store.open(uri, to_write=False)
    return {info.key: sha256_hex(store.get(info.key)) for info in store.list("")}
