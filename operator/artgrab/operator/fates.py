"""What the end of a scrape Job means."""

from collections.abc import Mapping
from dataclasses import dataclass

from artgrab.operator.observed import Job, JobEnd, Result, Trouble, Word

BAD_INPUT = "PodFailurePolicy"
"""Reason of a Job that ended at once, because its pod exited with 2."""


@dataclass(frozen=True)
class Refused:
    """The scraper cannot work with this spec, or with its settings: trying again is of no use."""

    message: str


@dataclass(frozen=True)
class Failed:
    """It may work later."""

    message: str


Fate = Result | Refused | Failed


def fate_of(job: Job, words: Mapping[str, Word]) -> Fate:
    """Return what became of a finished Job."""
    word = words.get(job.uid)
    if job.end is JobEnd.COMPLETE:
        if isinstance(word, Result) and word.run_id == job.run_id:
            return word
        return Failed(_lost(word))
    said = word.text if isinstance(word, Trouble) else _told(job)
    return Refused(said) if job.end_reason == BAD_INPUT else Failed(said)


def _lost(word: Word | None) -> str:
    if isinstance(word, Trouble):
        return word.text
    return "its pod vanished before it could be asked how it ended"


def _told(job: Job) -> str:
    match job.end_reason:
        case "DeadlineExceeded":
            return "it ran longer than scraper.deadlineSeconds allows"
        case "BackoffLimitExceeded":
            return "its pods failed again and again"
    return job.end_message or job.end_reason or "it failed without a word"
