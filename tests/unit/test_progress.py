"""Progress, forwarded from child to parent."""

import io

from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.progress import ForwardingSink, Progress, parse_forwarded


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
