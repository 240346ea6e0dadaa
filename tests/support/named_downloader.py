"""`python -m tests.support.named_downloader FILE ...`: the downloader, in a world with a name more.

The name stands for the addresses in the file, as a headless Service does for its ready pods.
"""

import runpy
import socket
import sys
from pathlib import Path
from typing import Any

NAME = "downloaders.test"
_ask = socket.getaddrinfo


def addresses_in(file: Path) -> list[str]:
    """Return the addresses that stand in a file, one a line."""
    return file.read_text().split()


def _answer(file: Path, host: Any, port: Any, *arguments: Any, **named: Any) -> list[Any]:
    if host != NAME:
        return _ask(host, port, *arguments, **named)
    found = addresses_in(file)
    if not found:
        raise socket.gaierror(socket.EAI_NONAME, "no pod is ready")
    return [answer for one in found for answer in _ask(one, port, *arguments, **named)]


if __name__ == "__main__":
    names = Path(sys.argv.pop(1))
    socket.getaddrinfo = lambda *given, **named: _answer(names, *given, **named)
    runpy.run_module("artgrab.downloader", run_name="__main__", alter_sys=True)
