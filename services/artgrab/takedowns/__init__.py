"""Takedowns added, removed and applied: what is to go goes from everywhere it was copied to."""

from artgrab.takedowns.applying import Applied, apply_takedowns, is_pending
from artgrab.takedowns.survey import Matched, survey
from artgrab.takedowns.targets import recognise
from artgrab.takedowns.tombstones import find_tombstone, put_tombstone, remove_tombstone

__all__ = [
    "Applied",
    "Matched",
    "apply_takedowns",
    "find_tombstone",
    "is_pending",
    "put_tombstone",
    "recognise",
    "remove_tombstone",
    "survey",
]
