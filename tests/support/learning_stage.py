"""One classifier on a stage: short words for what is done to it, and for what is seen of it."""

from datetime import timedelta
from typing import Any

from artgrab.common.statuses import ArtClassifierStatus, Condition
from artgrab.operator import names
from artgrab.operator.classifiers.reading import read_classifier
from artgrab.operator.observed import Key
from tests.support.learning_world import (
    CONTENT,
    DATASET,
    MODEL,
    LearningWorld,
    PlayedLearning,
    dataset_word,
    model_word,
)
from tests.support.operator_world import settings_of

KEY = Key("art", "art-or-not")
SERVING = ("Deployment", KEY.namespace, "art-or-not-serving")
SPEC: dict[str, Any] = {
    "classes": [
        {"label": "art", "categorySelector": {"matchLabels": {"artgrab.dev/set": "art"}}},
        {"label": "not-art", "categorySelector": {"matchLabels": {"artgrab.dev/set": "everyday"}}},
    ]
}
CATEGORIES = {"graffiti": "art", "mural": "art", "chairs": "everyday"}


class LearningStage:
    """One classifier with three categories, its operator, and short words."""

    def __init__(self, **given: Any) -> None:
        self.world = LearningWorld()
        settings = settings_of(**{"classifier_namespaces": [KEY.namespace], **given})
        self.operator = PlayedLearning(self.world, settings)
        self.collect(20)

    def collect(self, stored: int) -> None:
        """Let each category have so many pictures."""
        for name, label in CATEGORIES.items():
            labels = {"artgrab.dev/set": label}
            self.world.collected(Key(KEY.namespace, name), labels, stored=stored)

    def apply(self, **spec: Any) -> None:
        self.world.apply_classifier(KEY, {**SPEC, **spec})
        self.look()

    def look(self) -> float | None:
        """Let the operator see everything and look at the classifier, until nothing changes."""
        again: float | None = None
        for _ in range(8):
            self.operator.watch()
            again = self.operator.look(KEY)
        self.operator.watch()
        return again

    def running(self) -> list[tuple[str, str]]:
        """Return the Jobs that a controller runs."""
        return sorted(
            where
            for where, body in self.world.jobs.items()
            if not body["spec"].get("suspend")
            and not body.get("status", {}).get("conditions")
            and "deletionTimestamp" not in body["metadata"]
        )

    def end(self, word: str, *, kind: str = "Complete", why: str = "CompletionsReached") -> None:
        """End the Job that runs, with the last word of its pod."""
        (where,) = self.running()
        self.world.end_job(where, kind, why, word)

    def build(self, **told: Any) -> None:
        self.end(dataset_word(**told))
        self.look()

    def train(self, **told: Any) -> None:
        self.end(model_word(**told))
        self.look()

    def roll_out(self, *, fails: str = "") -> None:
        self.world.roll_out(SERVING, fails=fails)
        self.look()

    def serve(self) -> None:
        """Go from nothing to a model that is served."""
        self.apply()
        self.build()
        self.train()
        self.roll_out()

    def learn_more(self, **told: Any) -> None:
        """Let categories grow, and a newer model be trained."""
        self.collect(40)
        self.world.now += timedelta(hours=1)
        self.look()
        self.build(key="a" * 64)
        usual = {"key": "b" * 64, "content": "f" * 64, "dataset": "a" * 64}
        self.train(**{**usual, "served": CONTENT, "served_accuracy_permille": 940, **told})

    def play_on(self) -> None:
        """Let everything go well for a while."""
        self.operator.watch()
        self.operator.look(KEY)
        self.operator.watch()
        for where in self.running():
            component = self.world.jobs[where]["metadata"]["labels"][names.LABEL_COMPONENT]
            word = dataset_word(DATASET) if component == "dataset" else model_word(MODEL)
            self.world.end_job(where, "Complete", "CompletionsReached", word)
        deployment = self.world.objects.get(SERVING)
        if deployment is not None and not _is_out(deployment):
            self.world.roll_out(SERVING)
        self.world.collect_garbage()
        self.world.now += timedelta(minutes=11)

    @property
    def status(self) -> ArtClassifierStatus:
        return read_classifier(self.world.classifiers[KEY]).status

    def condition(self, kind: str) -> Condition:
        return next(one for one in self.status.conditions if one.type == kind)

    def says(self, kind: str = "Ready") -> tuple[str, str]:
        one = self.condition(kind)
        return str(one.status), one.reason

    def events(self) -> list[str]:
        return [one["reason"] for one in self.world.events]

    def served(self) -> str:
        """Return the digest of the model that the Deployment has."""
        notes = self.world.objects[SERVING]["metadata"]["annotations"]
        return str(notes[names.ANNOTATION_MODEL])


def _is_out(deployment: dict[str, Any]) -> bool:
    seen = deployment.get("status", {}).get("observedGeneration")
    return bool(seen == deployment["metadata"]["generation"])
