"""Who may write into which category: whom a token names, or anybody on this machine."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import grpc
import msgspec
import structlog

from artgrab.common.errors import BadInputError
from artgrab.common.tokens import RunToken, TokenError, verify
from artgrab.downloader.pipeline import Filters, Task
from artgrab.downloader.translations import MAX_MIN_SIDE, ProtocolError

_READ_SECONDS = 60.0
"""Shortest time between two reads of the key: whoever shows bad tokens must not cause many."""

_log = structlog.get_logger()


def _now() -> datetime:
    return datetime.now(UTC)


class Admissions:
    """Checks tokens where there is a key for them."""

    def __init__(
        self,
        key: bytes | None,
        *,
        read: Callable[[], bytes] | None = None,
        now: Callable[[], datetime] = _now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; without a key everybody is admitted, so only loopback may be served.

        Args:
            key: of tokens.
            read: reads the key anew, which may have been replaced.
            now: tells whether a token has expired.
            clock: tells when the key may be read again.
        """
        self._key = key
        self._read = read
        self._now = now
        self._clock = clock
        self._read_at = clock() - _READ_SECONDS

    def admit(self, task: Task, token: str) -> Task:
        """Return the task as it may be done: with a token its filters are the token's.

        Raises:
            ProtocolError: UNAUTHENTICATED, the token is not good; PERMISSION_DENIED, it is for
                another namespace, category or run.
        """
        if self._key is None:
            return task
        try:
            found = self._verify(token, self._key)
        except TokenError as error:
            raise ProtocolError(str(error), code=grpc.StatusCode.UNAUTHENTICATED) from error
        if complaint := _complaint(task, found):
            raise ProtocolError(complaint, code=grpc.StatusCode.PERMISSION_DENIED)
        filters = Filters(min_side=min(found.min_side, MAX_MIN_SIDE))
        return msgspec.structs.replace(task, filters=filters)

    def _verify(self, token: str, key: bytes) -> RunToken:
        try:
            return verify(token, key, self._now())
        except TokenError:
            replaced = self._read_again()
            if replaced is None or replaced == key:
                raise
        self._key = replaced
        _log.warning("the key of tokens was replaced; those of the former one are refused")
        return verify(token, replaced, self._now())

    def _read_again(self) -> bytes | None:
        """Return the key as it is now; None where it was read a short while ago, or cannot be."""
        if self._read is None or self._clock() < self._read_at + _READ_SECONDS:
            return None
        self._read_at = self._clock()
        try:
            return self._read()
        except BadInputError as error:
            _log.warning("the key of tokens stays what it was", why=str(error))
            return None


def _complaint(task: Task, token: RunToken) -> str:
    if (task.namespace, task.category) != (token.namespace, token.category):
        return "the token is for another category"
    return "the token is for another run" if task.run_id != token.run_id else ""
