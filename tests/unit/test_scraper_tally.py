"""Counting what became of pictures: each once, stored before all else."""

from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.records import Candidate, RecordOutcome
from artgrab.scraper.ingest_messages import Acked, AckOutcome
from artgrab.scraper.tally import Tally


def _answer(number: int, outcome: AckOutcome, reason: str = "") -> Acked:
    candidate = Candidate(candidate_id=f"{number:064x}", url="http://a.test/", source="gallery")
    return Acked(candidate=candidate, outcome=outcome, reason=reason)


_ANSWERS = st.lists(
    st.builds(
        _answer,
        st.integers(0, 5),
        st.sampled_from(AckOutcome),
        st.sampled_from(["STORED", "REJECTED", "FAILED", "too-small"]),
    )
)


def test_a_picture_that_was_stored_before_counts_as_stored_but_not_as_fetched() -> None:
    tally = Tally()
    tally.sent(f"{1:064x}")
    tally.acked(_answer(1, AckOutcome.ALREADY_RECORDED, "STORED"))
    assert (tally.candidates, tally.stored, tally.fetched, tally.already_recorded) == (1, 1, 0, 1)


def test_reasons_are_counted() -> None:
    tally = Tally()
    for number in range(3):
        tally.acked(_answer(number, AckOutcome.REJECTED, "too-small" if number else "noai"))
    assert tally.reasons(RecordOutcome.REJECTED) == {"too-small": 2, "noai": 1}
    assert tally.reasons(RecordOutcome.FAILED) == {}


def test_reasons_against_pictures_are_those_of_their_final_outcomes() -> None:
    tally = Tally()
    tally.acked(_answer(1, AckOutcome.FAILED, "too-slow"))
    tally.acked(_answer(1, AckOutcome.REJECTED, "too-small"))
    tally.acked(_answer(2, AckOutcome.ALREADY_RECORDED, "REJECTED"))
    tally.acked(_answer(3, AckOutcome.ALREADY_RECORDED, "FAILED"))
    tally.acked(_answer(4, AckOutcome.STORED))
    assert tally.not_kept() == {"too-small": 1, "recorded before": 2}


@given(_ANSWERS)
def test_every_picture_is_counted_once_under_its_best_outcome(answers: list[Acked]) -> None:
    tally = Tally()
    for answer in answers:
        tally.acked(answer)
    ids = {answer.candidate.candidate_id for answer in answers}
    stored = {
        answer.candidate.candidate_id
        for answer in answers
        if answer.outcome is AckOutcome.STORED
        or (answer.outcome is AckOutcome.ALREADY_RECORDED and answer.reason == "STORED")
    }
    assert tally.stored + tally.rejected + tally.failed == len(ids)
    assert tally.fetched + tally.already_recorded == len(ids)
    assert tally.stored == len(stored)


@given(_ANSWERS)
def test_the_order_of_the_answers_does_not_matter(answers: list[Acked]) -> None:
    one, other = Tally(), Tally()
    for answer in answers:
        one.acked(answer)
    for answer in reversed(answers):
        other.acked(answer)
    assert (one.stored, one.rejected, one.failed) == (other.stored, other.rejected, other.failed)
