"""Statuses are written as Kubernetes writes them and read from newer operators, too."""

from datetime import datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from artgrab.common.statuses import (
    ArtCategoryStatus,
    ArtClassifierStatus,
    Condition,
    ConditionStatus,
)

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


def test_a_status_of_a_classifier_is_read_as_it_is_written() -> None:
    at, digest = "2026-11-22T03:00:00Z", "0" * 64
    model = {"key": digest, "uri": "s3://b/m", "contentSha256": digest, "dataset": digest}
    status = {
        "observedGeneration": 2,
        "conditions": [READY],
        "dataset": {
            **{"key": digest, "uri": "s3://b/d", "contentSha256": digest, "images": 9},
            **{"stored": 10, "inputs": "i", "builtAt": at},
        },
        "model": {
            **model,
            **{"inputs": "i", "accuracyPermille": 912, "testImages": 2, "trainedAt": at},
            **{"servedAccuracyPermille": 900, "served": digest},
        },
        "serving": {
            **{"key": digest, "contentSha256": digest, "model": digest[:12]},
            **{"accuracyPermille": 900, "since": at, "endpoint": "a:1", "readyReplicas": 1},
        },
        "failedRollout": {"contentSha256": digest, "template": "t", "at": at, "message": "late"},
        "failures": 1,
    }
    read = ArtClassifierStatus.model_validate(status)
    assert read.model_dump(mode="json", by_alias=True, exclude_none=True) == status


@pytest.mark.parametrize("accuracy", [0.912, 1001, -1, "many"])
def test_accuracies_are_whole_permille(accuracy: object) -> None:
    serving = {"key": "", "contentSha256": "", "model": "", "endpoint": "", "readyReplicas": 0}
    serving |= {"since": "2026-11-22T03:00:00Z", "accuracyPermille": accuracy}
    with pytest.raises(ValidationError):
        ArtClassifierStatus.model_validate({"serving": serving})


def test_fields_of_a_newer_operator_are_passed_over() -> None:
    assert ArtCategoryStatus.model_validate({"mood": "good"}) == ArtCategoryStatus()


@pytest.mark.parametrize(
    "change", [{"reason": ""}, {"status": "Maybe"}, {"type": "a b"}, {"lastTransitionTime": "now"}]
)
def test_a_condition_is_one_of_kubernetes(change: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(READY | change)
