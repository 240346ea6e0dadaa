"""How often what dies may be started again."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class RestartLimit:
    """How often one thing may be started again."""

    most: int = 5
    """Within any window; a process that something kills again and again is not worth more."""
    window_seconds: float = 300.0
    clock: Callable[[], float] = time.monotonic
    """Seconds."""
    _granted: deque[float] = field(default_factory=deque)

    def grant(self) -> bool:
        """Tell whether to start it again now."""
        now = self.clock()
        while self._granted and self._granted[0] <= now - self.window_seconds:
            self._granted.popleft()
        if len(self._granted) >= self.most:
            return False
        self._granted.append(now)
        return True

    @property
    def exhausted(self) -> str:
        """Say how often it died when no more is granted."""
        return f"that was {self.most + 1} times within {self.window_seconds / 60:.0f} minutes"
