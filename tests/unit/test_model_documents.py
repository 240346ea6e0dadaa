"""model.json and config.json: what they promise and what is refused."""

import msgspec
import pytest

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import BadInputError, ObjectCorruptError
from artgrab.common.keys import SCHEMA_VERSION
from artgrab.model.documents import (
    CONFIG,
    MODEL_VERSION,
    WEIGHTS,
    ModelConfig,
    ModelInfo,
    content_digest,
    encode_config,
    parse_config,
    parse_info,
)

FILES = {CONFIG: sha256_hex(b"config"), WEIGHTS: sha256_hex(b"weights")}


def _config(**changes: object) -> ModelConfig:
    config = ModelConfig(
        backbone="test_efficientnet",
        labels=("art", "not-art"),
        image_size=64,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        weights="random",
    )
    return msgspec.structs.replace(config, **changes)


def test_a_config_reads_as_it_was_written() -> None:
    assert parse_config(encode_config(_config()), where="here") == _config()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": SCHEMA_VERSION + 1}, "newer artgrab"),
        ({"model_version": MODEL_VERSION + 1}, "train the model again"),
    ],
)
def test_a_config_of_another_artgrab_is_refused(changes: dict[str, int], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        parse_config(encode_config(_config(**changes)), where="here")


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", encode_config(_config())[:-1] + b',"run":"code"}']
)
def test_a_config_that_is_none_is_corrupt(data: bytes) -> None:
    with pytest.raises(ObjectCorruptError, match=r"here/config\.json"):
        parse_config(data, where="here")


def test_a_newer_model_is_refused() -> None:
    info = ModelInfo(
        input_key="key",
        content_sha256=content_digest(FILES),
        files=FILES,
        backbone="test_efficientnet",
        labels=("art", "not-art"),
        dataset_sha256="",
        metrics={},
    )
    assert parse_info(msgspec.json.encode(info), where="here") == info
    newer = msgspec.structs.replace(info, schema_version=SCHEMA_VERSION + 1)
    with pytest.raises(BadInputError, match="newer artgrab"):
        parse_info(msgspec.json.encode(newer), where="here")


def test_the_content_digest_names_what_a_model_answers_and_no_report() -> None:
    assert content_digest({**FILES, "report.html": "x"}) == content_digest(FILES)
    assert content_digest({**FILES, WEIGHTS: sha256_hex(b"others")}) != content_digest(FILES)
    assert content_digest({**FILES, CONFIG: sha256_hex(b"others")}) != content_digest(FILES)
