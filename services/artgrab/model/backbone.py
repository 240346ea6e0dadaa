"""Any timm backbone by name, as a function from pictures to features."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.model.weights import WeightsChoice

_NOT_IN_PACKAGES = "num_batches_tracked"
"""Counters of batch normalisation that inference does not read."""

_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, kw_only=True)
class BackboneInput:
    """What a backbone wants to see."""

    image_size: int
    """Pixels, side of the square."""
    mean: tuple[float, float, float]
    """Of each colour in 0..1, to be subtracted."""
    std: tuple[float, float, float]
    """Of each colour in 0..1, to divide by."""


def backbone_input(name: str, *, image_size: int | None) -> BackboneInput:
    """Return the input of a backbone: the size asked for, or the backbone's own.

    Raises:
        BadInputError: timm does not know the name.
    """
    check_name(name)
    config = timm.get_pretrained_cfg(name)
    if config is None:
        return BackboneInput(image_size=image_size or 224, mean=_HALF, std=_HALF)
    size = image_size or config.input_size[-1]
    return BackboneInput(image_size=size, mean=_triple(config.mean), std=_triple(config.std))


def use_threads(count: int) -> None:
    """Let the calling thread compute with so many OpenMP threads."""
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


def check_name(name: str) -> None:
    """Refuse a name that timm does not know.

    Raises:
        BadInputError: with the names closest to it.
    """
    if timm.is_model(name):
        return
    close = difflib.get_close_matches(name, timm.list_models(), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "take one of timm.list_models()"
    raise BadInputError(f"spec.model.backbone: {name} is not a timm model; {hint}")


def create_backbone(name: str, *, image_size: int) -> nn.Module:
    """Return a backbone without a classifying layer, ready for inference, weights undefined.

    Raises:
        BadInputError: an unknown name, or a size that it cannot take.
    """
    check_name(name)
    config = timm.get_pretrained_cfg(name)
    fixed: dict[str, Any] = (
        {"img_size": image_size} if config is not None and config.fixed_input_size else {}
    )
    try:
        model: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **fixed).eval()
        features_of(model, torch.zeros(1, 3, image_size, image_size))
    except (AssertionError, ValueError, TypeError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise BadInputError(
            f"spec.model.imageSize: {name} cannot take {image_size}: {reason}"
        ) from error
    return model.requires_grad_(False).to(memory_format=torch.channels_last)


def pretrained_backbone(
    name: str, *, image_size: int, weights: WeightsChoice, seed: int
) -> nn.Module:
    """Return a backbone with the chosen weights; random ones are the same for the same seed.

    Raises:
        BadInputError: an unknown name, or a size that it cannot take.
        SurroundingsError: the package's weights do not fit.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = create_backbone(name, image_size=image_size)
    if weights.file is not None:
        _load_in_order(model, _read_weights(weights.file, weights), name=name, weights=weights)
    return model


def features_of(model: nn.Module, batch: Tensor) -> Tensor:
    """Return one row of features for each picture of a batch."""
    with torch.inference_mode():
        features: Tensor = model(batch.contiguous(memory_format=torch.channels_last))
    return features.float()


def _read_weights(file: Path, weights: WeightsChoice) -> Mapping[str, Tensor]:
    try:
        state: Mapping[str, Tensor] = torch.load(file, weights_only=True, map_location="cpu")
        if not all(isinstance(tensor, Tensor) for tensor in state.values()):
            raise TypeError("not tensors by name")
    except Exception as error:  # torch raises what its archive reader happens to raise
        raise SurroundingsError(f"weights {file} cannot be read; {weights.advice}") from error
    return state


def _load_in_order(
    model: nn.Module, state: Mapping[str, Tensor], *, name: str, weights: WeightsChoice
) -> None:
    """Fill a model from tensors that have other names and the same order."""
    given = [tensor for key, tensor in state.items() if not key.endswith(_NOT_IN_PACKAGES)]
    wanted = [(n, t) for n, t in model.state_dict().items() if not n.endswith(_NOT_IN_PACKAGES)]
    pairs = list(zip(wanted, given, strict=False))  # what is left over is the classifying layer
    if complaint := _misfit(wanted, given):
        raise SurroundingsError(
            f"the weights of {weights.source} do not fit {name}: {complaint}; {weights.advice}"
        )
    model.load_state_dict({key: tensor for (key, _), tensor in pairs}, strict=False)


def _misfit(wanted: Sequence[tuple[str, Tensor]], given: Sequence[Tensor]) -> str:
    """Say what does not fit, empty where all does."""
    if len(given) < len(wanted):
        return f"{len(given)} tensors, and {len(wanted)} are wanted"
    return next(
        (
            f"{key} is {tuple(tensor.shape)}, and {tuple(want.shape)} is wanted"
            for (key, want), tensor in zip(wanted, given, strict=False)
            if want.shape != tensor.shape
        ),
        "",
    )


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return red, green, blue
