"""Statuses are written as Kubernetes writes them and read from newer operators, too."""

from datetime import datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from artgrab.common.statuses import ArtCategoryStatus, Condition, ConditionStatus

READY = {
    "type": "Ready",
    "status": "True",
    "reason": "TargetReached",
    "message": "",
    "lastTransitionTime": "2026-11-22T03:00:00Z",
}


def test_times_are_written_in_utc_and_whole_seconds() -> None:
    tokyo = timezone(timedelta(hours=9))
    ended = datetime(2026, 11, 22, 12, 0, 1, 999999, tzinfo=tokyo)
    written = ArtCategoryStatus(ended_at=ended).model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    assert written["endedAt"] == "2026-11-22T03:00:01Z"
    assert ArtCategoryStatus.model_validate(written).ended_at == ended.replace(microsecond=0)


def test_a_status_is_read_as_it_is_written() -> None:
    counts = {"candidates": 3, "stored": 2, "rejected": 1, "failed": 0}
    status = {"conditions": [READY], "counts": counts}
    read = ArtCategoryStatus.model_validate(status)
    assert read.conditions[0].status is ConditionStatus.TRUE
    assert read.model_dump(mode="json", by_alias=True, exclude_none=True) == status


def test_fields_of_a_newer_operator_are_passed_over() -> None:
    assert ArtCategoryStatus.model_validate({"mood": "good"}) == ArtCategoryStatus()


@pytest.mark.parametrize(
    "change", [{"reason": ""}, {"status": "Maybe"}, {"type": "a b"}, {"lastTransitionTime": "now"}]
)
def test_a_condition_is_one_of_kubernetes(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(READY | change)
