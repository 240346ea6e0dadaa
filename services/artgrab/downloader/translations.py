"""Between the messages of the ingest protocol and our own types."""

import re
from collections.abc import Iterable

import grpc

from artgrab.common.errors import BadInputError
from artgrab.common.keys import is_label
from artgrab.common.politeness.optouts import bounded_signals
from artgrab.common.records import Candidate, Licence
from artgrab.common.runs import CategoryCounts
from artgrab.common.urls import candidate_id
from artgrab.downloader.endings import Ending
from artgrab.downloader.ledgers import Verdict, VerdictOutcome
from artgrab.downloader.pipeline import Filters, Task
from artgrab.v1 import ingest_service_pb2 as pb

_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REASON = re.compile(r"[A-Z][A-Za-z]{0,63}")
MAX_MIN_SIDE = 4096
_MAX_PROBLEMS = 100
_MAX_TEXT = 1024
_MAX_LONG_TEXT = 8192


class ProtocolError(Exception):
    """The client broke the protocol; its stream ends with this status."""

    def __init__(self, message: str, *, code: grpc.StatusCode) -> None:
        super().__init__(message)
        self.code = code


def invalid(message: str) -> ProtocolError:
    return ProtocolError(message, code=grpc.StatusCode.INVALID_ARGUMENT)


def task_of(hello: pb.Hello) -> Task:
    """Return for whom a stream works; its names become parts of keys.

    Raises:
        ProtocolError: a name or filter is not allowed.
    """
    _check_names(hello, where="hello")
    if hello.filters.min_side > MAX_MIN_SIDE:
        raise invalid(f"hello.filters.min_side must be at most {MAX_MIN_SIDE}")
    filters = Filters(min_side=hello.filters.min_side)
    return Task(hello.namespace, hello.category, hello.run_id, filters)


def ending_of(request: pb.EndRunRequest) -> Ending:
    """Return which run is to end and how; its texts are cut to what a summary may hold.

    Raises:
        ProtocolError: a name or reason is not allowed.
    """
    _check_names(request, where="request")
    if not _REASON.fullmatch(request.reason):
        raise invalid("request.reason must be one word, as TargetReached")
    return Ending(
        namespace=request.namespace,
        category=request.category,
        run_id=request.run_id,
        reason=request.reason,
        problems=tuple(one[:_MAX_TEXT] for one in request.problems[:_MAX_PROBLEMS]),
    )


def ended_response(counts: CategoryCounts) -> pb.EndRunResponse:
    """Return the message that tells a client what its category came to."""
    return pb.EndRunResponse(
        candidates=counts.candidates,
        stored=counts.stored,
        rejected=counts.rejected,
        failed=counts.failed,
    )


def _check_names(message: pb.Hello | pb.EndRunRequest, *, where: str) -> None:
    for field in ("namespace", "category"):
        if not is_label(getattr(message, field)):
            raise invalid(f"{where}.{field} must be a DNS label")
    if not _RUN_ID.fullmatch(message.run_id):
        raise invalid(f"{where}.run_id must be 1 to 64 of A-Z, a-z, 0-9, - and _")


def candidate_of(message: pb.Candidate) -> Candidate:
    """Return a candidate whose id was found true; its texts are cut to what a record may hold.

    Raises:
        ProtocolError: the URL is none, or the id is not that of the URL.
    """
    try:
        true_id = candidate_id(message.url)
    except BadInputError as error:
        raise invalid(f"candidate.url: {error}") from error
    if message.candidate_id != true_id:
        raise invalid("candidate.candidate_id is not that of its URL")
    return Candidate(
        candidate_id=true_id.hex(),
        url=message.url,
        page_url=message.page_url[:_MAX_LONG_TEXT],
        source=message.source[:_MAX_TEXT],
        query=message.query[:_MAX_TEXT],
        partition=message.partition[:_MAX_TEXT],
        rank=message.rank,
        title=message.title[:_MAX_TEXT],
        claimed_width=message.claimed_width,
        claimed_height=message.claimed_height,
        licence=_licence_of(message.licence) if message.HasField("licence") else _NO_LICENCE,
        creator=message.creator[:_MAX_TEXT],
        page_read=message.page_read,
        page_signals=bounded_signals(message.page_signals) if message.page_signals else (),
    )


_NO_LICENCE = Licence()


def _licence_of(message: pb.Licence) -> Licence:
    return Licence(
        code=message.code[:_MAX_TEXT],
        url=message.url[:_MAX_LONG_TEXT],
        evidence=message.evidence[:_MAX_TEXT],
    )


_OUTCOMES = {outcome: pb.Outcome.Value(f"OUTCOME_{outcome}") for outcome in VerdictOutcome}


def acks_of(settled: Iterable[tuple[Candidate, Verdict]]) -> pb.AckBatch:
    """Return the message that tells a client what became of its candidates."""
    acks = pb.AckBatch()
    for candidate, verdict in settled:
        ack = acks.acks.add(
            candidate_id=bytes.fromhex(candidate.candidate_id),
            outcome=_OUTCOMES[verdict.outcome],
            reason=verdict.reason,
        )
        if verdict.retry_after:
            ack.retry_after.FromMilliseconds(round(verdict.retry_after * 1000))
    return acks
