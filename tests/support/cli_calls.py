"""The `artgrab` command, in this process or in one of its own: what it said, and its exit code."""

import asyncio
import json
import os
import signal
import sys
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from artgrab.cli.main import main
from artgrab.common.network import NetworkSettings

_LONGEST_SECONDS = 240.0


class Said(NamedTuple):
    """How a call ended."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        """The last line on stderr: what was the matter."""
        return self.err.splitlines()[-1] if self.err else ""


def artgrab(captured: pytest.CaptureFixture[str], *arguments: Any) -> Said:
    """Call the command as a shell would; a second faster than a process of its own."""
    captured.readouterr()
    argv = ["artgrab", *map(str, arguments)]
    handlers = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with patch.object(sys, "argv", argv), pytest.raises(SystemExit) as ended:
            main()
    finally:
        for one, handler in handlers.items():  # the command takes them over for its process
            signal.signal(one, handler)
    out, err = captured.readouterr()
    assert "Traceback" not in err
    return Said(int(ended.value.code or 0), out, err)


async def artgrab_process(*arguments: Any, first: str = "", **environment: str) -> Said:
    """Call the command as a process of its own.

    Args:
        arguments: of the command.
        first: Python that runs in that process before the command does.
        environment: more of it.
    """
    program = ("-c", f"{first}\nfrom artgrab.cli.main import main; main()")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *(program if first else ("-m", "artgrab.cli")), *map(str, arguments)),
        env=os.environ | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), _LONGEST_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    assert b"Traceback" not in err, err.decode()
    return Said(process.returncode, out.decode(), err.decode())


def reaching(network: NetworkSettings) -> dict[str, str]:
    """Return the environment with which the command reaches what these settings reach."""
    return {
        "ARTGRAB_RESOLVE": json.dumps(network.resolve),
        "ARTGRAB_ALLOWED_TARGETS": json.dumps(network.allowed_targets),
        "ARTGRAB_CONTACT": "mailto:me@example.org",
    }
