"""The handler that TorchServe's workers load: one class, as they demand, over artgrab.model."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from artgrab.common.servers import read_settings
from artgrab.model.classifier import Answer, Classifier
from artgrab.model.documents import CONTENT, check_content
from artgrab.model.folder import decode_model
from artgrab.serving.settings import ServingSettings
from artgrab.serving.torchserve import replies

_logger = logging.getLogger(__name__)


class TorchServeHandler:
    """Answers batches of pictures; one that cannot be read fails alone.

    TorchServe fails a whole batch where a handler raises, so none of this does once it is loaded.
    """

    def initialize(self, context: "replies.HandlerContext") -> None:
        """Load the model of an extracted archive and verify every byte of it.

        Raises:
            ArtgrabError: it is not the model that the archive names; the worker never gets ready.
        """
        folder = context.system_properties["model_dir"]
        digest = str(context.model_yaml_config["artgrab"]["contentSha256"])
        data = {name: Path(folder, name).read_bytes() for name in CONTENT}
        check_content(data, content_sha256=digest, where=folder)
        model = decode_model(data, content_sha256=digest, where=folder)
        self._classifier = Classifier(model, threads=read_settings(ServingSettings).threads)

    def handle(self, data: Sequence[Mapping[str, Any]], context: object) -> list[bytes]:
        """Return a reply for every request of a batch, in their order."""
        answers: list[bytes] = [b""] * len(data)
        ways: dict[str, Callable[[Sequence[bytes]], list[Answer]]] = {
            replies.STORED: self._classifier.predict_stored,
            replies.RAW: self._classifier.predict,
        }
        for name, predict in ways.items():
            places = [place for place, one in enumerate(data) if _name_of(one) == name]
            pictures = [bytes(data[place].get(name, b"")) for place in places]
            for place, answer in zip(places, _attempt(predict, pictures), strict=True):
                answers[place] = answer
        return answers


def _name_of(request: Mapping[str, Any]) -> str:
    return replies.STORED if replies.STORED in request else replies.RAW


def _attempt(
    predict: Callable[[Sequence[bytes]], list[Answer]], pictures: Sequence[bytes]
) -> list[bytes]:
    if not pictures:
        return []
    try:
        return [replies.encode_answer(answer) for answer in predict(pictures)]
    except Exception:
        _logger.exception("prediction failed, pictures: %d", len(pictures))
        return [replies.encode_failure()] * len(pictures)
