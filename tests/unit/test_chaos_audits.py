"""What `make chaos` looks for is found: each kind of damage, and nothing where there is none."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from artgrab.common.keys import image_key
from artgrab.common.records import Record, RecordOutcome
from artgrab.common.store import Store
from artgrab.scraper.ingest_messages import AckOutcome
from tests.chaos.downloads.audits import Audit, audit
from tests.chaos.downloads.client import CATEGORY, FinalAck
from tests.chaos.downloads.sites import Kind, Request
from tests.support.stored import candidate, not_stored, put_entries, put_picture

GOOD, GONE, SICK = (f"http://a.test/{name}.jpg" for name in ("good", "gone", "sick"))
KINDS = {GOOD: Kind.PICTURE, GONE: Kind.MISSING, SICK: Kind.SICK}
COUNTS = ("lost", "duplicates", "orphans", "refetched_after_ack")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path))


def failed(url: str, *, passing: bool = False) -> Record:
    record = not_stored(candidate(url), RecordOutcome.FAILED, "http-404")
    return msgspec.structs.replace(record, passing=passing)


def whole(store: Store) -> Record:
    """Put all that must be there; return the record of the picture."""
    put_entries(store, CATEGORY, [failed(GONE), failed(SICK, passing=True)])
    return put_picture(store, CATEGORY, GOOD)


def ack(url: str, outcome: AckOutcome = AckOutcome.ALREADY_RECORDED) -> FinalAck:
    return FinalAck(at=1.0, url=url, outcome=outcome, reason="")


def wrong(found: Audit) -> list[str]:
    return [name for name in COUNTS if getattr(found, name)]


def test_nothing_is_wrong_where_strays_are_swept_and_passing_failures_are_asked_again(
    store: Store,
) -> None:
    whole(store)
    store.put_if_absent(image_key("default", CATEGORY, "0" * 64, "x"), b"stray")
    found = audit(
        store,
        kinds=KINDS,
        acks=[ack(GOOD, AckOutcome.STORED), ack(GOOD), ack(SICK, AckOutcome.FAILED)],
        requests=[Request(0.5, GOOD), Request(0.9, GOOD), Request(2.0, SICK)],
    )
    assert wrong(found) == []
    assert (found.given_up, found.outcomes) == (0, {"STORED": 1, "FAILED": 2})


def _without_object(store: Store) -> None:
    store.delete([whole(store).object_key])


def _of_nobody(store: Store) -> None:
    whole(store)
    put_entries(store, CATEGORY, [failed("http://a.test/another.jpg")])


def _in_another_category(store: Store) -> None:
    whole(store)
    store.put_if_absent(image_key("default", "dogs", "0" * 64, "x"), b"")


def _stored_although_missing(store: Store) -> None:
    whole(store)
    put_picture(store, CATEGORY, GONE)


@pytest.mark.parametrize(
    ("damaged", "expected"),
    [
        (lambda store: put_picture(store, CATEGORY, GOOD), ["lost"]),
        (_without_object, ["lost"]),
        (_stored_although_missing, ["lost"]),
        (_of_nobody, ["duplicates"]),
        (_in_another_category, ["orphans"]),
    ],
    ids=["no record", "no picture", "another outcome", "nobody's record", "nobody's picture"],
)
def test_what_is_wrong_with_a_store_is_found(
    damaged: Callable[[Store], object], expected: list[str], store: Store
) -> None:
    damaged(store)
    assert wrong(audit(store, kinds=KINDS, acks=[], requests=[])) == expected


def test_what_was_called_stored_and_is_not_is_lost(store: Store) -> None:
    whole(store)
    acks = [ack(GONE, AckOutcome.STORED)]
    assert wrong(audit(store, kinds=KINDS, acks=acks, requests=[])) == ["lost"]


@pytest.mark.parametrize("url", [GOOD, GONE])
def test_what_was_asked_for_after_its_final_ack_is_found(url: str, store: Store) -> None:
    whole(store)
    found = audit(store, kinds=KINDS, acks=[ack(url)], requests=[Request(1.5, url)])
    assert wrong(found) == ["refetched_after_ack"]
