"""Disks of tests: mounted somewhere, small, and full."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.requirements import need

FULL = "the disk is full; make room, then run the same again"


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """Mount a small file system of its own; only root can."""
    need(os.geteuid() == 0, packages="mount, and be root")
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", *options, str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def one_megabyte(folder: Path) -> Iterator[Path]:
    """Mount a disk of one megabyte; yields its folder."""
    with mounted(folder, "-t", "tmpfs", "-o", "size=1m", "tmpfs"):
        yield folder


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Leave no room on a disk."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()
