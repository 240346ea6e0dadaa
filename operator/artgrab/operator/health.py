"""Whether the operator does its work: what a liveness probe should know besides that it answers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from artgrab.operator.settings import OperatorSettings

_MISSED_RESYNCS = 3


@dataclass
class Health:
    """Watches the queues and the resync; a quiet cluster is healthy, also one whose API is down.

    The resync counts as tried even where the API server did not answer: a restart of the operator
    would not mend that.
    """

    settings: OperatorSettings
    clock: Callable[[], float]
    stuck_seconds: Callable[[], float]
    """How long a look has taken, or none has begun though some wait."""
    _last_resync: float = field(init=False)

    def __post_init__(self) -> None:
        self._last_resync = self.clock()

    def resynced(self) -> None:
        """Note that the loop that looks at everything is alive."""
        self._last_resync = self.clock()

    def trouble(self) -> str:
        """Return what is stuck; empty where nothing is."""
        stuck = self.stuck_seconds()
        if stuck > self.settings.stuck_seconds:
            return f"a look has taken, or not begun for, {stuck:.0f} s"
        age = self.clock() - self._last_resync
        if age > self.settings.resync_seconds * _MISSED_RESYNCS:
            return f"the last look at everything was {age:.0f} s ago"
        return ""
