"""What a store holds, and how that differs from the store of an undisturbed job."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from artgrab.common.record_parts import read_records
from artgrab.common.store import Store
from artgrab.common.store.lock import exclusive

_LOCK = ".lock"
"""In a folder an empty file that stays; what counts is that nobody holds it."""
_OWN_WAY = re.compile(r"default/(categories/[^/]+/records|features)/")
"""Keys that depend on how often the job was interrupted; looked at one by one."""
_INDEX = re.compile(r"default/categories/[^/]+/records/index-\d+\.parquet")
_FEATURES = re.compile(r"default/features/[^/]+/[0-9a-f]{64}\.safetensors")


@dataclass(frozen=True)
class Inventory:
    """A store at the end of a job."""

    keys: frozenset[str]
    records: dict[tuple[str, str], tuple[str, str]]
    """By category and candidate: outcome and picture."""
    files: frozenset[str]
    """What lies in its folder and is no object."""


@dataclass(frozen=True)
class Difference:
    """In what a disturbed store is not the undisturbed one; all empty where all is well."""

    lost: list[str]
    duplicates: list[str]
    leftovers: list[str]


def take(store: Store) -> Inventory:
    """Look at all that is in a store."""
    keys = {info.key for info in store.list("") if info.key != _LOCK}
    categories = {key.split("/")[2] for key in keys if key.startswith("default/categories/")}
    return Inventory(
        frozenset(keys),
        {
            (category, key): (str(merged.record.outcome), merged.record.source_sha256)
            for category in sorted(categories)
            for key, merged in read_records(store, namespace="default", category=category).items()
        },
        frozenset(_files(store) - keys - {_LOCK}),
    )


def compare(seen: Inventory, expected: Inventory) -> Difference:
    """Say what is missing, what is there twice, and what nothing has a use for."""
    steady, wanted = ({k for k in one.keys if not _OWN_WAY.match(k)} for one in (seen, expected))
    lost = [f"{key}: {expected.records[key]}" for key in expected.records.keys() - seen.records]
    lost += [
        f"{key}: {before} became {seen.records[key]}"
        for key, before in expected.records.items()
        if seen.records.get(key, before) != before
    ]
    return Difference(
        lost=sorted(lost + list(wanted - steady)),
        duplicates=sorted(
            [f"{key}: found here only" for key in seen.records.keys() - expected.records]
            + pictures_twice(steady)
        ),
        leftovers=sorted((steady - wanted) | seen.files | strays(seen.keys)),
    )


def lock_of(store: Store) -> list[str]:
    """Return what is wrong with a lock that nobody should hold."""
    held = [info.key for info in store.list(_LOCK)]
    with exclusive(store):
        pass
    return held


def pictures_twice(keys: Iterable[str]) -> list[str]:
    """Return what was kept more than once, under several encodings."""
    images = Counter(key.rpartition("-")[0] for key in keys if "/images/" in key)
    return [f"{name}: {count} objects" for name, count in images.items() if count > 1]


def strays(keys: frozenset[str]) -> set[str]:
    """Return features by no digest, and all records beside one index that covers them."""
    records = {key for key in keys if "/records/" in key}
    indexes = {key for key in records if _INDEX.fullmatch(key)}
    newest = {max((k for k in indexes if _of(k) == c), key=_number) for c in set(map(_of, indexes))}
    covered = {_of(key) for key in newest}
    passed = {key for key in records - newest if _of(key) in covered}
    return passed | {k for k in keys if "/features/" in k and not _FEATURES.fullmatch(k)}


def _of(key: str) -> str:
    return key.partition("/records/")[0]


def _number(key: str) -> int:
    return int(key.rpartition("-")[2].removesuffix(".parquet"))


def _files(store: Store) -> set[str]:
    folder = Path(store.uri)
    if not folder.is_dir():
        return set()
    return {
        str((Path(place) / name).relative_to(folder))
        for place, _, names in os.walk(folder)
        for name in names
    }
