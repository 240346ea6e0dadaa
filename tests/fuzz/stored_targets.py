"""What is read from a store that others write to as well: parts of records, and their index."""

import tempfile
from pathlib import Path

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import BadInputError, ObjectCorruptError
from artgrab.common.keys import records_prefix
from artgrab.common.record_parts import compact, read_records
from artgrab.common.records import Candidate, Record, RecordOutcome, Sighting, encode_entries
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from tests.fuzz.targets import Target

_NAMES = {"namespace": "default", "category": "cats"}
_PREFIX = records_prefix("default", "cats")


def _candidate(number: int) -> Candidate:
    url = f"http://img.a.test/{number}.jpg"
    return Candidate(candidate_id=candidate_id(url).hex(), url=url, source="gallery")


def _parts() -> list[bytes]:
    records = [
        Record(
            candidate=_candidate(n),
            outcome=outcome,
            run_id="run-1",
            retrieved_at="2026-01-01T00:00:00.000+00:00",
            headers={"etag": "x"},
        )
        for n, outcome in enumerate(RecordOutcome)
    ]
    return [
        encode_entries(records),
        encode_entries([*records, Sighting(candidate=_candidate(0))]),
        b"",
    ]


def _indexes() -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(folder)
        for part in _parts()[:2]:
            store.put_if_absent(_key_of(part), part)
        compact(store, namespace="default", category="cats")
        return [store.get(f"{_PREFIX}/index-1.parquet")]


def _key_of(part: bytes) -> str:
    return f"{_PREFIX}/run-1/{sha256_hex(part)}.jsonl"


_FOLDER = tempfile.TemporaryDirectory(prefix="artgrab-fuzz-store-")
_STORE = Store.open(_FOLDER.name)


def _read(key: str, data: bytes) -> object:
    path = Path(_FOLDER.name) / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    try:
        found = read_records(_STORE, **_NAMES)
    finally:
        path.unlink()
    return [(one.record.outcome, len(one.sightings)) for one in found.values()]


RECORDS = Target(
    lambda data: _read(_key_of(data), data),
    _parts,
    may_raise=(ObjectCorruptError, BadInputError),
    words=(b'"type":"record"', b'"schema_version":', b'"outcome":"STORED"', b"null", b"1e400"),
)
INDEX = Target(
    lambda data: _read(f"{_PREFIX}/index-1.parquet", data),
    _indexes,
    may_raise=(ObjectCorruptError, BadInputError),
    words=(b"PAR1", b"artgrab.parts", b"artgrab.sha256"),
)
