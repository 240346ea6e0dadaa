"""What a client of the downloader sends: messages of a stream, and tokens."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import cast

from google.protobuf.message import DecodeError

from artgrab.common.records import Candidate
from artgrab.common.tokens import RunToken, TokenError, sign, verify
from artgrab.downloader.ledgers import Verdict, VerdictOutcome
from artgrab.downloader.metrics import Metrics
from artgrab.downloader.sessions import Session
from artgrab.downloader.translations import ProtocolError, ending_of, task_of
from artgrab.v1 import ingest_service_pb2 as pb
from tests.fuzz.targets import Target
from tests.support.ingest_client import FINISH, batch, candidate, hello

_LENGTH_BYTES = 2
_CREDITS = 8
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_KEY = bytes(range(32))


def _messages(data: bytes) -> list[bytes]:
    """Split an input into messages; each begins with its length."""
    messages = []
    while len(data) > _LENGTH_BYTES:
        length = int.from_bytes(data[:_LENGTH_BYTES], "big")
        messages.append(data[_LENGTH_BYTES : _LENGTH_BYTES + length])
        data = data[_LENGTH_BYTES + length :]
    return messages


def _joined(*requests: pb.IngestRequest) -> bytes:
    bodies = [one.SerializeToString() for one in requests]
    return b"".join(len(body).to_bytes(_LENGTH_BYTES, "big") + body for body in bodies)


def _streams() -> list[bytes]:
    some = [candidate(f"http://img.a.test/{n}.jpg", title="a", page_signals="x") for n in range(3)]
    end = pb.EndRunRequest(namespace="a", category="b", run_id="c", reason="TargetReached")
    return [
        _joined(hello(), batch(some), FINISH),
        _joined(hello(filters=pb.Filters(min_side=96)), batch(some[:1]), batch(some[1:]), FINISH),
        _joined(hello(token="a.b.c"), FINISH, batch(some), pb.IngestRequest()),
        _joined(pb.IngestRequest(batch=pb.Batch(candidates=some * 3))),
        _joined(cast(pb.IngestRequest, end)),
    ]


async def _settled(candidate: Candidate, last_try: bool) -> Verdict:
    assert len(candidate.url) <= 8192
    return Verdict(VerdictOutcome.RETRY_LATER, "host-busy", 1.0)


async def _converse(requests: list[pb.IngestRequest]) -> object:
    """Be the server of a stream; return how many acks and credits came."""

    async def sent() -> AsyncIterator[pb.IngestRequest]:
        for request in requests:
            yield request

    session = Session(
        _settled,
        credits_at_once=_CREDITS,
        drain_wanted=asyncio.Future,
        metrics=_METRICS,
    )
    acks = 0
    async for response in session.run(sent()):
        acks += len(response.acks.acks)
    return acks


_METRICS = Metrics()
_LOOP = asyncio.new_event_loop()


def _session(data: bytes) -> object:
    first, *others = _messages(data) or [b""]
    opening = pb.IngestRequest.FromString(first)
    task = task_of(opening.hello)
    with suppress(DecodeError, ProtocolError):
        ending_of(pb.EndRunRequest.FromString(first))
    requests = [pb.IngestRequest.FromString(one) for one in others]
    acks = _LOOP.run_until_complete(asyncio.wait_for(_converse(requests), 10))
    return bool(task.filters.min_side), acks


def _tokens() -> list[bytes]:
    token = RunToken(
        namespace="default",
        category="cats",
        run_id="run-1",
        min_side=96,
        expires_at=datetime(2026, 1, 2, tzinfo=UTC),
    )
    good = sign(token, _KEY, issued_at=_NOW).encode()
    return [good, good[:-1] + b"A", _payload_of(good)]


def _payload_of(token: bytes) -> bytes:
    return base64.urlsafe_b64decode(token.split(b".")[1] + b"==")


def _verify(data: bytes) -> object:
    """Show the input as a token, and as the claims of one that is signed."""
    return [_told(text) for text in (data.decode("latin-1"), _signed(data))]


def _told(text: str) -> str:
    try:
        return f"good for pictures from {verify(text, _KEY, _NOW).min_side} pixels on"[:25]
    except TokenError as error:
        return str(error)[:40]


def _signed(claims: bytes) -> str:
    header = json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
    parts = b".".join(base64.urlsafe_b64encode(one).rstrip(b"=") for one in (header, claims))
    mac = hmac.digest(_KEY, parts, "sha256")
    return (parts + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


SESSION = Target(
    _session,
    _streams,
    may_raise=(DecodeError, ProtocolError),
    words=(b"http://", b"\x0a", b"\x12", b"\xff\xff\xff\xff\x0f"),
)
TOKENS = Target(
    _verify, _tokens, words=(b'"exp"', b'"minSide"', b"null", b"1e400", b".", b"eyJ", b"[[[[")
)
