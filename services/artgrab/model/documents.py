"""The documents of a model folder, readable without torch."""

from collections.abc import Callable, Mapping

import msgspec

from artgrab.common.digests import canonical_json, digest_of, sha256_hex
from artgrab.common.errors import BadInputError, ObjectCorruptError
from artgrab.common.keys import SCHEMA_VERSION
from artgrab.common.store import Store
from artgrab.common.stored import decode_document

MODEL_VERSION = 1
"""To be raised with any change that alters what a model answers: preprocessing, backbone, head."""

CONFIG, WEIGHTS, MARKER = "config.json", "model.safetensors", "model.json"
CONTENT = (CONFIG, WEIGHTS)
"""The files that decide what a model answers; report and metrics do not."""


Read = Callable[[str], bytes]
"""Returns the bytes of a file of the folder."""


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a process needs to know to answer with the weights beside it."""

    backbone: str
    """Name of a timm model."""
    labels: tuple[str, ...]
    """In the order of the head's outputs."""
    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    weights: str
    """What the backbone started from: package and version, or `random`."""
    model_version: int = MODEL_VERSION
    schema_version: int = SCHEMA_VERSION


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The document that completes a model: while it is absent there is no model."""

    input_key: str
    content_sha256: str
    """digest_of the digests of config.json and model.safetensors by name."""
    files: dict[str, str]
    """SHA-256 of every file of the folder but this one."""
    backbone: str
    labels: tuple[str, ...]
    dataset_sha256: str
    """Content digest of the snapshot that it is learned from."""
    metrics: dict[str, object]
    schema_version: int = SCHEMA_VERSION


def content_digest(files: Mapping[str, str]) -> str:
    """Return the digest that names what a model answers, from the digests of its files."""
    return digest_of({name: files[name] for name in CONTENT})


def read_content(read: Read, *, where: str) -> tuple[ModelInfo, dict[str, bytes]]:
    """Return the document of a complete model, and the files that decide its answers, verified.

    Raises:
        ObjectMissingError: there is no complete model.
        ObjectCorruptError: the bytes are not those of its digests, or not readable.
        BadInputError: it was written by a newer artgrab.
    """
    info = parse_info(read(MARKER), where=where)
    data = {name: read(name) for name in CONTENT}
    check_content(data, content_sha256=info.content_sha256, where=where)
    return info, data


def check_content(data: Mapping[str, bytes], *, content_sha256: str, where: str) -> None:
    """Refuse files that do not have the digest of their model.

    Raises:
        ObjectCorruptError: they do not.
    """
    digests = {name: sha256_hex(data[name]) for name in CONTENT}
    if content_digest(digests) != content_sha256:
        raise ObjectCorruptError(f"{where}: the files do not have the model's digest")


def encode_config(config: ModelConfig) -> bytes:
    """Return config.json; equal configs have equal bytes."""
    return canonical_json(config)


def read_info(store: Store, prefix: str) -> ModelInfo:
    """Return the document of a complete model.

    Raises:
        ObjectMissingError: there is no complete model.
        ObjectCorruptError: the document is not readable.
        BadInputError: it was written by a newer artgrab.
    """
    return parse_info(store.get(f"{prefix}/{MARKER}"), where=store.uri_of(prefix))


def parse_info(data: bytes, *, where: str) -> ModelInfo:
    """Return what a model.json says.

    Raises:
        ObjectCorruptError: it is not readable.
        BadInputError: it was written by a newer artgrab.
    """
    return decode_document(data, ModelInfo, where=f"{where}/{MARKER}")


def parse_config(data: bytes, *, where: str) -> ModelConfig:
    """Return what a config.json says.

    Raises:
        ObjectCorruptError: it is not readable.
        BadInputError: it was written by a newer artgrab, or for another way to see pictures.
    """
    config = decode_document(data, ModelConfig, where=f"{where}/{CONFIG}")
    if config.model_version != MODEL_VERSION:
        raise BadInputError(f"{where}: this artgrab sees pictures otherwise; train the model again")
    return config
