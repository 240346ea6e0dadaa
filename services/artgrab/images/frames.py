"""What DecodePool and its workers say to each other through pipes.

A task is two numbers of 4 bytes (big-endian), and the picture as it came. An answer is a length of
4 bytes and msgpack. No pickle: a decoder that a hostile picture has taken over must not be able to
run code in the service.
"""

import struct
from typing import BinaryIO, NamedTuple

import msgspec

from artgrab.images.types import Kept

LENGTH_BYTES = 4


class Task(NamedTuple):
    """A picture to process."""

    data: bytes
    min_side: int
    """As process_picture takes it."""


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """The picture was refused."""

    reason: str


class Success(msgspec.Struct, frozen=True, tag=True):
    """The picture can be kept."""

    kept: Kept


Answer = Refusal | Success

_HEAD = struct.Struct(">II")
_encoder = msgspec.msgpack.Encoder()
_answer_decoder = msgspec.msgpack.Decoder[Answer](Answer)


def task_parts(task: Task) -> tuple[bytes, bytes]:
    """Return what goes through a pipe for a task, one after the other."""
    return _HEAD.pack(len(task.data), task.min_side), task.data


def read_task(stream: BinaryIO) -> Task | None:
    """Return the next task; None where the stream ends before its end."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, min_side = _HEAD.unpack(head)
    data = stream.read(size)
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
