"""Several real downloaders on addresses of their own behind one name, as pods are."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from artgrab.common.network import NetworkSettings
from tests.support.named_downloader import NAME, addresses_in
from tests.support.waiting import WAIT_SECONDS

ROOT = Path(__file__).parents[2]


class Fleet:
    """Downloaders by address; only those that are ready stand behind the name."""

    def __init__(
        self, names: Path, port: int, store_uri: str, network: NetworkSettings, **settings: object
    ) -> None:
        self.endpoint = f"{NAME}:{port}"
        self.pods: dict[str, asyncio.subprocess.Process] = {}
        self._names = names
        self._port = port
        self._store_uri = store_uri
        self._environment = {
            "ARTGRAB_RESOLVE": json.dumps(network.resolve),
            "ARTGRAB_ALLOWED_TARGETS": json.dumps(network.allowed_targets),
            "ARTGRAB_DOWNLOADER_DECODE_WORKERS": "1",
            "ARTGRAB_DOWNLOADER_ADDRESSES": json.dumps([self.endpoint]),
            **{f"ARTGRAB_DOWNLOADER_{name.upper()}": str(one) for name, one in settings.items()},
        }
        names.write_text("")

    async def lookup(self, endpoints: Sequence[str]) -> list[str]:
        """Resolve as a client in the cluster does."""
        return sorted(f"{one}:{self._port}" for one in addresses_in(self._names))

    async def join(self, address: str, *, seconds: float = WAIT_SECONDS) -> None:
        """Start a downloader; it stands behind the name as soon as it is ready."""
        await self.start(address, seconds=seconds)
        self.show(address)

    async def start(self, address: str, *, seconds: float = WAIT_SECONDS) -> None:
        """Start a downloader that the name does not know yet."""
        own = f"{address}:{self._port}"
        self.pods[address] = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.support.named_downloader", str(self._names)),
            *("--store", self._store_uri, "--listen", own),
            *("--exit-with-parent", str(os.getpid())),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={**os.environ, **self._environment, "ARTGRAB_DOWNLOADER_OWN_ADDRESS": own},
        )
        output = self.pods[address].stdout
        assert output is not None
        line = await asyncio.wait_for(output.readline(), seconds)
        assert json.loads(line)["endpoint"] == own

    def show(self, address: str) -> None:
        """Put a downloader behind the name."""
        self._show({*addresses_in(self._names), address})

    def hide(self, address: str) -> None:
        """Take a downloader out of the name."""
        self._show({*addresses_in(self._names)} - {address})

    async def leave(self, address: str) -> None:
        """End a downloader as Kubernetes does: out of the name first, then SIGTERM."""
        self.hide(address)
        pod = self.pods.pop(address)
        pod.terminate()
        assert await asyncio.wait_for(pod.wait(), WAIT_SECONDS) == 0

    async def kill(self, address: str) -> None:
        """End one by SIGKILL; the name learns of it afterwards."""
        pod = self.pods.pop(address)
        pod.send_signal(signal.SIGKILL)
        await pod.wait()
        self.hide(address)

    def _show(self, ready: set[str]) -> None:
        staged = self._names.with_suffix(".new")
        staged.write_text("\n".join(sorted(ready)))
        staged.replace(self._names)


@asynccontextmanager
async def fleet(
    folder: Path, port: int, store_uri: str, network: NetworkSettings, **settings: object
) -> AsyncIterator[Fleet]:
    """Yield a fleet without a downloader yet; those that are left in the end are killed."""
    found = Fleet(folder / "names", port, store_uri, network, **settings)
    try:
        yield found
    finally:
        for pod in found.pods.values():
            if pod.returncode is None:
                pod.kill()
            await pod.communicate()
