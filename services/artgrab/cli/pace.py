"""How fast a part of the job goes, and what is left of it by that."""

from collections import deque

_WINDOW_SECONDS = 30.0
"""What the pace is taken over: what a resumed job finds done already is soon forgotten."""
_LEAST_SECONDS = 1.0
"""Below that a rate says nothing."""
_SAMPLES_APART_SECONDS = 0.5


class Pace:
    """Amounts over time; times are seconds of any clock."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def note(self, done: int, now: float) -> None:
        """Take down how much is done now."""
        if self._samples and now - self._samples[-1][0] < _SAMPLES_APART_SECONDS:
            return
        self._samples.append((now, done))

    def per_second(self, done: int, now: float) -> float | None:
        """Return the rate of late; None where it cannot be told yet."""
        while len(self._samples) > 1 and now - self._samples[1][0] >= _WINDOW_SECONDS:
            self._samples.popleft()
        if not self._samples or now - self._samples[0][0] < _LEAST_SECONDS:
            return None
        since, before = self._samples[0]
        return max(0, done - before) / (now - since)

    def seconds_left(self, done: int, total: int | None, now: float) -> float | None:
        """Return how long the rest takes at this pace; None where nobody can tell."""
        rate = self.per_second(done, now)
        if total is None or not rate:
            return None
        return max(0, total - done) / rate


def clock_text(seconds: float) -> str:
    """Return seconds as people write times: 0:07, 12:30, 1:02:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
