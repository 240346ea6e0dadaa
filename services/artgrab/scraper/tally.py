"""What became of a category's candidates, each picture counted once."""

from collections import Counter

from artgrab.common.records import PRECEDENCE, RecordOutcome
from artgrab.scraper.ingest_messages import Acked, AckOutcome


class Tally:
    """Counts distinct pictures by their final outcome; a stored one stays stored."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._outcomes: dict[str, tuple[RecordOutcome, str]] = {}
        self._fetched: set[str] = set()
        self._counts: Counter[RecordOutcome] = Counter()
        self._reasons: Counter[tuple[RecordOutcome, str]] = Counter()

    def sent(self, candidate_id: str) -> None:
        """Count a candidate."""
        self._ids.add(candidate_id)

    def acked(self, answer: Acked) -> None:
        """Count an answer."""
        key = answer.candidate.candidate_id
        if answer.outcome is not AckOutcome.ALREADY_RECORDED:
            self._fetched.add(key)
        outcome, reason = _final(answer)
        known = self._outcomes.get(key)
        if known is not None and PRECEDENCE[known[0]] <= PRECEDENCE[outcome]:
            return
        if known is not None:
            self._counts[known[0]] -= 1
            self._reasons[known] -= 1
        self._outcomes[key] = (outcome, reason)
        self._counts[outcome] += 1
        self._reasons[outcome, reason] += 1

    @property
    def candidates(self) -> int:
        return len(self._ids)

    @property
    def stored(self) -> int:
        return self._counts[RecordOutcome.STORED]

    @property
    def rejected(self) -> int:
        return self._counts[RecordOutcome.REJECTED]

    @property
    def failed(self) -> int:
        return self._counts[RecordOutcome.FAILED]

    @property
    def fetched(self) -> int:
        """Those that were not recorded before."""
        return len(self._fetched)

    @property
    def already_recorded(self) -> int:
        return len(self._outcomes) - len(self._fetched)

    def reasons(self, outcome: RecordOutcome) -> dict[str, int]:
        """Count the reasons of an outcome, most frequent first."""
        return {
            why: count
            for (kind, why), count in self._reasons.most_common()
            if kind is outcome and count
        }

    def not_kept(self) -> dict[str, int]:
        """Count the reasons of all that is not stored."""
        rejected, failed = RecordOutcome.REJECTED, RecordOutcome.FAILED
        return dict(Counter(self.reasons(rejected)) + Counter(self.reasons(failed)))


def _final(answer: Acked) -> tuple[RecordOutcome, str]:
    """Return the recorded outcome: an ack of a recorded candidate names it as its reason."""
    if answer.outcome is not AckOutcome.ALREADY_RECORDED:
        return RecordOutcome(answer.outcome.value), answer.reason
    try:
        return RecordOutcome(answer.reason), "recorded before"
    except ValueError:
        return RecordOutcome.FAILED, f"recorded before: {answer.reason}"
