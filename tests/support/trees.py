"""Folders before and after: whether something in them has changed."""

from pathlib import Path


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of change (nanoseconds) of a folder and everything below it."""
    found = [folder, *folder.rglob("*")]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}
