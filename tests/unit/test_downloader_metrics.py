"""Metrics stay few, whatever the web answers."""

from artgrab.downloader.ledgers import Verdict, VerdictOutcome
from artgrab.downloader.metrics import Metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"artgrab_downloader_{name}", labels)


def test_candidates_are_counted_by_outcome_and_reason() -> None:
    metrics = Metrics()
    for _ in range(3):
        metrics.settled(Verdict(VerdictOutcome.FAILED, "html"))
    assert value(metrics, "candidates_total", outcome="FAILED", reason="html") == 3


def test_reasons_beyond_a_bound_are_counted_as_other() -> None:
    metrics = Metrics()
    for status in range(1000):
        metrics.settled(Verdict(VerdictOutcome.FAILED, f"http-{status}"))
    samples = [
        sample
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "artgrab_downloader_candidates_total"
    ]
    assert len(samples) == 101
    assert sum(sample.value for sample in samples) == 1000


def test_what_is_open_goes_up_and_down() -> None:
    metrics = Metrics()
    metrics.stream_opened()
    metrics.candidates_taken(5)
    metrics.candidates_left(2)
    assert value(metrics, "streams") == 1
    assert value(metrics, "candidates_under_way") == 3
    metrics.stream_closed()
    assert value(metrics, "streams") == 0
