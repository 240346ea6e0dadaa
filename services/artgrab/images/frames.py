"""What DecodePool and its workers say to each other through pipes.

Frames are a length of 4 bytes (big-endian) and msgpack. No pickle: a decoder that a hostile picture
has taken over must not be able to run code in the service.
"""

import msgspec

from artgrab.images.types import Picture

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

    picture: Picture


Answer = Refusal | Success

_encoder = msgspec.msgpack.Encoder()
_task_decoder = msgspec.msgpack.Decoder(Task)
_answer_decoder = msgspec.msgpack.Decoder[Answer](Answer)


def frame(message: Task | Answer) -> bytes:
    """Return a message as it goes through a pipe."""
    data = _encoder.encode(message)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def length_of(prefix: bytes) -> int:
    """Return how many bytes follow the prefix of a frame."""
    return int.from_bytes(prefix, "big")


def decode_task(data: bytes) -> Task:
    """Read a task.

    Raises:
        msgspec.DecodeError: the bytes are none.
    """
    return _task_decoder.decode(data)


def decode_answer(data: bytes) -> Answer:
    """Read an answer.

    Raises:
        msgspec.DecodeError: the bytes are none.
    """
    answer: Answer = _answer_decoder.decode(data)
    return answer
