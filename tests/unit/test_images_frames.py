"""What a decoder that was taken over may answer."""

import msgspec
import pytest

from artgrab.images.frames import decode_answer, decode_task

_NESTED = b"\x91" * 5000
_NO_UTF8 = b"\x82\xa4type\xa7Refusal\xa6reason\xa1\xff"


@pytest.mark.parametrize("data", [b"", b"\xc1", _NESTED, _NO_UTF8, b"\x82\xa4data\xa1\xff"])
def test_bytes_that_are_no_message_are_told_as_that(data: bytes) -> None:
    for read in (decode_answer, decode_task):
        with pytest.raises(msgspec.MsgspecError):
            read(data)
