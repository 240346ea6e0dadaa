"""The pictures of the soak: good ones with the answers that they must get, and all kinds of bad."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image

from artgrab.client import Prediction
from artgrab.images import PictureRefusedError
from artgrab.model.classifier import Classifier
from artgrab.serving.service import to_message
from tests.support.drawn import drawn, encoded, jpeg
from tests.support.snapshots import CATEGORIES, picture

TOLERANCE = 1e-5
"""By which a probability may differ: batches are filled otherwise (docs/serving.md)."""
HUGE_SIDE = 10_000
"""Pixels: 100 megapixels."""
OVERSIZE_BYTES = 50 * 1024**2
ANSWERED = ""
KINDS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "truncated": (lambda: jpeg(1, width=640, height=480)[:9000], "truncated"),
    "damaged": (lambda: jpeg(1)[:500], "damaged"),
    "html": (lambda: b"<!doctype html><html><body>404</body></html>", "html"),
    "100 megapixels, png": (lambda: encoded(_huge(), "PNG"), "too-many-pixels"),
    "100 megapixels, jpeg": (lambda: encoded(_huge()), "too-many-pixels"),
    "1x1": (lambda: encoded(Image.new("RGB", (1, 1), "red"), "PNG"), ANSWERED),
    "cmyk": (lambda: encoded(drawn(23).convert("CMYK")), ANSWERED),
    "16 bits": (lambda: _sixteen_bits(), ANSWERED),
    "animated gif": (lambda: _animated("GIF"), ANSWERED),
    "animated webp": (lambda: _animated("WEBP"), ANSWERED),
    "animated png": (lambda: _animated("PNG"), ANSWERED),
}
"""How an unusual picture is made, and why it must be refused; of animated ones the first counts."""


@dataclass(frozen=True)
class Case:
    """A picture and what must be said of it."""

    kind: str
    data: bytes = field(repr=False)
    probabilities: dict[str, float]
    """Empty where it must be refused."""
    error: str

    @property
    def is_good(self) -> bool:
        """Tell whether it must have an answer."""
        return not self.error

    def fits(self, answer: Prediction) -> bool:
        """Tell whether an answer is the right one."""
        if self.error:
            return (answer.error, answer.label) == (self.error, "")
        if answer.error or answer.classes.keys() != self.probabilities.keys():
            return False
        best = max(answer.classes.values())
        return answer.classes.get(answer.label) == answer.probability == best and all(
            abs(answer.classes[label] - probability) <= TOLERANCE
            for label, probability in self.probabilities.items()
        )


def good_cases(classifier: Classifier, count: int) -> list[Case]:
    """Return pictures as people have them, some of the kinds that the model learned from."""
    sizes = ((320, 240), (640, 480), (150, 200), (1280, 960))
    pictures = [
        jpeg(1000 + n, width=sizes[n % 4][0], height=sizes[n % 4][1]) for n in range(count // 2)
    ]
    names = list(CATEGORIES)
    pictures += [picture(names[n % 4], 1000 + n) for n in range(count - len(pictures))]
    return [_case("good", data, classifier) for data in pictures]


def bad_cases(classifier: Classifier) -> list[Case]:
    """Return a picture of every unusual kind.

    Raises:
        AssertionError: the model itself says something else of one than KINDS does.
    """
    cases = [_case(kind, make(), classifier) for kind, (make, _) in KINDS.items()]
    for case in cases:
        reason = KINDS[case.kind][1]
        assert case.error == (f"The picture cannot be read: {reason}." if reason else ""), case
    return cases


def draw_request(
    good: Sequence[Case], bad: Sequence[Case], randomness: random.Random
) -> Sequence[Case]:
    """Return the pictures of a request: mostly one good one, sometimes some of all kinds."""
    if randomness.random() < 0.75:
        return [randomness.choice(good)]
    return [randomness.choice([*bad, *randomness.sample(good, 4)]) for _ in range(4)]


def _case(kind: str, data: bytes, classifier: Classifier) -> Case:
    """Ask the model in this process, as the server would."""
    (answer,) = classifier.predict([data])
    message = to_message(answer)
    probabilities = {} if isinstance(answer, PictureRefusedError) else answer.probabilities
    return Case(kind, data, dict(probabilities), message.error)


def _huge() -> Image.Image:
    return Image.new("RGB", (HUGE_SIDE, HUGE_SIDE), "teal")


def _sixteen_bits() -> bytes:
    pixels = np.asarray(drawn(24)).astype(np.uint16) * 257
    return cv2.imencode(".png", pixels)[1].tobytes()


def _animated(kind: str) -> bytes:
    return encoded(drawn(25), kind, save_all=True, append_images=[drawn(26), drawn(27)])
