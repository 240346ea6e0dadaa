"""Metrics stay few, whatever the web answers."""

import grpc
import pytest
from prometheus_client.samples import Sample

from artgrab.downloader.ledgers import Verdict, VerdictOutcome
from artgrab.downloader.metrics import WATCHED, Metrics


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"artgrab_downloader_{name}", labels)


def test_candidates_are_counted_by_outcome_and_reason() -> None:
    metrics = Metrics()
    for _ in range(3):
        metrics.settled(Verdict(VerdictOutcome.FAILED, "html"))
    assert value(metrics, "candidates_total", outcome="FAILED", reason="html") == 3


def _candidates(metrics: Metrics) -> list[Sample]:
    return [
        sample
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "artgrab_downloader_candidates_total"
    ]


def test_reasons_beyond_a_bound_are_counted_as_other() -> None:
    metrics = Metrics()
    for number in range(1000):
        metrics.settled(Verdict(VerdictOutcome.FAILED, f"reason-{number}"))
    samples = _candidates(metrics)
    assert len(samples) == 101
    assert sum(sample.value for sample in samples) == 1000


def test_statuses_that_sites_make_up_take_no_room_of_others() -> None:
    metrics = Metrics()
    made_up = [f"http-{status}" for status in range(-10, 2000)]
    for reason in (*made_up, "http-", "http-404x", "http-\u0664\u0660\u0664", "http-x" * 999):
        metrics.settled(Verdict(VerdictOutcome.FAILED, reason))
    metrics.settled(Verdict(VerdictOutcome.FAILED, "too-slow"))
    assert len(_candidates(metrics)) < 30
    for reason in ("http-404", "http-503", "too-slow"):
        assert value(metrics, "candidates_total", outcome="FAILED", reason=reason) == 1
    assert (value(metrics, "candidates_total", outcome="FAILED", reason="http-other") or 0) > 1900


def test_what_is_open_goes_up_and_down() -> None:
    metrics = Metrics()
    with metrics.stream():
        metrics.candidates_taken(5)
        metrics.candidates_left(2)
        assert value(metrics, "streams") == 1
        assert value(metrics, "candidates_under_way") == 3
    assert value(metrics, "streams") == 0


def test_steps_are_timed_whether_they_succeed_or_not() -> None:
    times = iter([1.0, 1.25, 5.0, 7.0])
    metrics = Metrics(clock=lambda: next(times))
    with metrics.step("fetch"):
        pass
    with pytest.raises(ValueError, match="no"), metrics.step("fetch"):
        raise ValueError("no")
    assert value(metrics, "step_seconds_count", step="fetch") == 2
    assert value(metrics, "step_seconds_sum", step="fetch") == 2.25


def test_what_is_broken_off_is_counted_by_code() -> None:
    metrics = Metrics()
    metrics.broken_off(grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert value(metrics, "calls_broken_off_total", code="RESOURCE_EXHAUSTED") == 1


def test_the_state_of_the_server_is_looked_at_when_somebody_asks() -> None:
    metrics = Metrics()
    states = dict.fromkeys(WATCHED, 0)
    metrics.watch(**{name: lambda name=name: states[name] for name in WATCHED})
    states["hosts_busy"] = 7
    assert value(metrics, "hosts_busy") == 7
    assert value(metrics, "decoders") == 0
