"""Progress: throttled for people, forwarded from child to parent."""

import io

from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.progress import ForwardingSink, Progress, Throttled, parse_forwarded


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


def test_reports_of_one_part_are_throttled_and_its_last_one_always_shown() -> None:
    seen: list[Progress] = []
    times = iter([0.0, 0.1, 0.15, 0.3])
    throttled = Throttled(seen.append, interval=0.2, clock=lambda: next(times))
    for done, finished in ((1, False), (2, False), (3, True), (4, False)):
        throttled(Progress(stage="train", done=done, finished=finished))
    assert [progress.done for progress in seen] == [1, 3]
