"""Progress, forwarded from child to parent."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.progress import (
    ForwardingSink,
    Progress,
    no_progress,
    parse_forwarded,
    parse_forwarded_warning,
    warn,
)


@given(
    item=st.text(), done=st.integers(0, 2**40), counts=st.dictionaries(st.text(), st.integers(0, 9))
)
def test_what_a_child_forwards_its_parent_reads(
    item: str, done: int, counts: dict[str, int]
) -> None:
    progress = Progress(stage="scrape", item=item, done=done, counts=counts)
    stream = io.StringIO()
    ForwardingSink(stream)(progress)
    (line,) = stream.getvalue().split("\n")[:-1]
    assert parse_forwarded(line) == progress


@given(st.text())
def test_any_other_line_is_no_progress(line: str) -> None:
    assert parse_forwarded(line) is None
    assert parse_forwarded("@progress " + line + "!") is None


@given(st.text())
def test_a_warning_reaches_the_parent_as_one_line(text: str) -> None:
    stream = io.StringIO()
    warn(ForwardingSink(stream), text)
    (line,) = stream.getvalue().split("\n")[:-1]
    assert parse_forwarded_warning(line) == text
    assert parse_forwarded(line) is None


@given(st.text())
def test_any_other_line_is_no_warning(line: str) -> None:
    assert parse_forwarded_warning(line) is None
    assert parse_forwarded_warning("@warning " + line + "!") is None


def test_a_sink_without_a_place_for_warnings_leaves_them_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    warn(no_progress, "the disk is nearly full")
    assert capsys.readouterr().err == "artgrab: the disk is nearly full\n"
