"""What DecodePool and its workers say to each other through pipes.

Frames are a length of 4 bytes (big-endian) and msgpack. No pickle: a decoder that a hostile picture
has taken over must not be able to run code in the service.
"""

from typing import TypeVar

import msgspec

from artgrab.images.types import Kept

LENGTH_BYTES = 4


class Task(msgspec.Struct, frozen=True):
    """A picture to process."""

    data: bytes
    min_side: int


class Refusal(msgspec.Struct, frozen=True, tag=True):
    """The picture was refused."""

    reason: str


class Success(msgspec.Struct, frozen=True, tag=True):
    """The picture can be kept."""

    kept: Kept


Answer = Refusal | Success

Buffer = bytes | bytearray | memoryview
_T = TypeVar("_T")

_encoder = msgspec.msgpack.Encoder()
_task_decoder = msgspec.msgpack.Decoder(Task)
_answer_decoder = msgspec.msgpack.Decoder[Answer](Answer)


def frame(message: Task | Answer) -> bytearray:
    """Return a message as it goes through a pipe."""
    framed = bytearray(LENGTH_BYTES)
    _encoder.encode_into(message, framed, LENGTH_BYTES)
    framed[:LENGTH_BYTES] = (len(framed) - LENGTH_BYTES).to_bytes(LENGTH_BYTES, "big")
    return framed


def length_of(prefix: bytes) -> int:
    """Return how many bytes follow the prefix of a frame."""
    return int.from_bytes(prefix, "big")


def decode_task(data: Buffer) -> Task:
    """Read a task.

    Raises:
        msgspec.DecodeError: the bytes are none.
    """
    return _decoded(data, _task_decoder)


def decode_answer(data: Buffer) -> Answer:
    """Read an answer.

    Raises:
        msgspec.DecodeError: the bytes are none.
    """
    answer: Answer = _decoded(data, _answer_decoder)
    return answer


def _decoded(data: Buffer, decoder: msgspec.msgpack.Decoder[_T]) -> _T:
    """Decode; msgspec lets two errors of Python itself through."""
    try:
        return decoder.decode(data)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
