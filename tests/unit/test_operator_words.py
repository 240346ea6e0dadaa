"""What pods say is heard, bounded and never trusted further than it goes."""

import json
import time
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from artgrab.common.statuses import RunCounts, RunReason
from artgrab.operator.observed import Result, Trouble
from artgrab.operator.progress import read_counts
from artgrab.operator.words import last_word, running_ip, start_trouble


def _ended(message: str, **rest: Any) -> dict[str, Any]:
    ended = {"message": message, "exitCode": 0, "finishedAt": "2026-11-02T12:00:00Z", **rest}
    return {"status": {"containerStatuses": [{"state": {"terminated": ended}}]}}


def _word(**word: Any) -> str:
    return json.dumps({"schema_version": 1, "run_id": "r", **word})


def test_a_result_is_heard() -> None:
    counts = {"candidates": 3, "stored": 2}
    pod = _ended(_word(reason="TargetReached", counts=counts, problems=["a.test: gone"]))
    told = RunCounts(candidates=3, stored=2, rejected=0, failed=0)
    expected = Result("r", RunReason.TARGET_REACHED, told, ("a.test: gone",))
    assert last_word([pod]) == expected


def test_a_result_counts_more_than_the_troubles_of_earlier_and_later_pods() -> None:
    pods = [
        _ended(_word(error="no"), finishedAt="2026-11-02T11:00:00Z"),
        _ended(_word(reason="SourcesExhausted")),
        _ended(_word(error="late"), finishedAt="2026-11-02T13:00:00Z"),
    ]
    assert isinstance(last_word(pods), Result)


def test_the_last_trouble_is_told() -> None:
    pods = [
        _ended(_word(error="second"), finishedAt="2026-11-02T13:00:00Z"),
        _ended(_word(error="first"), finishedAt="2026-11-02T11:00:00Z"),
    ]
    assert last_word(pods) == Trouble("second")


def test_the_last_line_of_a_log_stands_for_a_word() -> None:
    assert last_word([_ended("a\nMemoryError: no more\n")]) == Trouble("MemoryError: no more")


@pytest.mark.parametrize(
    ("reason", "told"),
    [("OOMKilled", "scraper.resources"), ("Error", "its pod ended with exit code 137 (Error)")],
)
def test_a_pod_that_was_killed_is_told(reason: str, told: str) -> None:
    word = last_word([_ended("", reason=reason, exitCode=137)])
    assert isinstance(word, Trouble)
    assert told in word.text


def test_a_pod_that_was_evicted_before_it_began_is_told() -> None:
    word = last_word([{"status": {"reason": "Evicted"}}])
    assert word == Trouble("its pod was evicted from its node")


def test_no_pods_say_nothing() -> None:
    assert last_word([]) is None


def test_a_reason_that_is_not_known_is_no_result() -> None:
    assert isinstance(last_word([_ended(_word(reason="Hooray"))]), Trouble)


@given(st.text(max_size=5000))
def test_whatever_is_said_becomes_one_short_printable_line(text: str) -> None:
    word = last_word([_ended(text)])
    assert isinstance(word, Trouble)
    assert word.text.isprintable()
    assert len(word.text) <= 500


@given(st.text(max_size=1000), st.lists(st.text(max_size=300), max_size=5))
def test_whatever_a_word_holds_is_told_in_short_printable_lines(
    error: str, problems: list[str]
) -> None:
    trouble = last_word([_ended(_word(error=error or "?")[:4096])])
    assert isinstance(trouble, Trouble)
    assert trouble.text.isprintable()
    assert len(trouble.text) <= 500
    result = last_word([_ended(_word(reason="SourcesFailed", problems=problems)[:4096])])
    assert result is not None
    told = result.problems if isinstance(result, Result) else (result.text,)
    assert all(one.isprintable() for one in told)


@pytest.mark.parametrize("count", [-1, 2**63, 10**30])
def test_a_count_that_no_status_can_hold_ends_at_its_limit(count: int) -> None:
    word = last_word([_ended(_word(reason="TargetReached", counts={"stored": count}))])
    assert isinstance(word, Result)
    assert word.counts.stored == min(max(0, count), 2**63 - 1)


def test_why_a_pod_does_not_start_is_told() -> None:
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}, "image": "scraper:1"}
    assert start_trouble([{"status": {"containerStatuses": [waiting]}}]) == (
        "ImagePullBackOff (scraper:1)"
    )
    unplaced = {"type": "PodScheduled", "reason": "Unschedulable"}
    assert start_trouble([{"status": {"conditions": [unplaced]}}]).startswith("Unschedulable")
    starting = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    assert start_trouble([{"status": {"containerStatuses": [starting]}}]) == ""


def test_the_pod_that_runs_is_asked() -> None:
    pods = [{"status": {"phase": "Failed", "podIP": "a"}}]
    assert running_ip(pods) == ""
    assert running_ip([*pods, {"status": {"phase": "Running", "podIP": "b"}}]) == "b"


def test_counts_are_read_from_metrics() -> None:
    page = """# HELP artgrab_scrape_found Found.
artgrab_scrape_found 12.0
artgrab_scrape_stored 1e+01
artgrab_scrape_rejected 1.0
artgrab_scrape_failed 0.0
"""
    assert read_counts(page) == RunCounts(candidates=12, stored=10, rejected=1, failed=0)


@given(st.text())
def test_a_page_of_anything_else_is_passed_over(text: str) -> None:
    assert read_counts(text) is None


def test_a_page_that_was_made_to_take_long_takes_no_time() -> None:
    page = "artgrab_scrape_found{\n" * 12_000
    began = time.perf_counter()
    assert read_counts(page) is None
    assert time.perf_counter() - began < 2  # milliseconds, where it once was ten seconds
