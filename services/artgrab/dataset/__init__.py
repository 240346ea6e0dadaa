"""From what was stored to a dataset snapshot that can answer for every picture."""

from artgrab.dataset.snapshot import Snapshot, build_snapshot

__all__ = ["Snapshot", "build_snapshot"]
