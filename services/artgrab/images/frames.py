"""What DecodePool and its workers say to each other through pipes.

A task is two numbers of 4 bytes and one of 8 (big-endian): the bytes of the picture, the least
side, and where it lies in the memory that both share. Where it does not, that is -1, and the
picture follows. An answer is a length of 4 bytes and msgpack. No pickle: a decoder that a hostile
picture has taken over must not be able to run code in the service.
"""

import struct
from typing import BinaryIO, NamedTuple

import msgspec

from artgrab.images.types import Data, Kept

LENGTH_BYTES = 4


class Task(NamedTuple):
    """A picture to process."""

    data: Data
    min_side: int
    """As process_picture takes it."""


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """The picture was refused."""

    reason: str


class Success(msgspec.Struct, frozen=True, tag=True):
    """The picture can be kept."""

    kept: Kept


Answer = Refusal | Success

_NOT_SHARED = -1
_HEAD = struct.Struct(">IIq")
_encoder = msgspec.msgpack.Encoder()
_answer_decoder = msgspec.msgpack.Decoder[Answer](Answer)


def task_parts(task: Task, *, place: int | None = None) -> list[Data]:
    """Return what goes through a pipe for a task, one after the other.

    Args:
        task: what is to be done.
        place: of its picture in what is shared; None where it is not there.
    """
    size = len(task.data)
    if place is None:
        return [_HEAD.pack(size, task.min_side, _NOT_SHARED), task.data]
    return [_HEAD.pack(size, task.min_side, place)]


def read_task(stream: BinaryIO, shared: Data = b"") -> Task | None:
    """Return the next task; None where the stream ends before its end.

    Args:
        stream: what comes through the pipe.
        shared: the memory where pictures can lie.
    """
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, min_side, place = _HEAD.unpack(head)
    in_pipe = place == _NOT_SHARED
    data = stream.read(size) if in_pipe else shared[place : place + size]
    return Task(data, min_side) if len(data) == size else None


def frame(message: Answer) -> bytearray:
    """Return an answer as it goes through a pipe."""
    framed = bytearray(LENGTH_BYTES)
    _encoder.encode_into(message, framed, LENGTH_BYTES)
    framed[:LENGTH_BYTES] = (len(framed) - LENGTH_BYTES).to_bytes(LENGTH_BYTES, "big")
    return framed


def decode_answer(data: bytes | bytearray | memoryview) -> Answer:
    """Read an answer.

    Raises:
        one of UNREADABLE: the bytes are none.
    """
    answer: Answer = _answer_decoder.decode(data)
    return answer
