"""A classifier out of a model folder: its answers, and the folders that it refuses."""

from pathlib import Path

import msgspec
import pytest
import torch

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import ObjectCorruptError, ObjectMissingError
from artgrab.common.store import Store
from artgrab.images import PictureRefusedError
from artgrab.model.backbone import features_of, pretrained_backbone
from artgrab.model.classifier import Classifier, Prediction
from artgrab.model.documents import (
    CONFIG,
    MARKER,
    WEIGHTS,
    ModelConfig,
    ModelInfo,
    content_digest,
    encode_config,
)
from artgrab.model.folder import encode_tensors
from artgrab.model.preprocess import stored_bytes
from artgrab.model.weights import RANDOM, WeightsChoice
from tests.support.drawn import drawn, encoded

BACKBONE, LABELS, PREFIX = "test_efficientnet", ("art", "not-art"), "default/models/key"


def _tensors() -> dict[str, torch.Tensor]:
    backbone = pretrained_backbone(
        BACKBONE, image_size=64, weights=WeightsChoice(source=RANDOM), seed=1
    )
    tensors = {f"backbone.{name}": tensor for name, tensor in backbone.state_dict().items()}
    width = features_of(backbone, torch.zeros(1, 3, 64, 64)).shape[1]
    weight = torch.linspace(-1, 1, 2 * width).reshape(2, -1)
    return {**tensors, "head.weight": weight, "head.bias": torch.tensor([0.1, -0.1])}


def _put_model(store: Store, files: dict[str, bytes] | None = None) -> None:
    """Store a model folder; `files` replace those of a good one, before the digests are made."""
    config = ModelConfig(
        backbone=BACKBONE,
        labels=LABELS,
        image_size=64,
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        weights=RANDOM,
    )
    content = {CONFIG: encode_config(config), WEIGHTS: encode_tensors(_tensors()), **(files or {})}
    digests = {name: sha256_hex(data) for name, data in content.items()}
    info = ModelInfo(
        input_key="key",
        content_sha256=content_digest(digests),
        files=digests,
        backbone=BACKBONE,
        labels=LABELS,
        dataset_sha256="",
        metrics={},
    )
    for name, data in {**content, MARKER: msgspec.json.encode(info)}.items():
        store.put(f"{PREFIX}/{name}", data)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.open(str(tmp_path))
    _put_model(store)
    return store


def test_every_picture_gets_a_label_and_probabilities_that_sum_up(store: Store) -> None:
    pictures = [encoded(drawn(seed), kind) for seed in range(3) for kind in ("JPEG", "PNG", "WEBP")]
    answers = Classifier.load(store, PREFIX).predict(pictures)
    assert len(answers) == len(pictures)
    for answer in answers:
        assert isinstance(answer, Prediction)
        assert set(answer.probabilities) == set(LABELS)
        assert sum(answer.probabilities.values()) == pytest.approx(1)
        assert answer.probability == max(answer.probabilities.values())
        assert answer.probability == answer.probabilities[answer.label]


def test_a_picture_that_cannot_be_read_fails_alone(store: Store) -> None:
    good = encoded(drawn(1))
    classifier = Classifier.load(store, PREFIX)
    answers = classifier.predict([good, b"<html>", good, good[:500], b""])
    refused = [isinstance(answer, PictureRefusedError) for answer in answers]
    assert refused == [False, True, False, True, True]
    assert answers[0] == answers[2]
    assert classifier.predict([]) == []


def test_a_stored_picture_gets_the_answer_of_its_original(store: Store) -> None:
    classifier = Classifier.load(store, PREFIX)
    raw = encoded(drawn(4, width=800, height=600), "PNG")
    assert classifier.predict_stored([stored_bytes(raw)]) == classifier.predict([raw])


def test_the_answer_does_not_hang_on_what_else_is_asked(store: Store) -> None:
    classifier = Classifier.load(store, PREFIX)
    pictures = [encoded(drawn(seed)) for seed in range(6)]
    together = classifier.predict(pictures)
    for picture, answer in zip(pictures, together, strict=True):
        (alone,) = classifier.predict([picture])
        assert isinstance(alone, Prediction)
        assert isinstance(answer, Prediction)
        assert alone.probability == pytest.approx(answer.probability, abs=1e-5)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_byte_that_was_changed_is_found(store: Store, name: str) -> None:
    data = bytearray(store.get(f"{PREFIX}/{name}"))
    data[len(data) // 2] ^= 1
    store.put(f"{PREFIX}/{name}", bytes(data))
    with pytest.raises(ObjectCorruptError, match="digest"):
        Classifier.load(store, PREFIX)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, MARKER])
def test_a_folder_that_lacks_a_file_is_no_model(store: Store, name: str) -> None:
    store.delete([f"{PREFIX}/{name}"])
    with pytest.raises(ObjectMissingError, match=name):
        Classifier.load(store, PREFIX)


def test_weights_of_another_backbone_are_refused(store: Store) -> None:
    tensors = _tensors()
    del tensors["backbone.conv_stem.weight"]
    _put_model(store, {WEIGHTS: encode_tensors(tensors)})
    with pytest.raises(ObjectCorruptError, match=BACKBONE):
        Classifier.load(store, PREFIX)


@pytest.mark.parametrize("name", ["head.weight", "head.bias"])
def test_a_model_without_a_head_for_its_labels_is_refused(store: Store, name: str) -> None:
    tensors = _tensors()
    tensors[name] = tensors[name][:1]
    _put_model(store, {WEIGHTS: encode_tensors(tensors)})
    with pytest.raises(ObjectCorruptError, match="head"):
        Classifier.load(store, PREFIX)


def test_bytes_that_are_no_safetensors_are_refused(store: Store) -> None:
    _put_model(store, {WEIGHTS: b"\x80\x04pickle"})
    with pytest.raises(ObjectCorruptError, match=WEIGHTS):
        Classifier.load(store, PREFIX)
