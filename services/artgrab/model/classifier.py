"""A trained model that answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.store import Store
from artgrab.images import PictureRefusedError
from artgrab.model.backbone import BackboneInput, create_backbone, features_of, use_threads
from artgrab.model.documents import ModelConfig
from artgrab.model.folder import Model, read_stored_model
from artgrab.model.preprocess import Pixels, stored_bytes, to_batch, view_of

_BATCH = 4
"""Pictures that go through the backbone together: the activations of more go beyond what malloc
keeps, and getting them from the kernel each time costs as much as the computation."""


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The answer for one picture."""

    label: str
    """The most probable one."""
    probability: float
    probabilities: Mapping[str, float]
    """Of every label; they sum up to 1."""


Answer = Prediction | PictureRefusedError
"""A picture that cannot be read fails alone."""


class Classifier:
    """Backbone and head of a model folder. For one thread at a time."""

    def __init__(self, model: Model, *, threads: int = 1) -> None:
        """Build the model.

        Args:
            model: what was read from a model folder.
            threads: OpenMP threads for one batch; two processes that share cores want 1 each,
                since threads that wait for one another spin.

        Raises:
            ObjectCorruptError: the tensors are not those of the backbone that it names.
            BadInputError: this timm does not know the backbone.
        """
        self.config: ModelConfig = model.config
        self.content_sha256 = model.content_sha256
        self._threads = threads
        self._input = input_of(model.config)
        self._backbone = filled_backbone(model)
        self._weight, self._bias = model.tensors["head.weight"], model.tensors["head.bias"]

    @classmethod
    def load(cls, store: Store, prefix: str, *, threads: int = 1) -> Self:
        """Read, verify and build the model at a prefix of the store.

        Raises:
            ObjectMissingError: there is no complete model.
            ObjectCorruptError: the bytes are not those of its digests.
            BadInputError: it was written by another artgrab.
        """
        return cls(read_stored_model(store, prefix), threads=threads)

    @property
    def labels(self) -> tuple[str, ...]:
        """All answers that are possible."""
        return self.config.labels

    def predict(self, pictures: Sequence[bytes]) -> list[Answer]:
        """Answer for raw pictures (JPEG, PNG, WebP, GIF), in their order."""
        return self._predict([_attempt(picture, self._view_of_raw) for picture in pictures])

    def predict_stored(self, objects: Sequence[bytes]) -> list[Answer]:
        """Answer for pictures that artgrab.images has re-encoded already, in their order."""
        return self._predict([_attempt(stored, self._view) for stored in objects])

    def _view(self, stored: bytes) -> Pixels:
        return view_of(stored, side=self._input.image_size)

    def _view_of_raw(self, picture: bytes) -> Pixels:
        return self._view(stored_bytes(picture))

    def _predict(self, views: Sequence[Pixels | PictureRefusedError]) -> list[Answer]:
        use_threads(self._threads)
        good = [view for view in views if not isinstance(view, PictureRefusedError)]
        answers = iter(self._answers(good))
        return [v if isinstance(v, PictureRefusedError) else next(answers) for v in views]

    def _answers(self, views: Sequence[Pixels]) -> list[Prediction]:
        answers = []
        for start in range(0, len(views), _BATCH):
            batch = to_batch(views[start : start + _BATCH], self._input)
            answers += [self._answer(row) for row in self._probabilities(batch).tolist()]
        return answers

    def _probabilities(self, batch: Tensor) -> Tensor:
        features = features_of(self._backbone, batch)
        return torch.softmax(features @ self._weight.T + self._bias, dim=1)

    def _answer(self, row: Sequence[float]) -> Prediction:
        probabilities = dict(zip(self.labels, row, strict=True))
        label = max(self.labels, key=probabilities.__getitem__)
        return Prediction(
            label=label, probability=probabilities[label], probabilities=probabilities
        )


def input_of(config: ModelConfig) -> BackboneInput:
    """Return what the backbone of a model wants to see."""
    return BackboneInput(image_size=config.image_size, mean=config.mean, std=config.std)


def _attempt(data: bytes, step: Callable[[bytes], Pixels]) -> Pixels | PictureRefusedError:
    try:
        return step(data)
    except PictureRefusedError as error:
        return error


def filled_backbone(model: Model) -> nn.Module:
    """Return the backbone of a model with its weights.

    Raises:
        ObjectCorruptError: the tensors are not those of the backbone and labels that it names.
        BadInputError: this timm does not know the backbone.
    """
    config, tensors = model.config, model.tensors
    backbone = create_backbone(config.backbone, image_size=config.image_size)
    state = {
        name.removeprefix("backbone."): tensor
        for name, tensor in tensors.items()
        if name.startswith("backbone.")
    }
    try:
        backbone.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ObjectCorruptError(f"the weights are not those of {config.backbone}") from error
    width = len(tensors.get("head.weight", ())), len(tensors.get("head.bias", ()))
    if width != (len(config.labels), len(config.labels)):
        raise ObjectCorruptError("the model has no head for its labels")
    return backbone
