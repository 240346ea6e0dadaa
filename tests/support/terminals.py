"""A terminal for programs that draw on one."""

import fcntl
import os
import pty
import struct
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

ROWS, COLUMNS = 24, 80


@dataclass
class Terminal:
    """What a program wrote to it."""

    slave: int
    chunks: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> str:
        return b"".join(self.chunks).decode(errors="replace")  # it may be in the midst of one


@contextmanager
def terminal() -> Iterator[Terminal]:
    """A terminal of 80 columns and 24 rows; all that was written is there afterwards."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    one = Terminal(slave)
    reader = threading.Thread(target=_read, args=(master, one.chunks))
    reader.start()
    try:
        yield one
    finally:
        os.close(slave)
        reader.join()
        os.close(master)


def _read(master: int, chunks: list[bytes]) -> None:
    try:
        while data := os.read(master, 65536):
            chunks.append(data)
    except OSError:  # Linux says EIO once the other side is closed
        return
