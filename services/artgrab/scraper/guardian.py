"""Runs chromedriver and ends it, with every browser process, as soon as its own owner is gone.

A process of its own, because a browser leaves its process group and outlives a killed owner: this
one adopts all orphans (PR_SET_CHILD_SUBREAPER) and waits for the end of file on standard input,
which comes however the owner ends. Run as `python -m artgrab.scraper.guardian FOLDER COMMAND...`;
prints one line: the port chromedriver listens on, or its last words.
"""

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
from functools import partial

from artgrab.common.processes import adopt_orphans, die_with_parent, end_descendants

_PORT = re.compile(rb"started successfully on port (\d+)")
START_SECONDS = 30.0
# chromedriver takes a port that is free on ::1 and gives up where 127.0.0.1 has it in use (seen
# with version 156); the next start takes another one.
_TRIES = 5


def main(folder: str, *command: str) -> None:
    """Watch over one command until standard input ends, then remove its folder."""
    adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    try:
        _run(command, tries=_TRIES)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end_descendants()
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: tuple[str, ...], *, tries: int) -> None:
    driver = _start(command)
    last_words = _watch(driver)
    if last_words is None:
        return
    driver.kill()
    driver.wait()
    if tries > 1:
        _run(command, tries=tries - 1)
    else:
        os.write(1, last_words.strip().rpartition(b"\n")[2] + b"\n")


def _start(command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own command line
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Safe here: this process has one thread, and it lives as long as the process.
        preexec_fn=partial(die_with_parent, os.getpid()),
    )


def _watch(driver: subprocess.Popen[bytes]) -> bytes | None:
    """Pass the port on, and return when the owner closes standard input or dies.

    Returns what the driver said if it ended before it listened; None in all other cases.
    """
    assert driver.stdout is not None
    output = driver.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(0, selectors.EVENT_READ)
        selector.register(output, selectors.EVENT_READ)
        said: bytes | None = b""
        while True:
            ready = {key.fd for key, _ in selector.select(None if said is None else START_SECONDS)}
            if not ready:
                os.write(1, b"it did not listen within %d seconds\n" % START_SECONDS)
                return None
            if 0 in ready and not os.read(0, 1024):
                return None
            if output in ready:
                data = os.read(output, 65536)
                if not data and said is not None:
                    return said
                if not data:
                    selector.unregister(output)
                said = None if said is None else _announce(said + data)


def _announce(said: bytes) -> bytes | None:
    """Print the port if it has been said; return what to look at next time, None when done."""
    match = _PORT.search(said)
    if match is None:
        return said[-4096:]
    os.write(1, match[1] + b"\n")
    os.close(1)
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
