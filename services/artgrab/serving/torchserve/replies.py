"""What the handler inside TorchServe answers for one picture, and the engine reads."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from artgrab.common.unreadable import UNREADABLE
from artgrab.images import PictureRefusedError
from artgrab.serving.engines import Answer

MODEL_NAME = "artgrab"
RAW, STORED = "data", "stored"
"""Names of a picture in a request: as people have it, or as artgrab.images has re-encoded it."""


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer, the reason why there is none, or word that the model failed."""

    label: str = ""
    probabilities: dict[str, float] = {}
    refused: str = ""
    failed: bool = False

    @property
    def probability(self) -> float:
        """Of the label."""
        return self.probabilities[self.label]


class HandlerContext(Protocol):
    """What TorchServe hands to a handler."""

    @property
    def system_properties(self) -> Mapping[str, str]: ...
    @property
    def model_yaml_config(self) -> Mapping[str, Mapping[str, object]]: ...


class ModelFailedError(Exception):
    """The model raised; the log of TorchServe says what."""


_decoder = msgspec.json.Decoder(Reply)


def encode_answer(answer: Answer | PictureRefusedError) -> bytes:
    """Return the reply for what became of a picture; numbers come back exactly as they are."""
    if isinstance(answer, PictureRefusedError):
        return msgspec.json.encode(Reply(refused=answer.reason))
    probabilities: Mapping[str, float] = answer.probabilities
    return msgspec.json.encode(Reply(label=answer.label, probabilities=dict(probabilities)))


def encode_failure() -> bytes:
    """Return the reply for a picture of a batch over which the model failed."""
    return msgspec.json.encode(Reply(failed=True))


def read_reply(data: bytes) -> Reply | PictureRefusedError:
    """Return what a reply says.

    Raises:
        ModelFailedError: that the model failed, or nothing that can be read.
    """
    try:
        reply = _decoder.decode(data)
    except UNREADABLE as error:
        raise ModelFailedError("an answer of TorchServe is not our handler's") from error
    if reply.failed or not (reply.refused or reply.label in reply.probabilities):
        raise ModelFailedError("the model failed inside TorchServe")
    return PictureRefusedError(reply.refused) if reply.refused else reply
