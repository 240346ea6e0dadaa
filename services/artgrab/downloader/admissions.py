"""Who may write into which category: whom a token names, or anybody on this machine."""

from collections.abc import Callable
from datetime import UTC, datetime

import grpc
import msgspec

from artgrab.common.tokens import RunToken, TokenError, verify
from artgrab.downloader.pipeline import Filters, Task
from artgrab.downloader.translations import MAX_MIN_SIDE, ProtocolError


def _now() -> datetime:
    return datetime.now(UTC)


class Admissions:
    """Checks tokens where there is a key for them."""

    def __init__(self, key: bytes | None, *, now: Callable[[], datetime] = _now) -> None:
        """Prepare; without a key everybody is admitted, so only loopback may be served."""
        self._key = key
        self._now = now

    def admit(self, task: Task, token: str) -> Task:
        """Return the task as it may be done: with a token its filters are the token's.

        Raises:
            ProtocolError: UNAUTHENTICATED, the token is not good; PERMISSION_DENIED, it is for
                another namespace, category or run.
        """
        if self._key is None:
            return task
        try:
            found = verify(token, self._key, self._now())
        except TokenError as error:
            raise ProtocolError(str(error), code=grpc.StatusCode.UNAUTHENTICATED) from error
        if complaint := _complaint(task, found):
            raise ProtocolError(complaint, code=grpc.StatusCode.PERMISSION_DENIED)
        filters = Filters(min_side=min(found.min_side, MAX_MIN_SIDE))
        return msgspec.structs.replace(task, filters=filters)


def _complaint(task: Task, token: RunToken) -> str:
    if (task.namespace, task.category) != (token.namespace, token.category):
        return "the token is for another category"
    return "the token is for another run" if task.run_id != token.run_id else ""
