"""What a downloader remembers of records is what the merged records say."""

import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from artgrab.common.digests import sha256_hex
from artgrab.common.keys import records_prefix
from artgrab.common.record_parts import compact, read_records
from artgrab.common.records import (
    Candidate,
    Entry,
    Record,
    RecordOutcome,
    Sighting,
    encode_entries,
)
from artgrab.common.store import Store
from artgrab.downloader.recollections import recall, sighting_key, state_of

NAMES = {"namespace": "default", "category": "cats"}
_FEW = st.sampled_from(["", "a", "b"])
_CANDIDATES = st.builds(
    Candidate,
    candidate_id=st.sampled_from("xyz"),
    url=st.just("http://a.test/"),
    source=_FEW,
    query=_FEW,
    rank=st.integers(0, 2),
)
_RECORDS = st.builds(
    Record,
    candidate=_CANDIDATES,
    outcome=st.sampled_from(RecordOutcome),
    run_id=_FEW,
    retrieved_at=st.uuids().map(str),
    passing=st.booleans(),
    source_sha256=st.uuids().map(str),  # where this is equal either record may stand
    opt_out_signals=st.lists(_FEW, max_size=1).map(tuple),
    filters_digest=_FEW,
    takedown=_FEW,
)
_PARTS = st.lists(
    st.lists(_RECORDS | st.builds(Sighting, candidate=_CANDIDATES), max_size=4), max_size=4
)


@given(_PARTS, st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_what_is_remembered_is_what_the_merged_records_say(
    parts: list[list[Entry]], compacted_after: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(folder)
        for number, part in enumerate(parts):
            data = encode_entries(part)
            prefix = records_prefix(**NAMES)
            store.put_if_absent(f"{prefix}/run/{sha256_hex(data)}.jsonl", data)
            if number == compacted_after:
                compact(store, namespace="default", category="cats")
        merged = read_records(store, **NAMES)
        found = recall(store, **NAMES)
    assert {key: (one.state, sorted(one.sightings)) for key, one in found.items()} == {
        key: (state_of(one.record), sorted(set(map(sighting_key, one.sightings))))
        for key, one in merged.items()
    }
