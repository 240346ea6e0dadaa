"""What was made of pictures outside snapshots: cached features, and thumbnails in reports."""

import re
from collections.abc import Collection

import msgspec
import safetensors

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import ObjectMissingError
from artgrab.common.pages import withdraw_pictures
from artgrab.common.store import Store
from artgrab.model.documents import MARKER, read_info

REPORT = "report.html"

_UNMARKED = re.compile(r'<img src="(?=data:image/)')
"""A thumbnail as former versions wrote it, without saying whose it is."""

_UNKNOWN = "unknown"


def drop_features(store: Store, namespace: str, digests: Collection[str]) -> int:
    """Remove the parts of the cache that hold features of these pictures; return how many.

    Args:
        store: where the cache lies.
        namespace: of the cache.
        digests: SHA-256 of stored pictures.

    The next training computes the others of such a part again.
    """
    wanted = {bytes.fromhex(digest) for digest in digests if digest}
    held = [
        info.key
        for info in store.list(f"{namespace}/features")
        if wanted & pictures_in(store, info.key)
    ]
    store.delete(held)
    return len(held)


def pictures_in(store: Store, key: str) -> set[bytes]:
    """Return the SHA-256 of the pictures whose features an object of the cache holds.

    None where it is unreadable or gone: whoever reads the cache removes it then.
    """
    try:
        tensors = dict(safetensors.deserialize(store.get(key)))  # type: ignore[no-untyped-call]  # safetensors has no types
        names = bytes(tensors["sha256"]["data"])
    except (ObjectMissingError, safetensors.SafetensorError, KeyError):
        return set()
    return {names[start : start + 32] for start in range(0, len(names), 32)}


def clean_report(store: Store, prefix: str, sources: Collection[str], *, unmarked: bool) -> bool:
    """Replace the thumbnails of pictures in a model's report by a neutral one; tell whether any.

    The model's document is written first: killed in between, the same call does the rest.

    Args:
        store: where the model lies.
        prefix: of the model.
        sources: SHA-256 of the pictures as they were fetched.
        unmarked: take thumbnails of which nobody knows whose they are for theirs.
    """
    key = f"{prefix}/{REPORT}"
    try:
        report = store.get(key)
        info = read_info(store, prefix)
    except ObjectMissingError:
        return _clear_unfinished(store, key, sources)
    clean = _without(report, sources, unmarked=unmarked)
    if clean == report:
        return False
    if info.files.get(REPORT) == sha256_hex(report):  # else it is damaged, and stays known as that
        files = {**info.files, REPORT: sha256_hex(clean)}
        document = msgspec.json.encode(msgspec.structs.replace(info, files=files))
        store.put(f"{prefix}/{MARKER}", document)
    store.put(key, clean)
    return True


def _without(report: bytes, sources: Collection[str], *, unmarked: bool) -> bytes:
    page = report.decode(errors="surrogateescape")
    if unmarked:
        page = _UNMARKED.sub(f'<img data-source="{_UNKNOWN}" src="', page)
    return withdraw_pictures(page, {*sources, _UNKNOWN}).encode(errors="surrogateescape")


def _clear_unfinished(store: Store, key: str, sources: Collection[str]) -> bool:
    """Remove the report of a model whose training was killed; the next one writes it anew."""
    if not sources or not store.exists(key):
        return False
    store.delete([key])
    return True
