"""A complete model folder with random weights of a tiny backbone, written in a second."""

import msgspec
import torch

from artgrab.common.digests import sha256_hex
from artgrab.common.store import Store
from artgrab.model.backbone import backbone_input, pretrained_backbone
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
from artgrab.model.weights import WeightsChoice

BACKBONE = "test_efficientnet"
LABELS = ("art", "not-art")


def write_model(store: Store, prefix: str) -> str:
    """Write a model and return its content_sha256."""
    vision = backbone_input(BACKBONE, image_size=64)
    config = ModelConfig(
        backbone=BACKBONE,
        labels=LABELS,
        image_size=vision.image_size,
        mean=vision.mean,
        std=vision.std,
        weights="random",
    )
    files = {CONFIG: encode_config(config), WEIGHTS: encode_tensors(_tensors(vision.image_size))}
    digests = {name: sha256_hex(data) for name, data in files.items()}
    info = ModelInfo(
        input_key=prefix.rpartition("/")[2],
        content_sha256=content_digest(digests),
        files=digests,
        backbone=BACKBONE,
        labels=LABELS,
        dataset_sha256="0" * 64,
        metrics={},
    )
    for name, data in files.items():
        store.put(f"{prefix}/{name}", data)
    store.put(f"{prefix}/{MARKER}", msgspec.json.encode(info))
    return info.content_sha256


def _tensors(image_size: int) -> dict[str, torch.Tensor]:
    backbone = pretrained_backbone(
        BACKBONE, image_size=image_size, weights=WeightsChoice(source="random"), seed=0
    )
    width = backbone.num_features
    assert isinstance(width, int)
    weight = torch.linspace(-1, 1, len(LABELS) * width).reshape(len(LABELS), width)
    state = {f"backbone.{name}": tensor for name, tensor in backbone.state_dict().items()}
    return {**state, "head.weight": weight, "head.bias": torch.zeros(len(LABELS))}
