"""What of a cluster is told, and how it is laid out."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from artgrab.cli.cluster_answer import go_on_showing
from artgrab.cli.cluster_rows import (
    CategoryRow,
    ClassifierRow,
    ClusterStatus,
    category_row,
    classifier_row,
    cluster_status,
)
from artgrab.cli.cluster_text import age_text, next_text, percent_text, status_lines
from artgrab.common.errors import SurroundingsError
from tests.support.played_api_server import (
    DATASET,
    SERVING,
    category,
    classifier,
    condition,
    counts,
)

NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
READY = condition("Ready", "True", "TargetReached", "100 pictures are stored")
BUSY = condition("Ready", "False", "Scraping", "a scrape is under way; kubectl logs job/c-1 -f")
SERVED = condition("Ready", "True", "ModelServed", "a newer model is not promoted")


def status_of(
    categories: Sequence[dict[str, Any]] = (),
    classifiers: Sequence[dict[str, Any]] = (),
    *,
    namespace: str = "default",
) -> ClusterStatus:
    return cluster_status(
        context="played", namespace=namespace, categories=categories, classifiers=classifiers
    )


def shown(status: ClusterStatus, *, width: int = 100, height: int = 0, note: str = "") -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=25)
    console.print(status_lines(status, console=console, now=NOW, note=note, height=height))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]  # a StringIO


def test_an_object_that_no_operator_has_seen_says_so() -> None:
    row = category_row(category("fish"))
    assert (row.ready, row.reason, row.stored, row.target) == ("Unknown", "NotSeen", 0, 100)
    assert "no operator has looked at it yet" in row.message
    assert classifier_row(classifier("art")).reason == "NotSeen"


def test_a_status_of_another_artgrab_is_told_and_stops_nothing() -> None:
    odds: list[dict[str, Any]] = [
        {"conditions": "none"},
        {"counts": {"stored": "many"}},
        {"conditions": [{}]},
    ]
    for odd in odds:
        row = category_row(category("fish", **odd))
        assert (row.ready, row.reason) == ("Unknown", "NotUnderstood")
    assert classifier_row(classifier("art", serving={"key": 3})).reason == "NotUnderstood"


def test_what_a_newer_operator_adds_is_passed_over() -> None:
    assert category_row(category("fish", READY, novelty={"a": 1})).is_ready


def test_a_classifier_tells_the_served_model_and_else_the_newest() -> None:
    model = SERVING | {"dataset": "1" * 32, "testImages": 90, "trainedAt": "2026-11-02T11:00:00Z"}
    model |= {"accuracyPermille": 871, "uri": "s3://b/m", "key": "3" * 32, "inputs": "4" * 32}
    both = classifier_row(classifier("art", SERVED, model=model, serving=SERVING))
    assert (both.accuracy_permille, both.served) == (934, SERVING["contentSha256"])
    newest = classifier_row(classifier("art", model=model, dataset=DATASET))
    assert (newest.accuracy_permille, newest.served, newest.images) == (871, "", 812)


def test_a_ready_category_has_a_row_and_one_that_is_not_its_message_as_well() -> None:
    bodies = [
        category("murals", BUSY, counts=counts(7)),
        category("fish", READY, counts=counts(100), nextRunAt="2026-11-08T03:00:00Z"),
    ]
    lines = shown(status_of(bodies))
    assert lines[0] == "played, namespace default: 1 of 2 categories ready"
    assert lines[3].split() == ["fish", "True", "TargetReached", "100/100", "3h", "in", "5d"]
    assert lines[4].split() == ["murals", "False", "Scraping", "7/100", "3h", "-"]
    assert lines[5] == "  murals: a scrape is under way; kubectl logs job/c-1 -f"
    assert "100 pictures" not in "\n".join(lines)


def test_a_wide_terminal_has_the_messages_in_the_table() -> None:
    lines = shown(status_of([category("fish", READY)], [classifier("art", SERVED)]), width=160)
    (fish,) = [line for line in lines if line.startswith("fish")]
    assert fish.endswith("100 pictures are stored")
    (art,) = [line for line in lines if line.startswith("art")]
    assert art.endswith("a newer model is not promoted")


def test_a_narrow_terminal_has_lines_instead_of_a_table() -> None:
    bodies = [category("fish", BUSY, counts=counts(7))]
    status = status_of(bodies, [classifier("art", SERVED, dataset=DATASET, serving=SERVING)])
    lines = shown(status, width=60)
    place = lines.index("fish")
    assert lines[place : place + 4] == [
        "fish",
        "  False Scraping",
        "  7/100, 3h old",
        "  a scrape is under way; kubectl logs job/c-1 -f",
    ]
    assert "  accuracy 93.4 %, 812 images, model 0123456789ab, 2" in lines
    assert "  art-or-not-serving.default.svc:8500" in lines


_NAMES = st.text("abc-", min_size=1, max_size=40)
_TEXTS = st.text(max_size=200)
_CATEGORIES = st.builds(
    CategoryRow,
    namespace=_NAMES,
    name=_NAMES,
    ready=st.sampled_from(["True", "False", "Unknown"]),
    reason=st.text("abC", max_size=24),
    message=_TEXTS,
    created_at=st.just("2026-11-02T09:00:00Z"),
    stored=st.integers(0, 10**6),
    target=st.integers(1, 10**6),
    next_run_at=st.sampled_from([None, "2026-11-08T03:00:00Z"]),
)
_CLASSIFIERS = st.builds(
    ClassifierRow,
    namespace=_NAMES,
    name=_NAMES,
    ready=st.sampled_from(["True", "False"]),
    reason=st.text("abC", max_size=24),
    message=_TEXTS,
    created_at=st.just("2026-11-02T09:00:00Z"),
    accuracy_permille=st.none() | st.integers(0, 1000),
    images=st.none() | st.integers(0, 10**6),
    served=st.sampled_from(["", "0" * 64]),
    ready_replicas=st.none() | st.integers(0, 100),
    endpoint=st.sampled_from(["", "art-serving.default.svc:8500"]),
)
_STATUSES = st.builds(
    ClusterStatus,
    context=_TEXTS,
    namespace=st.sampled_from(["", "default"]),
    categories=st.lists(_CATEGORIES, max_size=12),
    classifiers=st.lists(_CLASSIFIERS, max_size=4),
)


@given(_STATUSES, st.integers(40, 200), st.integers(1, 40), st.sampled_from(["", "try again"]))
def test_it_fits_every_terminal(status: ClusterStatus, width: int, height: int, note: str) -> None:
    whole = shown(status, width=width, note=note)
    assert [line for line in whole if cell_len(line) > width] == []
    assert not [line for line in whole if "\x1b" in line]
    assert len(shown(status, width=width, height=height, note=note)) <= max(height, 2)


def test_where_there_is_little_height_what_is_not_ready_stays() -> None:
    bodies = [category(f"c{n:02}", BUSY if n == 30 else READY) for n in range(40)]
    lines = shown(status_of(bodies, [classifier("art", SERVED)]), height=20)
    assert len(lines) <= 20
    assert [line.split()[0] for line in lines if line.startswith("c")] == [
        "category",
        "c30",
        "classifier",
    ]
    assert lines[-1] == (
        "39 of 40 categories ready, 1 of 1 classifiers ready; --no-watch shows all"
    )


def test_no_text_of_a_cluster_can_send_an_escape_sequence() -> None:
    hostile = condition("Ready", "False", "Failed", "\x1b]0;owned\x07\u202e\r\nfish [red]x[/red]")
    for width in (50, 100, 160):
        lines = shown(status_of([category("fish", hostile)]), width=width)
        assert not {
            mark for mark in ("\x1b", "\x07", "\u202e", "\r") for line in lines if mark in line
        }
        assert "[red]x[/red]" in " ".join(lines)


def test_without_colour_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(console: Console) -> str:
        console.print(status_lines(status_of([category("fish", READY)]), console=console, now=NOW))
        text: str = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
        return text

    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[3" not in told(Console(file=io.StringIO(), force_terminal=True))
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[32m" in told(Console(file=io.StringIO(), force_terminal=True))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (119, "119s"), (121, "2m"), (7199, "119m"), (7200, "2h"), (200_000, "2d")],
)
def test_an_age_is_told_in_one_unit(seconds: int, text: str) -> None:
    assert age_text((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == text


def test_a_run_that_comes_is_told_and_one_that_is_late() -> None:
    assert next_text("2026-11-02T15:00:00Z", NOW) == "in 3h"
    assert next_text("2026-11-02T11:00:00Z", NOW) == "due"
    assert next_text(None, NOW) == "-"
    assert age_text("", NOW) == ""
    assert percent_text(None) == "-"
    assert percent_text(1000) == "100.0 %"


class Clock:
    """A time that goes on while somebody sleeps or looks."""

    def __init__(self, *, looks_take: float, until: int) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self._looks_take = looks_take
        self._until = until

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if len(self.slept) == self._until:
            raise KeyboardInterrupt
        self.slept.append(seconds)
        self.now += seconds

    def look(self) -> ClusterStatus:
        self.now += self._looks_take
        return status_of([category("fish", READY)])


def shown_live(clock: Clock, look: Any = None) -> str:
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    go_on_showing(
        status_of(),
        look or clock.look,
        console=console,
        sleep=clock.sleep,
        clock=clock,
        now=lambda: NOW,
    )
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    return text


def test_a_quick_server_is_asked_every_two_seconds_and_a_slow_one_less_often() -> None:
    quick, slow = Clock(looks_take=0.01, until=3), Clock(looks_take=3, until=3)
    assert "1 of 1 categories ready" in shown_live(quick)
    assert quick.slept == [2.0, 2.0, 2.0]
    shown_live(slow)
    assert slow.slept == [2.0, 60.0, 60.0]


def test_a_server_that_goes_away_is_waited_for_and_what_it_said_stays() -> None:
    clock = Clock(looks_take=0, until=7)
    answers = iter([True, False, False, False, False, False, True])

    def look() -> ClusterStatus:
        if not next(answers):
            raise SurroundingsError("the API server cannot be reached")
        return clock.look()

    text = shown_live(clock, look)
    assert clock.slept == [2.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    assert "Trying again since 12:00:00 UTC: the API server cannot be reached" in text
    last = text.split("played, namespace default")
    assert "1 of 1 categories ready" in last[-2]
    assert "Trying again" not in last[-1]
