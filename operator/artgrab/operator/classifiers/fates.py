"""What the end of a Job of a classifier means."""

from collections.abc import Mapping

from artgrab.operator.classifiers.observed import (
    DatasetMade,
    LearningComponent,
    LearningJob,
    LearningWord,
    ModelMade,
)
from artgrab.operator.fates import BAD_INPUT, Failed, Refused
from artgrab.operator.observed import JobEnd, Trouble

__all__ = ["Failed", "Fate", "Refused", "fate_of"]

Fate = DatasetMade | ModelMade | Refused | Failed

_MADE = {LearningComponent.DATASET: DatasetMade, LearningComponent.TRAINER: ModelMade}
_DEADLINES = {
    LearningComponent.DATASET: "trainer.dataset.deadlineSeconds",
    LearningComponent.TRAINER: "trainer.deadlineSeconds",
}


def fate_of(job: LearningJob, words: Mapping[str, LearningWord]) -> Fate:
    """Return what became of a finished Job."""
    word = words.get(job.uid)
    if job.end is JobEnd.COMPLETE:
        if isinstance(word, DatasetMade | ModelMade) and isinstance(word, _MADE[job.component]):
            return word
        return Failed(_lost(word))
    said = word.text if isinstance(word, Trouble) else _told(job)
    return Refused(said) if job.end_reason == BAD_INPUT else Failed(said)


def _lost(word: LearningWord | None) -> str:
    if isinstance(word, Trouble):
        return word.text
    return "its pod vanished before it could be asked what it made"


def _told(job: LearningJob) -> str:
    match job.end_reason:
        case "DeadlineExceeded":
            return f"it ran longer than {_DEADLINES[job.component]} allows"
        case "BackoffLimitExceeded":
            return "its pods failed again and again"
    return job.end_message or job.end_reason or "it failed without a word"
