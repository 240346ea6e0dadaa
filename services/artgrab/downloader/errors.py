"""Why a candidate is not stored; each reason is a short stable word."""


class FetchError(Exception):
    """Nothing came, or nothing that may be taken: the candidate ends as FAILED."""

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        """Keep why; `passing` where the next run may have more luck."""
        super().__init__(reason)
        self.reason = reason
        self.passing = passing


class RefusedError(Exception):
    """Somebody does not want it taken: the candidate ends as REJECTED."""

    def __init__(self, reason: str, *, signals: tuple[str, ...] = ()) -> None:
        """Keep why, and the opt-out signals that were seen."""
        super().__init__(reason)
        self.reason = reason
        self.signals = signals


class RetryLaterError(Exception):
    """Not now: nothing is recorded and the client sends the candidate again."""

    def __init__(self, reason: str, *, retry_after: float) -> None:
        """Keep why, and after how many seconds to try again."""
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
