"""`python -m tests.chaos.downloads.client`: a scraper's client that may be killed at any moment.

It sends what it has not seen acknowledged for good, and some that it has: a scraper that is started
again goes through its source from the beginning. How many of the URLs it may send comes on stdin.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from artgrab.common.processes import die_with_parent
from artgrab.common.records import Candidate
from artgrab.common.urls import candidate_id
from artgrab.scraper.ending import RunEnd, end_run
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.ingest_messages import Acked, AckOutcome, hello_message
from artgrab.scraper.lanes import Policy
from tests.support.named_downloader import NAME, addresses_in

NAMESPACE, CATEGORY, RUN_ID = "default", "cats", "run-1"
MIN_SIDE = 64
"""The filter of the run: what is smaller is rejected."""
END = RunEnd(namespace=NAMESPACE, category=CATEGORY, run_id=RUN_ID, reason="SourcesExhausted")
POLICY = Policy(
    resolve_seconds=0.3,
    longest_pause_seconds=1.0,
    stream_attempts=1000,
    retry_attempts=200,
    longest_retry_seconds=2.0,
    end_attempts=1000,
    end_seconds=20.0,
)
"""Patient, as things never calm down; and quick, as each of them is short."""
_SENT_AGAIN, _FOUND_ELSEWHERE = 0.5, 0.1
"""Of what is acknowledged, by a client that was started again; and of that, as found by another
query."""


class FinalAck(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the client's log."""

    at: float
    """Seconds of time.monotonic(), when it came."""
    url: str
    outcome: AckOutcome
    reason: str


@dataclass(frozen=True)
class Ground:
    """Where a client works: the files of a folder."""

    folder: Path
    port: int
    """Of all downloaders."""

    @property
    def names(self) -> Path:
        """The file that the name of the downloaders is looked up in."""
        return self.folder / "names"

    @property
    def urls(self) -> list[str]:
        return (self.folder / "urls").read_text().split()

    @property
    def acks_file(self) -> Path:
        return self.folder / "acks"

    @property
    def endpoint(self) -> str:
        return f"{NAME}:{self.port}"

    def acks(self) -> Iterator[FinalAck]:
        """Read the log; a line that a kill cut short does not count."""
        data = self.acks_file.read_bytes() if self.acks_file.exists() else b""
        for line in data.splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield msgspec.json.decode(line, type=FinalAck)

    async def lookup(self, endpoints: Sequence[str]) -> list[str]:
        """Resolve as a client in the cluster does."""
        return sorted(f"{one}:{self.port}" for one in addresses_in(self.names))


class AckLog:
    """Keeps each final ack as it comes: one write, which outlives a kill."""

    def __init__(self, file: Path) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, answer: Acked) -> None:
        line = FinalAck(
            at=time.monotonic(),
            url=answer.candidate.url,
            outcome=answer.outcome,
            reason=answer.reason,
        )
        os.write(self._file, msgspec.json.encode(line) + b"\n")


async def work(ground: Ground, *, seed: int) -> None:
    """Send all that there is to send, and end the run."""
    known = {ack.url for ack in ground.acks()}
    again = random.Random(seed)
    async with IngestClient(
        [ground.endpoint],
        hello=lambda: hello_message(
            namespace=NAMESPACE, category=CATEGORY, run_id=RUN_ID, token="", min_side=MIN_SIDE
        ),
        on_ack=AckLog(ground.acks_file).note,
        policy=POLICY,
        lookup=ground.lookup,
    ) as client:
        async for url in _released(ground.urls):
            if url not in known:
                await client.send(_candidate(url))
            elif again.random() < _SENT_AGAIN:
                elsewhere = again.random() < _FOUND_ELSEWHERE
                await client.send(_candidate(url, query="kittens" if elsewhere else "cats"))
        await client.finish()
    await end_run(END, endpoints=[ground.endpoint], policy=POLICY, lookup=ground.lookup)


async def _released(urls: Sequence[str]) -> AsyncIterator[str]:
    """Yield the URLs one by one, as stdin says how many there may be."""
    given = 0
    while given < len(urls):
        line = await asyncio.to_thread(sys.stdin.readline)
        for url in urls[given : int(line)]:
            yield url
        given = max(given, int(line))


def _candidate(url: str, *, query: str = "cats") -> Candidate:
    return Candidate(candidate_id=candidate_id(url).hex(), url=url, source="gallery", query=query)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--exit-with-parent", type=int, required=True)
    options = parser.parse_args()
    die_with_parent(options.exit_with_parent)
    asyncio.run(work(Ground(options.folder, options.port), seed=options.seed))


if __name__ == "__main__":
    main()
