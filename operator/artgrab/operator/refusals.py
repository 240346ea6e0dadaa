"""What the API server would not take, and when it is asked again."""

from collections.abc import Callable
from datetime import datetime, timedelta

from artgrab.operator.observed import Key
from artgrab.operator.plans import backoff_seconds

_FIRST_SECONDS = 30.0
_LONGEST_SECONDS = 1800.0


class Refusals:
    """Remembered while this process runs: another one may simply ask again."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._known: dict[Key, tuple[str, int, datetime]] = {}

    def note(self, key: Key, why: str) -> None:
        """Remember a refusal; each further one makes the wait longer."""
        count = self._known[key][1] + 1 if key in self._known else 1
        seconds = backoff_seconds(count, first=_FIRST_SECONDS, longest=_LONGEST_SECONDS)
        self._known[key] = (why, count, self._clock() + timedelta(seconds=seconds))

    def forget(self, key: Key) -> None:
        """Forget them: it was taken, or is not wanted any more."""
        self._known.pop(key, None)

    def why(self, key: Key) -> str:
        """Return the refusal that still counts; empty where it is time to ask again."""
        why, _, until = self._known.get(key, ("", 0, self._clock()))
        return why if self._clock() < until else ""

    def again_after(self, key: Key) -> float | None:
        """Return the seconds until it is time to ask again."""
        if key not in self._known:
            return None
        return max(0.0, (self._known[key][2] - self._clock()).total_seconds())
