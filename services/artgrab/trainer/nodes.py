"""Several nodes that share a training; `python -m artgrab.trainer.nodes` starts one of them.

It takes the arguments of torchrun and is torchrun, but for three things. Its exit code is that of
our own process, which tells a Job whether to try again; torchrun's is 1, whatever failed. Processes
meet in a store of the first of them, not in one that launchers keep: there they look for one
another below the number of their restarts, which differs where one failed and the other was only
told to begin again, and would wait for ever. And the first pod of a Job keeps the store of the
launchers: torchrun would ask the name service whether it is the one, which may not know it yet.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import NamedTuple, NoReturn

from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError
from artgrab.common.processes import die_with_parent

_LAUNCHED = "TORCHELASTIC_RUN_ID"
_OWN_STORE = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
_INDEX = "JOB_COMPLETION_INDEX"
_MEETING = timedelta(minutes=10)
"""Of those who wait for the first: its image may have to be pulled."""
_PATIENCE = timedelta(days=7)
"""Of those who wait for the slowest; a node that dies is noticed by torchrun."""


class Nodes(NamedTuple):
    """All processes of a training, and which of them this one is."""

    rank: int = 0
    """From 0; that one fits, evaluates and saves."""
    size: int = 1
    """How many there are."""


def read_nodes(environ: Mapping[str, str]) -> Nodes:
    """Return what torchrun says in the environment; one node without it.

    Raises:
        BadInputError: RANK or WORLD_SIZE is not a number that it can be.
    """
    rank, size = environ.get("RANK", "0"), environ.get("WORLD_SIZE", "1")
    if not (rank.isdecimal() and size.isdecimal() and int(rank) < int(size)):
        raise BadInputError(
            f"RANK={rank[:20]!r} and WORLD_SIZE={size[:20]!r} do not fit; unset both"
        )
    return Nodes(int(rank), int(size))


def end_with_launcher() -> None:
    """Let the end of torchrun, even by SIGKILL, end this process; call it at the start."""
    if _LAUNCHED in os.environ:
        die_with_parent(os.getppid())


@contextmanager
def joined(nodes: Nodes) -> Iterator[Callable[[], None]]:
    """Meet the other nodes; yields a function that waits until each of them has called it.

    Raises:
        SurroundingsError: a node was lost; torchrun starts all of them again.
    """
    if nodes.size == 1:
        yield lambda: None
        return
    from torch import distributed  # loads torch, which takes seconds
    from torch.distributed.rendezvous import rendezvous

    with _lost_told():
        store, rank, size = next(rendezvous("env://", timeout=_MEETING))
        distributed.init_process_group(
            "gloo", store=store, rank=rank, world_size=size, timeout=_PATIENCE
        )
    try:
        yield _barrier
    finally:
        distributed.destroy_process_group()


def _barrier() -> None:
    from torch import distributed

    with _lost_told():
        distributed.barrier()


@contextmanager
def _lost_told() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # DistError and what gloo raises are such
        reason = str(error).partition("\n")[0][:300]
        raise SurroundingsError(
            f"another node of this training was lost ({reason}); the same again goes on from here"
        ) from error


def main(arguments: Sequence[str]) -> int:
    """Start this node's process and watch it as torchrun does; return the exit code."""
    os.environ |= _OWN_STORE
    with _left_while_waiting():
        return _launched([*_meeting(os.environ), *arguments])


def _meeting(environ: Mapping[str, str]) -> list[str]:
    """Return where launchers meet, as a pod of an indexed Job knows it; nothing elsewhere."""
    index = environ.get(_INDEX)
    if index is None:
        return []
    hosts = str(index == "0").lower()
    return [f"--rdzv-conf=is_host={hosts},read_timeout={_MEETING.seconds}"]


def _launched(arguments: Sequence[str]) -> int:
    from torch.distributed import DistError, run
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.elastic.rendezvous import RendezvousError

    try:
        run.run(run.parse_args([*arguments]))
    except ChildFailedError as error:
        code = error.get_first_failure()[1].exitcode
        known = (BadInputError.exit_code, ArtgrabError.exit_code)
        return code if code in known else SurroundingsError.exit_code
    except (SignalException, RendezvousError, DistError) as error:
        sys.stderr.write(f"artgrab: the nodes did not come together: {error}\n")
        return SurroundingsError.exit_code
    return 0


@contextmanager
def _left_while_waiting() -> Iterator[None]:
    """Let SIGTERM end this process at once until torchrun has processes to hand it on to.

    Python's own handlers would wait for torch, which waits for the first node.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.signal(signal.SIGTERM, _leave)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_leave_when_told, args=(reader,), daemon=True).start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(writer)


def _leave_when_told(reader: int) -> None:
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while number := pipe.read(1):
            if number[0] == signal.SIGTERM and signal.getsignal(signal.SIGTERM) is _leave:
                _leave(signal.SIGTERM, None)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    os._exit(SurroundingsError.exit_code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
