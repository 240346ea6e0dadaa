"""A real downloader process faces the table; what it says, records, holds and sends is noted."""

import asyncio
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from artgrab.common.errors import BadInputError
from artgrab.common.record_parts import read_records
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from artgrab.v1 import ingest_service_pb2 as pb
from tests.support.certificates import make_authority
from tests.support.hostile.behaviours import DEAF, GOOD, RESETTING, SILENT, Behaviour
from tests.support.hostile.sites import Sites, serving
from tests.support.ingest_client import FINISH, Stream, batch, open_stream
from tests.support.waiting import WAIT_SECONDS

ROOT = Path(__file__).parents[3]
SETTINGS = {
    "stream_seconds": 600,
    "connect_seconds": 4,
    "first_byte_seconds": 5,
    "total_seconds": 9,
    "rate_seconds": 4,
    "max_source_bytes": 2 * 1024**2,
    "decode_workers": 2,
    "decode_memory_bytes": 256 * 1024**2,
}
_AT_ONCE = 12
_WATCH_SECONDS = 0.05
_CERTIFIED = "DNS:tls-hop.test"


@dataclass
class Findings:
    """What came of all of it."""

    told: dict[str, str] = field(default_factory=dict)
    """Outcome and reason of each behaviour; the status where its stream was closed."""
    recorded: dict[str, str] = field(default_factory=dict)
    """The same as it is in the store."""
    good: dict[str, list[str]] = field(default_factory=dict)
    """The same of the good sites asked for with each behaviour and after it."""
    overtaken: set[str] = field(default_factory=set)
    """Behaviours that still went on when the good site beside them was settled."""
    service_bytes: int = 0
    decoder_bytes: int = 0
    """The most that the service and any of its decoders ever held (VmHWM of proc(5))."""
    trespassers: int = 0
    asked: Collection[Any] = ()


def face(behaviours: Sequence[Behaviour], hops: Sequence[Behaviour], folder: Path) -> Findings:
    """Let one downloader meet all of them."""
    return asyncio.run(_face_all(behaviours, hops, folder))


async def _face_all(
    behaviours: Sequence[Behaviour], hops: Sequence[Behaviour], folder: Path
) -> Findings:
    found, store = Findings(), Store.open(str(folder / "store"))
    authority = make_authority(folder / "authority")
    pair = authority.issue(folder / "tls", names=_CERTIFIED)
    async with serving([*behaviours, *hops], pair) as sites:
        names = folder / "names.json"
        names.write_text(json.dumps(_names(behaviours)))
        environment = {**_environment(sites), "SSL_CERT_FILE": str(authority.certificate)}
        async with _downloader(names, folder / "store", environment) as (pid, endpoint):
            watching = asyncio.create_task(_watch(pid, found))
            async with open_stream(endpoint) as stream, _Client(stream).open() as client:
                await _Trial(endpoint, client, sites, found).run(behaviours)
            watching.cancel()
            found.service_bytes = _peak(pid)
        found.trespassers, found.asked = sites.trespassers, sites.asked
        found.recorded = _recorded(store, {sites.url(one): one.name for one in behaviours})
    return found


def _names(behaviours: Sequence[Behaviour]) -> dict[str, Any]:
    return {
        one.host if name == "site" else name: answers
        for one in behaviours
        for name, answers in one.names.items()
    }


def _environment(sites: Sites) -> dict[str, str]:
    hosts = (GOOD, RESETTING, DEAF, SILENT)
    targets = [f"{GOOD}/32:{sites.tls_port}", *(f"{one}/32:{sites.port}" for one in hosts)]
    settings = {f"ARTGRAB_DOWNLOADER_{name.upper()}": str(one) for name, one in SETTINGS.items()}
    return {**os.environ, **settings, "ARTGRAB_ALLOWED_TARGETS": json.dumps(targets)}


