"""The model folder in and out: every byte verified, no pickle anywhere."""

from collections.abc import Mapping

import msgspec
import safetensors
import safetensors.torch
from torch import Tensor

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.store import Store
from artgrab.model.documents import (
    CONFIG,
    WEIGHTS,
    ModelConfig,
    Read,
    parse_config,
    read_content,
)


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model folder that was read and verified."""

    config: ModelConfig
    tensors: dict[str, Tensor]
    """`backbone.*`, `head.weight` and `head.bias`."""
    content_sha256: str


def encode_tensors(tensors: Mapping[str, Tensor]) -> bytes:
    """Return model.safetensors; equal tensors have equal bytes."""
    data: bytes = safetensors.torch.save({k: t.contiguous() for k, t in sorted(tensors.items())})
    return data


def read_model(read: Read, *, where: str) -> Model:
    """Read a model and verify every byte of it against its digests.

    Args:
        read: returns a file of the folder by name.
        where: address of the folder, for messages.

    Raises:
        ObjectMissingError: there is no complete model.
        ObjectCorruptError: the bytes are not those of its digests, or not readable.
        BadInputError: it was written by another artgrab.
    """
    info, data = read_content(read, where=where)
    return decode_model(data, content_sha256=info.content_sha256, where=where)


def decode_model(data: Mapping[str, bytes], *, content_sha256: str, where: str) -> Model:
    """Return the model of files that are verified already.

    Raises:
        ObjectCorruptError: they are not readable.
        BadInputError: they were written by another artgrab.
    """
    return Model(
        config=parse_config(data[CONFIG], where=where),
        tensors=decode_tensors(data[WEIGHTS], where=f"{where}/{WEIGHTS}"),
        content_sha256=content_sha256,
    )


def read_stored_model(store: Store, prefix: str) -> Model:
    """As read_model, from a prefix of the store."""
    return read_model(lambda name: store.get(f"{prefix}/{name}"), where=store.uri_of(prefix))


def decode_tensors(data: bytes, *, where: str) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file by name.

    Raises:
        ObjectCorruptError: it is not readable.
    """
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(data)
    except safetensors.SafetensorError as error:
        raise ObjectCorruptError(f"{where}: {error}") from error
    return tensors
