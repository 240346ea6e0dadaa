"""When a failed call is worth another one, and how long to wait before it."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import grpc

from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError

_AGAIN = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,  # not by us: a server that ends lets go of what has not begun
    }
)
"""Nothing was computed, or the server is busy: everything else would only fail again."""
_OURS = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE})
_TOKEN = frozenset({grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED})
_TOO_LARGE = "larger than max"
"""What gRPC itself says of a message over a limit, by the code that busy servers answer with."""
_LONGEST_SECONDS = 365 * 86_400.0
"""Of one call: gRPC takes a deadline of centuries as one that is over."""


@dataclass(frozen=True, kw_only=True)
class Retries:
    """Exponential backoff with full jitter (Brooker, Exponential Backoff And Jitter, AWS 2015)."""

    attempts: int = 8
    """Calls at most, the first one included; the waits of eight take eight seconds, in the mean."""
    first_seconds: float = 0.2
    """Longest wait before the second call; it doubles from then on."""
    longest_seconds: float = 5.0
    randomness: Callable[[], float] = random.random
    """Returns a number from 0 up to 1."""
    clock: Callable[[], float] = time.monotonic
    """Seconds."""

    def begin(self, deadline_seconds: float) -> "Attempts":
        """Start to count for one call with all its repetitions."""
        return Attempts(self, self.clock() + deadline_seconds)


@dataclass
class Attempts:
    """The calls made for one request."""

    _retries: Retries
    _deadline: float
    _delays: Iterator[float] = field(init=False)

    def __post_init__(self) -> None:
        self._delays = delays(self._retries)

    def remaining_seconds(self) -> float:
        """Return the time that the next call has."""
        return min(_LONGEST_SECONDS, max(0.0, self._deadline - self._retries.clock()))

    def delay_after(self, error: grpc.RpcError, *, endpoint: str) -> float:
        """Return the seconds to wait before the next call.

        Raises:
            BadInputError: the server refuses what was asked.
            SurroundingsError: the server is not there, is busy or failed, for too long.
        """
        delay = next(self._delays, None) if is_worth_another(error) else None
        if delay is None or delay >= self.remaining_seconds():
            raise to_artgrab_error(error, endpoint=endpoint) from error
        return delay


def is_worth_another(error: grpc.RpcError) -> bool:
    """Tell whether the same call may succeed a little later."""
    return error.code() in _AGAIN and not _is_too_large(error)


def _is_too_large(error: grpc.RpcError) -> bool:
    return error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in str(error.details())


def delays(retries: Retries) -> Iterator[float]:
    """Yield the seconds to wait before each further call."""
    longest = retries.first_seconds
    for _ in range(retries.attempts - 1):
        yield retries.randomness() * min(longest, retries.longest_seconds)
        longest *= 2


def to_artgrab_error(error: grpc.RpcError, *, endpoint: str) -> ArtgrabError:
    """Return what a failed call means for people."""
    code = error.code()
    details = " ".join(str(error.details() or code.name).split())
    if code in _OURS:
        return BadInputError(f"the predict server at {endpoint} refuses this: {details}")
    if code in _TOKEN:
        return BadInputError(
            f"the predict server at {endpoint} lets nobody in like this: {details}"
        )
    if _is_too_large(error):
        return BadInputError(
            f"the predict server at {endpoint} takes no request of this size; send fewer or "
            f"smaller pictures ({details})"
        )
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return BadInputError(f"{endpoint} is no predict server; check --endpoint")
    if code is grpc.StatusCode.UNAVAILABLE:
        return SurroundingsError(
            f"no predict server answers at {endpoint}; check the address, or start one ({details})"
        )
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return SurroundingsError(
            f"the predict server at {endpoint} took too long; allow it more time"
        )
    return SurroundingsError(f"the predict server at {endpoint} failed: {code.name}, {details}")
