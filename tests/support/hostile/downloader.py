"""`python -m tests.support.hostile.downloader FILE ...`: the downloader, asking DNS of our own.

The file holds, as JSON, what each name answers, look-up after look-up; every other name below .test
is a site. Nothing above the look-up of the C library is touched.
"""

import ipaddress
import json
import runpy
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from tests.support.hostile.behaviours import GOOD, NO_ANSWER, NO_NAME

_SILENCE_SECONDS = 12.0
_SCOPE = 1
"""The loopback interface, for addresses that want one."""
_ask = socket.getaddrinfo


class Names:
    """Answers as it is told, from however many threads."""

    def __init__(self, told: dict[str, list[list[str]]]) -> None:
        self._told = told
        self._lock = threading.Lock()

    def look_up(self, host: Any, port: Any, *arguments: Any, **named: Any) -> list[Any]:
        """Stand in for socket.getaddrinfo."""
        if not isinstance(host, str) or not host.endswith(".test"):
            return _ask(host, port, *arguments, **named)
        found = self._next(host)
        if NO_ANSWER in found:
            threading.Event().wait(_SILENCE_SECONDS)
            raise socket.gaierror(socket.EAI_AGAIN, "nobody answered")
        if NO_NAME in found:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [_info(address, int(port)) for address in found]

    def _next(self, host: str) -> list[str]:
        with self._lock:
            answers = self._told.get(host) or [[GOOD]]
            return answers.pop(0) if len(answers) > 1 else answers[0]


def _info(text: str, port: int) -> tuple[Any, ...]:
    address = ipaddress.ip_address(text)
    if address.version == 4:
        return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (text, port)
    scope = _SCOPE if address.scope_id else 0
    plain = text.partition("%")[0]
    return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (plain, port, 0, scope)


if __name__ == "__main__":
    names = Names(json.loads(Path(sys.argv.pop(1)).read_text()))
    socket.getaddrinfo = names.look_up
    runpy.run_module("artgrab.downloader", run_name="__main__", alter_sys=True)
