"""What pods of classifiers say: last words of those that ended, and why others do not serve.

Strangers may have written it: it is bounded, and one line.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from artgrab.common.terminations import (
    DatasetTermination,
    TrainingTermination,
    decode_last_word,
)
from artgrab.operator.classifiers.observed import (
    DatasetMade,
    LearningComponent,
    LearningWord,
    ModelMade,
)
from artgrab.operator.observed import Body, Trouble
from artgrab.operator.words import endings, one_line, said_without_form, start_trouble

_RESOURCES = {
    LearningComponent.DATASET: "trainer.dataset.resources",
    LearningComponent.TRAINER: "trainer.resources",
}
_SERVING_RESOURCES = "serving.resources"


def last_learning_word(pods: Iterable[Body], component: LearningComponent) -> LearningWord | None:
    """Return what the pods of an ended Job say, the last one first; None where none says anything.

    Of several nodes one tells what was made, or what went wrong; the others have but their logs.
    """
    ended = endings(pods)
    told = [word for one in ended if (word := _told(one, component)) is not None]
    made = [word for word in told if not isinstance(word, Trouble)]
    if made or told:
        return next(iter(made or told))
    resources = _RESOURCES[component]
    logs = (Trouble(said_without_form(one, resources=resources)) for one in ended)
    return next(logs, None)


def serving_trouble(pods: Iterable[Body]) -> str:
    """Return why pods do not serve, the newest one first; empty where they do, or soon may."""
    seen = sorted(filter(_stays, pods), key=_made, reverse=True)
    return start_trouble(seen) or next(filter(None, map(_crash, seen)), "")


def _told(ended: Mapping[str, Any], component: LearningComponent) -> LearningWord | None:
    text = str(ended.get("message") or "").strip()
    if component is LearningComponent.DATASET:
        dataset = decode_last_word(text, DatasetTermination)
        return _dataset(dataset) if dataset else None
    model = decode_last_word(text, TrainingTermination)
    return _model(model) if model else None


def _dataset(word: DatasetTermination) -> LearningWord:
    if word.error:
        return Trouble(one_line(word.error))
    return DatasetMade(word.key, word.uri, word.content_sha256, word.images)


def _model(word: TrainingTermination) -> LearningWord:
    if word.error:
        return Trouble(one_line(word.error))
    return ModelMade(
        key=word.key,
        uri=word.uri,
        content_sha256=word.content_sha256,
        dataset=word.dataset,
        accuracy_permille=word.accuracy_permille or 0,
        left_out_accuracy_permille=word.left_out_accuracy_permille,
        baseline_accuracy_permille=word.baseline_accuracy_permille,
        served_accuracy_permille=word.served_accuracy_permille,
        served=word.served,
        test_images=word.test_images,
    )


def _stays(pod: Body) -> bool:
    """Tell whether a pod may still serve: one that was evicted is kept to be looked at."""
    over = pod.get("status", {}).get("phase") in ("Failed", "Succeeded")
    return not over and "deletionTimestamp" not in pod.get("metadata", {})


def _made(pod: Body) -> str:
    return str(pod.get("metadata", {}).get("creationTimestamp", ""))


def _crash(pod: Body) -> str:
    """Return how a container ended that is, or soon will be, started once more."""
    status = pod.get("status", {})
    for field in ("initContainerStatuses", "containerStatuses"):
        for one in status.get(field) or ():
            ended = _ended_badly(one)
            if ended:
                said = said_without_form(ended, resources=_SERVING_RESOURCES)
                return one_line(f"{one.get('name', 'a container')}: {said}")
    return ""


def _ended_badly(status: Body) -> Mapping[str, Any] | None:
    if status.get("ready"):
        return None
    for field in ("state", "lastState"):
        ended: Mapping[str, Any] | None = (status.get(field) or {}).get("terminated")
        if ended and ended.get("exitCode") != 0:
            return ended
    return None
