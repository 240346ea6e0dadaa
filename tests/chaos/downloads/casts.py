"""Those who download together, each started again when it dies, as a cluster does."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Awaitable, Mapping
from contextlib import suppress

import psutil

from artgrab.common.network import NetworkSettings
from tests.chaos.downloads.client import Ground
from tests.chaos.plans import Victim
from tests.support.fleet import ROOT, Fleet
from tests.support.s3 import S3Server
from tests.support.waiting import eventually

SETTINGS: Mapping[str, object] = {
    "resolve_seconds": 1,
    "stream_seconds": 8,
    "drain_grace_seconds": 20,
    "stop_grace_seconds": 10,
    "credits": 32,
}
"""Of the downloaders: streams end often, so that kills meet their ends as well, and are given the
time that a decoder takes to start on a busy machine."""
_NOTICED_SECONDS = 0.5
"""For so long at most the name still stands for a downloader that was killed."""
_DOWN_SECONDS = 1.0
"""The same of a bucket's server without a successor."""
_PATIENCE_SECONDS = 900.0
"""For processes to start: the machine may be as busy as it likes."""
_DECODER = "artgrab.images.worker"


class Cast:
    """A fleet of downloaders, a client and, where the store is a bucket, its server."""

    def __init__(
        self,
        ground: Ground,
        *,
        store_uri: str,
        network: NetworkSettings,
        addresses: list[str],
        s3: S3Server | None,
        randomness: random.Random,
    ) -> None:
        self.fleet = Fleet(ground.names, ground.port, store_uri, network, **SETTINGS)
        self.problems: list[str] = []
        """Whatever ended without having been killed."""
        self.client_lives = 0
        self._ground = ground
        self._addresses = addresses
        self._s3 = s3
        self._randomness = randomness
        self._client: asyncio.subprocess.Process | None = None
        self._released = 0
        self._down = 0
        """Servers of buckets that are being started again."""
        self._ending = False
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start all of them; return when the downloaders are ready."""
        keepers: list[Awaitable[None]] = [self._keep_downloader(one) for one in self._addresses]
        self._keepers = [asyncio.ensure_future(one) for one in [*keepers, self._keep_client()]]
        await self._whole()

    def release(self, count: int) -> None:
        """Let the client send so many of its URLs in all."""
        self._released = count
        self._tell_client()

    def find(self, victim: Victim) -> list[int]:
        """Return the process ids of those who may be killed."""
        pods = [pod.pid for pod in self.fleet.pods.values() if pod.returncode is None]
        match victim:
            case Victim.DOWNLOADER:
                return pods
            case Victim.DECODER:
                return [one for pod in pods for one in _decoders(pod)]
            case Victim.CLIENT if self._client and self._client.returncode is None:
                return [self._client.pid]
            case Victim.STORE if self._s3 and not self._down:
                return [0]
        return []

    async def kill(self, victim: Victim) -> bool:
        """Kill one of them; tell whether there was one."""
        found = self.find(victim)
        if not found:
            return False
        if victim is Victim.STORE:
            self._keepers.append(asyncio.create_task(self._restart_store()))
            return True
        with suppress(ProcessLookupError):
            os.kill(self._randomness.choice(found), signal.SIGKILL)
            return True
        return False

    async def end(self) -> None:
        """Wait until the client is done, then end the downloaders as a cluster does."""
        self._ending = True
        client = self._keepers[len(self._addresses)]
        await asyncio.wait([client])
        for keeper in self._keepers:
            if keeper.done():
                keeper.result()
        await self._whole()
        for address in self._addresses:
            self._keepers[self._addresses.index(address)].cancel()
            await self.fleet.leave(address)

    async def abandon(self) -> None:
        """Leave nothing behind, whatever happened."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for process in [*self.fleet.pods.values(), self._client]:
            if process is not None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.communicate()

    async def _whole(self) -> None:
        names = self._ground.names
        wanted = set(self._addresses)
        await eventually(
            lambda: not self._down and set(names.read_text().split()) == wanted,
            seconds=_PATIENCE_SECONDS,
        )

    async def _keep_downloader(self, address: str) -> None:
        while True:
            with suppress(ValueError):  # it died before it was ready
                await self.fleet.join(address, seconds=_PATIENCE_SECONDS)
            code = await self.fleet.pods[address].wait()
            if code not in (-signal.SIGKILL, 4):  # 4: the store was away when it was started
                self.problems.append(f"downloader {address} ended with {code}")
            await asyncio.sleep(self._randomness.uniform(0, _NOTICED_SECONDS))
            self.fleet.hide(address)

    async def _keep_client(self) -> None:
        while True:
            self.client_lives += 1
            self._client = await self._start_client()
            self._tell_client()
            code = await self._client.wait()
            if code not in (0, -signal.SIGKILL):
                self.problems.append(f"a client ended with {code}")
            if code == 0 and self._ending:
                return

    async def _start_client(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.downloads.client"),
            *(str(self._ground.folder), str(self._ground.port)),
            *("--seed", str(self._randomness.randrange(2**32))),
            *("--exit-with-parent", str(os.getpid())),
            cwd=ROOT,
            stdin=subprocess.PIPE,
        )

    def _tell_client(self) -> None:
        if self._client is not None and self._client.stdin is not None:
            with suppress(ConnectionError):
                self._client.stdin.write(f"{self._released}\n".encode())

    async def _restart_store(self) -> None:
        assert self._s3 is not None
        self._down += 1
        await asyncio.to_thread(self._s3.kill)
        await asyncio.sleep(self._randomness.uniform(0, _DOWN_SECONDS))
        await asyncio.to_thread(self._s3.start)
        self._down -= 1


def _decoders(pod: int) -> list[int]:
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(pod).children()
        return [one.pid for one in found if _DECODER in _line(one)]
    return []


def _line(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())
    return ""
