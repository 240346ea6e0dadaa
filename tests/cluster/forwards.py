"""`kubectl port-forward`: how a test reaches into any provider's cluster from outside."""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO

from artgrab.common.processes import die_with_parent
from tests.cluster.commands import wait_until
from tests.cluster.kubectl import Kubectl

READY_SECONDS = 60
_READY = re.compile(rb"Forwarding from 127\.0\.0\.1:(\d+) ")


class Forward:
    """A port of loopback that leads to one of a pod, a Deployment or a Service.

    kubectl ends when its pod or the API server goes away; `port` starts it again, on the same port.
    """

    def __init__(self, kubectl: Kubectl, target: str, port: int) -> None:
        self._kubectl = kubectl
        self._target = target
        self._target_port = port
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Return the port of loopback, which listens when this returns."""
        if self._process is None or self._process.poll() is not None:
            wait_until(self._started, f"{self._target} is reached", seconds=READY_SECONDS, pause=1)
        return self._port

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _started(self) -> bool:
        """Start kubectl and return whether it says that it listens."""
        self.close()
        kubectl = self._kubectl
        with tempfile.TemporaryFile() as said:  # a pipe would fill up: it tells each connection
            self._process = process = subprocess.Popen(
                (
                    kubectl.program,
                    f"--kubeconfig={kubectl.kubeconfig}",
                    f"--namespace={kubectl.namespace}",
                    "port-forward",
                    "--address=127.0.0.1",
                    self._target,
                    f"{self._port or ''}:{self._target_port}",
                ),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )
            wait_until(
                lambda: process.poll() is not None or self._listens(said), "kubectl forwards"
            )
        return process.poll() is None

    def _listens(self, said: IO[bytes]) -> bool:
        found = _READY.search(os.pread(said.fileno(), 4096, 0))
        if found:
            self._port = int(found[1])
        return bool(found)


@contextmanager
def forwarded(kubectl: Kubectl, target: str, port: int) -> Iterator[Forward]:
    """Forward while the context lasts.

    Raises:
        SurroundingsError: nothing answers there.
    """
    forward = Forward(kubectl, target, port)
    try:
        assert forward.port
        yield forward
    finally:
        forward.close()
