"""The rows of snapshots: an overlay takes out what is withdrawn, and no paper shows it."""

import io
from collections.abc import Callable, Mapping

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from artgrab.common.errors import ObjectCorruptError, ObjectMissingError
from artgrab.common.likeness import Look
from artgrab.common.manifest import (
    ManifestRow,
    read_rows,
    read_whole_manifest,
    read_withdrawal,
    shows_pictures,
    withdrawal_key,
)
from artgrab.common.store import Store
from artgrab.common.takedowns import Takedowns
from artgrab.common.urls import candidate_id
from artgrab.takedowns.records import Gone

Remake = Callable[[str], Mapping[str, str]]
"""Makes the papers of the snapshot at a prefix again, of the rows that are left; returns the
SHA-256 of each by path."""


def withdraw_rows(store: Store, prefix: str, gone: Gone, takedowns: Takedowns) -> bool:
    """Bring the overlay of a snapshot up to date; tell whether its papers are to be made again.

    Papers that show a picture that is gone are removed at once.
    """
    if not store.exists(f"{prefix}/snapshot.json"):
        _clear_unfinished(store, prefix, gone, takedowns)
        return False
    before = read_withdrawal(store, prefix)
    after = msgspec.structs.replace(
        before,
        rows=_withdrawn_rows(
            store, prefix, before.rows, lambda row: _takedown_of(row, gone, takedowns)
        ),
        dropped=_withdrawn_dropped(store, prefix, gone),
    )
    if after != before:
        store.put(withdrawal_key(prefix), msgspec.json.encode(after))
    if after.cleaned == after.wanted or not (after.rows or after.dropped or before.cleaned):
        return False
    _remove_papers(store, prefix)
    return True


def remake_papers(store: Store, prefix: str, remake: Remake) -> bool:
    """Make the papers of a snapshot again and note it in its overlay; True once that is done."""
    overlay = read_withdrawal(store, prefix)
    files = dict(remake(prefix))
    done = msgspec.structs.replace(overlay, files=files, cleaned=overlay.wanted)
    store.put(withdrawal_key(prefix), msgspec.json.encode(done))
    return True


def _takedown_of(row: ManifestRow, gone: Gone, takedowns: Takedowns) -> str:
    """Return by which takedown a row is withdrawn, empty where it is not.

    Its record decides; where that is gone, the row itself.
    """
    key = _key_of(row.category, row.url)
    if key in gone.recorded:
        return gone.takedowns.get(key, "")
    look = Look(row.perceptual_hash, row.width, row.height)
    found = (
        takedowns.of_urls(row.url, row.page_url)
        or takedowns.of_digests(row.source_sha256, row.object_sha256)
        or takedowns.of_look(look)
    )
    return found.id if found else ""


def _withdrawn_rows(
    store: Store, prefix: str, before: Mapping[str, str], takedown_of: Callable[[ManifestRow], str]
) -> dict[str, str]:
    """Return the rows to be taken out: withdrawn ones, and those still without their object."""
    found: dict[str, str] = {}
    for row in read_whole_manifest(store, prefix):
        takedown = takedown_of(row)
        if takedown:
            found[row.source_sha256] = takedown
        elif row.source_sha256 in before and not store.exists(row.object_key):
            found[row.source_sha256] = before[row.source_sha256]
    return dict(sorted(found.items()))


def _withdrawn_dropped(store: Store, prefix: str, gone: Gone) -> dict[str, str]:
    try:
        data = io.BytesIO(store.get(f"{prefix}/dropped.parquet"))
        left_out = pq.read_table(data, columns=["category", "url", "object_sha256"]).to_pylist()
    except ObjectMissingError:
        return {}
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ObjectCorruptError(f"{store.uri_of(prefix)}/dropped.parquet: {error}") from error
    found = {one["object_sha256"]: _key_of(one["category"], one["url"]) for one in left_out}
    return {
        digest: gone.takedowns[key]
        for digest, key in sorted(found.items())
        if key in gone.takedowns
    }


def _clear_unfinished(store: Store, prefix: str, gone: Gone, takedowns: Takedowns) -> None:
    """Remove the papers of a snapshot whose build was killed, where they may show what is gone.

    A build that goes on writes them again.
    """
    below = len(prefix) + 1
    papers = [info.key[below:] for info in store.list(prefix)]
    if not any(map(shows_pictures, papers)) or not (gone.takedowns or takedowns):
        return
    left_out = any("dropped" in path for path in papers)  # which pictures it shows is not recorded
    if left_out or any(_takedown_of(row, gone, takedowns) for row in read_rows(store, prefix)):
        _remove_papers(store, prefix)


def _remove_papers(store: Store, prefix: str) -> None:
    below = len(prefix) + 1
    keys = [info.key for info in store.list(prefix)]
    store.delete([key for key in keys if shows_pictures(key[below:])])


def _key_of(category: str, url: str) -> tuple[str, str]:
    return category, candidate_id(url).hex()
