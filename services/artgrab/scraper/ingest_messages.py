"""Between our types and those of the ingest protocol."""

from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from artgrab.common.records import Candidate
from artgrab.v1 import ingest_service_pb2 as pb

_UINT32 = 2**32 - 1


def hello_message(
    *, namespace: str, category: str, run_id: str, token: str, min_side: int
) -> pb.IngestRequest:
    """Return the message that opens a stream."""
    return pb.IngestRequest(
        hello=pb.Hello(
            namespace=namespace,
            category=category,
            run_id=run_id,
            token=token,
            filters=pb.Filters(min_side=min_side),
        )
    )


def batch_message(
    candidates: Iterable[Candidate], *, is_last_try: Callable[[Candidate], bool]
) -> pb.IngestRequest:
    """Return the message that carries candidates."""
    messages = [candidate_message(one, last_try=is_last_try(one)) for one in candidates]
    return pb.IngestRequest(batch=pb.Batch(candidates=messages))


def candidate_message(candidate: Candidate, *, last_try: bool = False) -> pb.Candidate:
    return pb.Candidate(
        candidate_id=bytes.fromhex(candidate.candidate_id),
        url=candidate.url,
        page_url=candidate.page_url,
        source=candidate.source,
        query=candidate.query,
        partition=candidate.partition,
        rank=candidate.rank,
        title=candidate.title,
        claimed_width=min(candidate.claimed_width, _UINT32),
        claimed_height=min(candidate.claimed_height, _UINT32),
        licence=pb.Licence(
            code=candidate.licence.code,
            url=candidate.licence.url,
            evidence=candidate.licence.evidence,
        ),
        creator=candidate.creator,
        page_read=candidate.page_read,
        page_signals=candidate.page_signals,
        last_try=last_try,
    )


class AckOutcome(StrEnum):
    """What became of a candidate, for good."""

    STORED = "STORED"
    ALREADY_RECORDED = "ALREADY_RECORDED"
    REJECTED = "REJECTED"
    FAILED = "FAILED"


class Acked(msgspec.Struct, frozen=True, kw_only=True):
    """The final answer for a candidate."""

    candidate: Candidate
    outcome: AckOutcome
    reason: str = ""


_OUTCOMES = {
    pb.OUTCOME_STORED: AckOutcome.STORED,
    pb.OUTCOME_ALREADY_RECORDED: AckOutcome.ALREADY_RECORDED,
    pb.OUTCOME_REJECTED: AckOutcome.REJECTED,
    pb.OUTCOME_FAILED: AckOutcome.FAILED,
}


def acked(candidate: Candidate, ack: pb.Ack) -> Acked | None:
    """Return what a server's ack says; None where it says to try again later."""
    if ack.outcome == pb.OUTCOME_RETRY_LATER:
        return None
    outcome = _OUTCOMES.get(ack.outcome)
    if outcome is None:
        unknown = f"outcome {ack.outcome} is not known to this version"
        return Acked(candidate=candidate, outcome=AckOutcome.FAILED, reason=unknown)
    return Acked(candidate=candidate, outcome=outcome, reason=ack.reason)
