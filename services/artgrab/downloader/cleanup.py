"""`python -m artgrab.downloader.cleanup`: removes all that a store holds of one category.

Snapshots and models that were made of it stay, as do takedowns.
"""

import argparse
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError
from artgrab.common.keys import category_prefix, is_label
from artgrab.common.logs import configure_logs
from artgrab.common.store import Store
from artgrab.common.terminations import Termination, write_termination

CLEANED_UP = "CleanedUp"
_BATCH = 1000
_ROUNDS = 10
"""Listings: who still writes while it is removed shall end, or be told of."""
_QUIET_SECONDS = 5.0
"""A downloader that merges records does not notice at once that its scraper is gone."""


def _no_pause() -> None:
    """Nobody can be writing."""


def clean_up(
    store: Store, *, namespace: str, category: str, pause: Callable[[], None] = _no_pause
) -> int:
    """Remove everything below a category's prefix; return how many objects that were.

    May be killed anywhere and repeated. Call it only when nobody collects into the category.

    Args:
        store: where they are.
        namespace: of the category.
        category: its name.
        pause: lets who was writing a moment ago come to their end; nothing may be there after it.

    Raises:
        BadInputError: a name is not one of a category.
        SurroundingsError: the store failed, or somebody goes on writing.
    """
    for what, name in (("namespace", namespace), ("category", category)):
        if not is_label(name):
            raise BadInputError(f"--{what} {name[:100]!r} is no DNS label; give its name")
    prefix = category_prefix(namespace, category)
    removed, quiet = 0, True
    for _ in range(_ROUNDS):
        keys = [info.key for info in store.list(prefix)]
        if not keys and quiet:
            _remove_folder(store, prefix)
            return removed
        if not keys:
            pause()
        quiet = not keys
        _delete(store, keys[::-1])  # summaries of runs first: without records no run has ended
        removed += len(keys)
    raise SurroundingsError(f"{store.uri_of(prefix)}: somebody goes on writing; end it first")


def _delete(store: Store, keys: Sequence[str]) -> None:
    for start in range(0, len(keys), _BATCH):
        store.delete(keys[start : start + _BATCH])


def _remove_folder(store: Store, prefix: str) -> None:
    """Leave no folders, nor what a kill left of writing, which no listing shows."""
    if store.folder is not None:
        shutil.rmtree(store.folder / prefix, ignore_errors=True)


def main() -> int:
    """Clean up as the options say; return the exit code, errors are one line on stderr."""
    parser = argparse.ArgumentParser("python -m artgrab.downloader.cleanup", description=__doc__)
    parser.add_argument("--store", required=True, metavar="URI", help="where everything is kept")
    parser.add_argument("--namespace", required=True, help="of the category")
    parser.add_argument("--category", required=True, help="its name")
    parser.add_argument(
        "--termination-message", type=Path, metavar="FILE", help="where the last word is written"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        configure_logs()
        names = {"namespace": options.namespace, "category": options.category}
        store = Store.open(options.store)
        removed = clean_up(store, **names, pause=lambda: time.sleep(_QUIET_SECONDS))
    except ArtgrabError as error:
        return _fail(options, str(error), error.exit_code)
    except KeyboardInterrupt:
        stopped = "ended by a signal before it was done; the same again goes on from here"
        return _fail(options, stopped, SurroundingsError.exit_code)
    write_termination(options.termination_message, Termination(reason=CLEANED_UP))
    sys.stdout.write(f"{removed} objects removed\n")
    return 0


def _fail(options: argparse.Namespace, error: str, code: int) -> int:
    sys.stderr.write(f"artgrab: {error}\n")
    write_termination(options.termination_message, Termination(error=error))
    return code


if __name__ == "__main__":
    sys.exit(main())
