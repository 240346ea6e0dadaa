"""A snapshot: its document, its files, and the pictures of its rows."""

from collections.abc import Iterator

from artgrab.common.digests import digest_of
from artgrab.common.errors import ObjectCorruptError, ObjectMissingError
from artgrab.common.manifest import (
    ManifestRow,
    SnapshotInfo,
    Withdrawal,
    content_digest,
    read_rows,
    read_snapshot_info,
    read_withdrawal,
    shows_pictures,
    withdrawal_key,
)
from artgrab.common.store import Store
from artgrab.dataset.verification.findings import Findings
from artgrab.dataset.verification.reads import Named
from artgrab.dataset.verification.types import Flaw, Kind

_OLD = (
    "manifest.parquet", "groups.parquet", "dropped.parquet", "attribution.csv", "card.md",
    "card.html", "sheets/", "snapshot.json", "withdrawn.json",
)  # fmt: skip
"""What a snapshot may hold whose document does not name its files yet."""


def verify_snapshot_at(findings: Findings, prefix: str) -> None:
    """Verify the snapshot at a prefix; one that a kill left is only noted."""
    keys, marker = findings.keys(prefix), f"{prefix}/snapshot.json"
    if marker not in keys:
        findings.report.unfinished.append(prefix)
        return
    found: list[tuple[SnapshotInfo, Withdrawal]] = []
    if not findings.document(
        marker, Kind.DATASET, lambda: found.append(_read(findings.store, prefix)), place=prefix
    ):
        return
    ((info, overlay),) = found
    named = {f"{prefix}/{path}": digest for path, digest in _files(info, overlay).items()}
    findings.check(Named(key, digest, Kind.DATASET, prefix) for key, digest in named.items())
    _verify_overlay(findings, prefix, overlay)
    findings.foreign(
        (key for key in keys if key not in {*named, marker, withdrawal_key(prefix)})
        if info.files
        else (key for key in keys if not key[len(prefix) + 1 :].startswith(_OLD)),
        kind=Kind.DATASET,
        place=prefix,
    )
    _verify_rows(findings, prefix, info, overlay)


def _read(store: Store, prefix: str) -> tuple[SnapshotInfo, Withdrawal]:
    info = read_snapshot_info(store, prefix)
    where = f"{store.uri_of(prefix)}/snapshot.json"
    if info.input_key != prefix.rpartition("/")[2]:
        raise ObjectCorruptError(f"{where}: it names another key")
    if info.input_key != digest_of({"inputs": info.inputs_sha256, "parent": info.parent}):
        raise ObjectCorruptError(f"{where}: inputs and parent are not those of its key")
    return info, read_withdrawal(store, prefix)


def _verify_rows(findings: Findings, prefix: str, info: SnapshotInfo, overlay: Withdrawal) -> None:
    key = f"{prefix}/manifest.parquet"
    if any(one.key == key for one in findings.report.problems):
        return
    try:
        rows = read_rows(findings.store, prefix)
    except (ObjectCorruptError, ObjectMissingError) as error:
        findings.bad(key, Kind.DATASET, Flaw.CORRUPT, str(error), place=prefix)
        return
    counts = {info.images, *(sum(one.values()) for one in (info.splits, info.labels))}
    if counts != {len(rows)} or content_digest(rows) != info.content_sha256:
        detail = "counts and digest are not those of its rows"
        findings.bad(f"{prefix}/snapshot.json", Kind.DATASET, Flaw.CORRUPT, detail, place=prefix)
    findings.report.of(Kind.DATASET).withdrawn += len(overlay.rows)
    findings.check(_pictures(rows, overlay, prefix))


def _files(info: SnapshotInfo, overlay: Withdrawal) -> dict[str, str]:
    """Return the digests of all files: papers are those of the overlay where it cleaned them."""
    if not overlay.cleaned:
        return info.files
    kept = {path: digest for path, digest in info.files.items() if not shows_pictures(path)}
    return {**kept, **overlay.files}


def _verify_overlay(findings: Findings, prefix: str, overlay: Withdrawal) -> None:
    if (overlay.rows or overlay.dropped or overlay.cleaned) and overlay.cleaned != overlay.wanted:
        findings.bad(
            withdrawal_key(prefix),
            Kind.DATASET,
            Flaw.PRESENT,
            "card and sheets may show pictures that are withdrawn",
            place=prefix,
        )


def _pictures(rows: list[ManifestRow], overlay: Withdrawal, prefix: str) -> Iterator[Named]:
    for row in rows:
        if row.source_sha256 not in overlay.rows:
            yield Named(row.object_key, row.object_sha256, Kind.PICTURE, prefix)
