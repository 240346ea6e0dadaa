"""A question to the new classifier, and whether its answer can be right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from artgrab.client import ModelDescription, PredictClient, Prediction, Retries
from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.release_test.pictures import example_png
from artgrab.release_test.settings import ReleaseTestSettings

_RETRIES = Retries(attempts=30)
"""A Service leads to new pods some seconds after these are ready; the deadline ends it sooner."""
_ROUNDING = 0.001
"""By which probabilities, 32-bit numbers, may miss a sum of 1."""


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    description: ModelDescription
    prediction: Prediction


Ask = Callable[[str], Answer]
"""Asks the server at HOST:PORT."""


def asker(settings: ReleaseTestSettings) -> Ask:
    """Return what asks a server with one picture, with the TLS and token of the settings.

    Raises:
        BadInputError: their files cannot be read.
    """
    options = _options(settings)

    def ask(endpoint: str) -> Answer:
        with PredictClient(endpoint, retries=_RETRIES, **options) as client:
            (prediction,) = client.predict([example_png()])
            return Answer(client.describe(), prediction)

    return ask


def check_answer(ask: Ask, status: dict[str, Any], labels: Sequence[str]) -> str:
    """Ask the server that a classifier's status names; return the answer in one line.

    Raises:
        SurroundingsError: it does not answer, or not as the served model of that status would.
    """
    served = status.get("serving") or {}
    endpoint = served.get("endpoint") or ""
    if not endpoint:
        raise SurroundingsError("the classifier is ready, but its status names no endpoint")
    answer = ask(endpoint)
    problem = _problem(answer, served.get("contentSha256"), labels)
    if problem:
        raise SurroundingsError(f"{endpoint} answers, but {problem}")
    found = answer.prediction
    return f"{endpoint} says {found.label} ({found.probability:.0%}), as model {_short(answer)}"


def _problem(answer: Answer, digest: str | None, labels: Sequence[str]) -> str:
    said, found = answer.description, answer.prediction
    if found.error:
        return f"not to a picture: {found.error}"
    if set(said.labels) != set(labels) or found.label not in labels:
        return f"knows the labels {sorted(said.labels)} instead of {sorted(labels)}"
    if {said.model_sha256, found.model_sha256} != {digest}:
        return f"as model {_short(answer)}, while status.serving names {str(digest)[:12]}"
    if abs(sum(found.classes.values()) - 1) > _ROUNDING:
        return f"its probabilities do not sum up to 1: {found.classes}"
    return ""


def _short(answer: Answer) -> str:
    return answer.prediction.model_sha256[:12]


def _options(settings: ReleaseTestSettings) -> dict[str, Any]:
    options: dict[str, Any] = {"tls": settings.tls_folder is not None}
    try:
        if settings.tls_folder:
            authority = settings.tls_folder / "ca.crt"
            trusted = authority if authority.is_file() else settings.tls_folder / "tls.crt"
            options["root_certificates"] = trusted.read_bytes()
        if settings.tokens_file:
            options["token"] = settings.tokens_file.read_text().split()[0]
            options["token_without_tls"] = True  # it stays within the cluster
    except (OSError, IndexError) as error:
        raise BadInputError(f"serving.tls or serving.token of the chart: {error}") from error
    return options