@asynccontextmanager
async def _downloader(
    names: Path, store: Path, environment: dict[str, str]
) -> AsyncIterator[tuple[int, str]]:
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.hostile.downloader", str(names)),
        *("--store", str(store), "--exit-with-parent", str(os.getpid())),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert running.stdout is not None
    try:
        line = await asyncio.wait_for(running.stdout.readline(), WAIT_SECONDS)
        yield running.pid, json.loads(line)["endpoint"]
    finally:
        if running.returncode is None:
            running.terminate()
        await asyncio.wait_for(running.wait(), WAIT_SECONDS)


class _Client:
    """Sends candidates on one stream and gives everybody their own ack."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._writing = asyncio.Lock()
        self._waiting: dict[bytes, asyncio.Future[pb.Ack]] = defaultdict(
            asyncio.get_running_loop().create_future
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator["_Client"]:
        """Listen for acks; in the end say that nothing more will come."""
        listening = asyncio.create_task(self._listen())
        try:
            yield self
            await self._stream.send(FINISH)
            await asyncio.wait_for(listening, WAIT_SECONDS)
        finally:
            listening.cancel()

    async def settle(self, url: str) -> str:
        """Return outcome and reason, on the candidate's last try; nothing where none came."""
        message = _candidate(url)
        async with self._writing:
            await self._stream.send(batch([message]))
        with suppress(TimeoutError):
            ack = await asyncio.wait_for(self._waiting[message.candidate_id], WAIT_SECONDS)
            return _outcome(ack)
        return ""

    async def _listen(self) -> None:
        while acks := await self._stream.receive_acks(1):
            for ack in acks:
                self._waiting[ack.candidate_id].set_result(ack)


class _Trial:
    def __init__(self, endpoint: str, client: _Client, sites: Sites, found: Findings) -> None:
        self._endpoint = endpoint
        self._client = client
        self._sites = sites
        self._found = found
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def run(self, behaviours: Sequence[Behaviour]) -> None:
        """Begin with all that outlast others; the others take turns beside them."""
        await asyncio.gather(
            *(self._face(one) for one in behaviours if one.outlasts),
            *(self._take_turn(one) for one in behaviours if not one.outlasts),
        )

    async def _take_turn(self, behaviour: Behaviour) -> None:
        async with self._places:
            await self._face(behaviour)

    async def _face(self, behaviour: Behaviour) -> None:
        found, name = self._found, behaviour.name
        hostile = asyncio.create_task(self._settle(self._sites.url(behaviour)))
        good = await self._good(f"beside-{name}")
        if not hostile.done():
            found.overtaken.add(name)
        found.told[name] = await hostile
        found.good[name] = [good, await self._good(f"after-{name}")]

    async def _good(self, name: str) -> str:
        return await self._client.settle(self._sites.fill(f"http://{name}.test:{{port}}/a.jpg"))

    async def _settle(self, url: str) -> str:
        if _is_link(url):
            return await self._client.settle(url)
        async with open_stream(self._endpoint) as stream:
            await stream.send(batch([_candidate(url)]))
            return str((await stream.code()).name)


def _outcome(ack: pb.Ack) -> str:
    return f"{pb.Outcome.Name(ack.outcome).removeprefix('OUTCOME_')} {ack.reason}".strip()


def _candidate(url: str) -> pb.Candidate:
    identity = candidate_id(url) if _is_link(url) else sha256(url.encode()).digest()
    return pb.Candidate(candidate_id=identity, url=url, source="gallery", last_try=True)


def _is_link(url: str) -> bool:
    try:
        candidate_id(url)
    except BadInputError:
        return False
    return True


def _recorded(store: Store, names: dict[str, str]) -> dict[str, str]:
    records = read_records(store, namespace="default", category="cats").values()
    return {
        names[one.record.candidate.url]: f"{one.record.outcome} {one.record.reason}".strip()
        for one in records
        if one.record.candidate.url in names
    }


async def _watch(pid: int, found: Findings) -> None:
    service = psutil.Process(pid)
    while service.is_running():
        for child in service.children():
            found.decoder_bytes = max(found.decoder_bytes, _peak(child.pid))
        await asyncio.sleep(_WATCH_SECONDS)


def _peak(pid: int) -> int:
    """Return the most memory that a process ever held; 0 where it is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
