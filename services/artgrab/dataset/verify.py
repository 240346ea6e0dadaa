"""Verification: every object that the documents of a store name is read and hashed again."""

import re

from artgrab.common.errors import BadInputError
from artgrab.common.progress import ProgressSink
from artgrab.common.store import Store
from artgrab.common.takedowns import PREFIX as TAKEDOWNS
from artgrab.common.takedowns import Takedown, Takedowns, read_takedown
from artgrab.dataset.verification.categories import verify_category
from artgrab.dataset.verification.findings import Findings
from artgrab.dataset.verification.models import verify_features, verify_model
from artgrab.dataset.verification.reads import reader
from artgrab.dataset.verification.snapshots import verify_snapshot_at
from artgrab.dataset.verification.types import Kind, VerifyReport

_FOLDERS = frozenset({"categories", "classifiers", "datasets", "features", "models"})
_ROOT = frozenset({".lock", "sources", TAKEDOWNS})
_TOMBSTONE = re.compile(rf"{TAKEDOWNS}/[0-9a-f]{{16}}\.json")
_APPLIED = f"{TAKEDOWNS}/applied.json"
_HEX = re.compile(r"[0-9a-f]{1,64}")


def verify_store(store: Store, *, progress: ProgressSink) -> VerifyReport:
    """Read everything in a store and say what is not as its documents say; changes nothing.

    Raises:
        SurroundingsError: the store failed.
        BadInputError: a newer artgrab wrote in it.
    """
    spaces = [name for name in store.folders() if _FOLDERS & set(store.folders(name))]
    total = sum(1 for name in (*spaces, TAKEDOWNS) for _ in store.list(name))
    with reader(store) as reads:
        findings = Findings(store, reads, progress, total=total)
        takedowns = _verify_tombstones(findings)
        for namespace in spaces:
            _verify_namespace(findings, namespace, takedowns)
        for folder in sorted(set(store.folders()) - {*spaces, *_ROOT}):
            findings.foreign(findings.keys(folder))
        return findings.end()


def verify_snapshot(store: Store, wanted: str, *, progress: ProgressSink) -> VerifyReport:
    """As verify_store, for one snapshot and the pictures it holds.

    Args:
        store: where it lies.
        wanted: its key, or the first digits of it.
        progress: told how many objects are read.

    Raises:
        BadInputError: there is no such snapshot, or more than one.
        SurroundingsError: the store failed.
    """
    prefix = find_snapshot(store, wanted)
    with reader(store) as reads:
        findings = Findings(store, reads, progress)
        verify_snapshot_at(findings, prefix)
        return findings.end()


def find_snapshot(store: Store, wanted: str) -> str:
    """Return the prefix of the one snapshot of a key, or of its first digits.

    Raises:
        BadInputError: there is none, or more than one.
    """
    found = [
        f"{namespace}/datasets/{key}"
        for namespace in store.folders()
        for key in store.folders(f"{namespace}/datasets")
        if key == wanted or (_HEX.fullmatch(wanted) and key.startswith(wanted))
    ]
    if len(found) != 1:
        many = f"{len(found)} datasets" if found else "no dataset"
        raise BadInputError(
            f"store {store.uri}: {many} with key {wanted[:70]!r}; "
            "give `all` or a key that artgrab status shows"
        )
    return found[0]


def _verify_namespace(findings: Findings, namespace: str, takedowns: Takedowns) -> None:
    store = findings.store
    for name in store.folders(f"{namespace}/categories"):
        verify_category(findings, namespace=namespace, name=name, takedowns=takedowns)
    for key in store.folders(f"{namespace}/datasets"):
        verify_snapshot_at(findings, f"{namespace}/datasets/{key}")
    for key in store.folders(f"{namespace}/models"):
        verify_model(findings, f"{namespace}/models/{key}")
    verify_features(findings, f"{namespace}/features")
    for key in findings.keys(f"{namespace}/classifiers"):
        findings.json(key, place=f"{namespace}/classifiers")
    for folder in sorted(set(store.folders(namespace)) - _FOLDERS):
        findings.foreign(findings.keys(f"{namespace}/{folder}"))


def _verify_tombstones(findings: Findings) -> Takedowns:
    found: list[Takedown | None] = []
    for key in findings.keys(TAKEDOWNS):
        if key == _APPLIED:
            continue
        if not _TOMBSTONE.fullmatch(key):
            findings.foreign([key], kind=Kind.STATE, place=TAKEDOWNS)
            continue
        findings.document(
            key,
            Kind.STATE,
            lambda at=key: found.append(read_takedown(findings.store, at)),  # type: ignore[misc]  # mypy infers no lambda with a default
            place=TAKEDOWNS,
        )
    return Takedowns(one for one in found if one)
