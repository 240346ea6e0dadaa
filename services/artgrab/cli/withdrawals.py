"""Takedowns applied: at the start of each step of a run, and when one is added."""

from typing import TYPE_CHECKING

from artgrab.common.errors import StoreBusyError
from artgrab.common.progress import ProgressSink, warn
from artgrab.common.store import Store
from artgrab.common.store.lock import exclusive

if TYPE_CHECKING:
    from artgrab.takedowns.applying import Applied


def apply_now(store: Store) -> "Applied":
    """Take the store for oneself and remove what is taken down from everywhere in it.

    Raises:
        StoreBusyError: another run is at work in it.
        SurroundingsError: the store failed; the same call goes on from there.
    """
    from artgrab.dataset.remaking import remake_papers  # loads Pillow: only where it is needed
    from artgrab.takedowns.applying import apply_takedowns

    with exclusive(store):
        return apply_takedowns(store, remake=remake_papers)


def apply_pending(store: Store, *, progress: ProgressSink) -> None:
    """Finish what a kill or another run at work has left of takedowns; quick where it is nothing.

    Where another run has the store, that one does it at its next step; no dataset made meanwhile
    holds what is taken down.

    Raises:
        SurroundingsError: the store failed.
    """
    from artgrab.takedowns.pending import is_pending

    if not is_pending(store):
        return
    try:
        applied = apply_now(store)
    except StoreBusyError:
        return
    for problem in applied.problems:
        warn(progress, f"takedowns: {problem}; artgrab dataset verify tells how to mend it")
