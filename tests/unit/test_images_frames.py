"""What goes to decoders, and what one that was taken over may answer."""

import io

import pytest

from artgrab.common.unreadable import UNREADABLE
from artgrab.images.frames import Task, decode_answer, read_task, task_parts

_NESTED = b"\x91" * 5000
_NO_UTF8 = b"\x82\xa4type\xa7Refusal\xa6reason\xa1\xff"


@pytest.mark.parametrize("data", [b"", b"\xc1", _NESTED, _NO_UTF8, b"\x82\xa4data\xa1\xff"])
def test_bytes_that_are_no_message_are_told_as_that(data: bytes) -> None:
    with pytest.raises(UNREADABLE):
        decode_answer(data)


def test_a_picture_in_shared_memory_is_only_told_of() -> None:
    sent = b"".join(task_parts(Task(b"picture", 7), place=3))
    assert read_task(io.BytesIO(sent + b"the next one"), b"my picture!") == Task(b"picture", 7)
    assert b"picture" not in sent


@pytest.mark.parametrize("task", [Task(b"", 0), Task(b"picture", 4096)])
def test_a_task_comes_as_it_went_and_one_that_is_cut_off_is_none(task: Task) -> None:
    sent = b"".join(task_parts(task))
    assert read_task(io.BytesIO(sent + b"the next one")) == task
    for length in range(len(sent)):
        assert read_task(io.BytesIO(sent[:length])) is None
