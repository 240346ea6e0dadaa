"""`python -m tests.support.mortal_trainer`: a trainer that a signal ends at a put of its own.

KILL_ONCE names a file: of several nodes, the process of rank 1 that can make it kills itself at its
first put, while that of rank 0 is in the middle of its own.
KILLS are numbers of puts, after which children of this process get SIGTERM and SIGKILL in turn; a
last child comes to its end. Their exit codes and the puts of features of the last are printed.
"""

import os
import signal
import sys
import time
from pathlib import Path

import artgrab.trainer.comparison
import artgrab.trainer.job  # noqa: F401 - loads torch once for all the children
from artgrab.common.store import Store
from artgrab.trainer.__main__ import main

_ALL = 1 << 30


class _Puts:
    left = _ALL
    features = 0
    by: signal.Signals | None = signal.SIGKILL


_put = Store.put_if_absent
_replace = Store.put


def _put_if_absent(self: Store, key: str, data: bytes) -> bool:
    new = _put(self, key, data)
    _Puts.features += "/features/" in key
    _count()
    return new


def _count() -> None:
    _Puts.left -= 1
    if _Puts.left == 0:
        if _Puts.by:
            os.kill(os.getpid(), _Puts.by)
        time.sleep(60)  # as in a request that is not answered: Python's handlers would wait for it


def _counted_replace(self: Store, key: str, data: bytes) -> None:
    _replace(self, key, data)
    _count()


Store.put_if_absent = _put_if_absent  # type: ignore[method-assign]  # the program is to know nothing of it
Store.put = _counted_replace  # type: ignore[method-assign]  # the program is to know nothing of it


def _die_once(marker: Path, rank: str) -> None:
    try:
        Path(f"{marker}-{rank}").touch(exist_ok=False)
    except FileExistsError:
        return
    _Puts.left = 1
    _Puts.by = signal.SIGKILL if rank == "1" else None


def _child(puts: int, by: signal.Signals) -> int:
    sys.stdout.flush()
    child = os.fork()
    if not child:
        _Puts.left, _Puts.by = puts, by
        code = main()
        print("features", _Puts.features, flush=True)
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    if once := os.environ.get("KILL_ONCE"):
        _die_once(Path(once), os.environ["RANK"])
    kills = [int(one) for one in os.environ.get("KILLS", "").split()]
    if not kills:
        sys.exit(main())
    for number, puts in enumerate(kills):
        by = (signal.SIGTERM, signal.SIGKILL)[number % 2]
        print(_child(puts, by), flush=True)
    print(_child(_ALL, signal.SIGKILL), flush=True)
