"""The dataset stage: from the records of categories to an immutable snapshot in the store."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from artgrab.common.digests import digest_of, sha256_hex
from artgrab.common.keys import dataset_prefix
from artgrab.common.manifest import SnapshotInfo, encode_manifest, read_snapshot_info
from artgrab.common.progress import ProgressSink
from artgrab.common.resources import ArtClassifier
from artgrab.common.store import Store
from artgrab.dataset.assignments import encode_sides, read_before
from artgrab.dataset.curation import Before, curate
from artgrab.dataset.fates import read_fates
from artgrab.dataset.inputs import inputs_digest, read_pictures
from artgrab.dataset.papers import papers_of
from artgrab.dataset.rows import info_of, require_train_and_test, row_of


@dataclass(frozen=True)
class Snapshot:
    """A complete snapshot; created tells whether this call built it."""

    key: str
    prefix: str
    info: SnapshotInfo
    created: bool


def build_snapshot(
    store: Store,
    *,
    namespace: str,
    classifier: ArtClassifier,
    labels: Mapping[str, str],
    parent: str | None,
    progress: ProgressSink,
) -> Snapshot:
    """Build the snapshot of what the store holds now, unless it is there already.

    Killed at any moment and called again, it ends in the same snapshot.

    Args:
        store: where records, objects and snapshots are.
        namespace: of all of them.
        classifier: its curation decides what is kept.
        labels: the label of each category's pictures, by category.
        parent: key of the snapshot whose splits are kept; returned itself where nothing new came.
        progress: told how many pictures are done.

    Raises:
        PartlyDoneError: a category has no stored picture, or a class none to learn or judge by.
        ObjectMissingError: the parent is not complete, or an object that a record names is gone.
        ObjectCorruptError: something in the store is not what its digest says.
    """
    curation = classifier.spec.curation
    pictures = read_pictures(store, namespace=namespace, labels=labels)
    inputs_sha256 = inputs_digest(pictures, labels=labels, curation=curation)
    key = digest_of({"inputs": inputs_sha256, "parent": parent or ""})
    known = _unchanged(store, namespace, parent, inputs_sha256) or _known(store, namespace, key)
    if known is not None:
        return known
    before = read_before(store, dataset_prefix(namespace, parent)) if parent else Before()
    curated = curate(pictures, curation=curation, before=before)
    rows = [row_of(one) for one in curated.placed]
    require_train_and_test(rows, curated.dropped, labels)
    info = info_of(rows, curated.dropped, input_key=key, inputs_sha256=inputs_sha256, parent=parent)
    prefix, name = dataset_prefix(namespace, key), classifier.metadata.name
    files = {
        "manifest.parquet": encode_manifest(rows),
        "groups.parquet": encode_sides(curated.sides),
    }
    fates = read_fates(store, namespace=namespace, categories=labels)
    papers = papers_of(store, name, info, rows, curated.dropped, progress=progress, fates=fates)
    digests = put_files(store, prefix, itertools.chain(files.items(), papers))
    info = msgspec.structs.replace(info, classifier=name, files=digests)
    store.put_if_absent(f"{prefix}/snapshot.json", msgspec.json.encode(info))
    return Snapshot(key, prefix, info, created=True)


def put_files(store: Store, prefix: str, files: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Store files below a prefix, one after the other, and return the SHA-256 of each by path.

    What a killed build left is replaced: without snapshot.json it belongs to no snapshot.
    """
    digests: dict[str, str] = {}
    for path, data in files:
        store.put(f"{prefix}/{path}", data)
        digests[path] = sha256_hex(data)
    return digests


def _unchanged(
    store: Store, namespace: str, parent: str | None, inputs_sha256: str
) -> Snapshot | None:
    if parent is None:
        return None
    prefix = dataset_prefix(namespace, parent)
    info = read_snapshot_info(store, prefix)
    if info.inputs_sha256 != inputs_sha256:
        return None
    return Snapshot(parent, prefix, info, created=False)


def _known(store: Store, namespace: str, key: str) -> Snapshot | None:
    prefix = dataset_prefix(namespace, key)
    if not store.exists(f"{prefix}/snapshot.json"):
        return None
    return Snapshot(key, prefix, read_snapshot_info(store, prefix), created=False)
