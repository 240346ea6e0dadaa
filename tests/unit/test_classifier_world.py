"""The plan for a classifier in a played namespace in which everything may happen at any moment.

Whatever people change, categories collect, Jobs and rollouts become, and however often an operator
dies between two writes: never two Jobs for one work, nothing deleted that is not its own, no model
served that is not promoted, one that cannot be rolled out given up; nothing written where all is
well; and once it is left in peace it comes to an end.
"""

from collections import Counter
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from artgrab.common.resources import ArtClassifier
from artgrab.common.statuses import ModelStatus, ServingStatus
from artgrab.operator.classifiers.observed import DatasetMade, LearningComponent, LearningJob
from artgrab.operator.classifiers.plans import NewDataset, NewTraining, Serve
from artgrab.operator.classifiers.promotion import why_not
from artgrab.operator.classifiers.serving_manifests import serving_digest
from artgrab.operator.observed import JobEnd
from tests.support.classifier_world import CLASSES, LearningWorld, foreign_job
from tests.support.operator_world import settings_of

CATEGORIES = ("graffiti", "mural", "everyday-spoons", "everyday-forks")
REASONS = ["TargetReached", "SourcesFailed", "Scraping", "ScrapeFailed", "Suspended"]
ENDS = ["good", "good", "good", "fails", "refused", "mute", "garbled"]
ROLLS = ["out", "out", "fails", "fails", "seen", "unready"]

names = st.sampled_from(CATEGORIES)
permille = st.integers(850, 950)
kept = st.fixed_dictionaries(
    {},
    optional={
        "curation": st.fixed_dictionaries({"testPercent": st.sampled_from([20, 30])}),
        "promotion": st.fixed_dictionaries(
            {
                "minAccuracyPercent": st.sampled_from([0, 0, 90, 100]),
                "maxRegressionPermille": st.sampled_from([0, 20, 1000]),
            }
        ),
        "retrain": st.fixed_dictionaries({"quietMinutes": st.sampled_from([0, 10])}),
        "serving": st.fixed_dictionaries({"runtime": st.sampled_from(["Native", "TorchServe"])}),
    },
)
broken = st.sampled_from([{"suspend": True}, {"classes": CLASSES[:1]}, {}, {}])


class ClassifierWorld(RuleBasedStateMachine):
    @initialize(wanted=kept, served=st.sampled_from([False, True, True]))
    def begin(self, wanted: dict[str, Any], served: bool) -> None:
        self.world = CheckedWorld(spec=wanted)
        for component in LearningComponent:
            job = foreign_job(component)
            self.world.jobs[job.name] = job
        for name in CATEGORIES[:3]:
            self.world.category(name, stored=5)
        for _ in range(3 if served else 0):
            self.learn("good", 920, 900)
            self.roll("out")

    @rule(how=st.sampled_from(ENDS), accuracy=permille, served=permille)
    def learn(self, how: str, accuracy: int, served: int) -> None:
        self.world.settle()
        for job in self.world.running():
            self.world.advance(minutes=1)
            self.world.play(job, how, accuracy, served)
        self.world.settle()

    @precondition(lambda self: self.world.deployment is not None)
    @rule(how=st.sampled_from(ROLLS))
    def roll(self, how: str) -> None:
        rolled = self.world.deployment
        if rolled is None:
            return
        before = self.world.status.serving
        self.world.roll_on(how)
        self.world.settle()
        if how != "fails" or (before and before.content_sha256 == rolled.content_sha256):
            return
        there = self.world.deployment
        if before and there and self.world.classifier.resource:
            assert there.content_sha256 == before.content_sha256, "it is not rolled back"
        if self.world.classifier.resource and self.world.is_wanted(rolled.content_sha256):
            self.world.given_up.add((rolled.content_sha256, rolled.digest))

    @rule(accuracy=permille, served=permille, how=st.sampled_from([*ROLLS, ""]))
    def train_another(self, accuracy: int, served: int, how: str) -> None:
        self.world.change(training={"seed": self.world.generation})
        self.learn("good", accuracy, served)
        if how and self.world.deployment is not None:
            self.roll(how)

    @rule(seed=st.integers(0, 3), nodes=st.integers(1, 2))
    def train_otherwise(self, seed: int, nodes: int) -> None:
        self.world.change(training={"seed": seed, "nodes": nodes})

    @rule(name=names, stored=st.sampled_from([0, 5, 6, 50]), reason=st.sampled_from(REASONS))
    def collect(self, name: str, stored: int, reason: str) -> None:
        self.world.category(
            name, stored=stored, ready=reason == "TargetReached", reason=reason, failures=2
        )

    @rule(name=names)
    def remove(self, name: str) -> None:
        self.world.categories.pop(name, None)

    @rule(spec=kept, wrong=broken)
    def change(self, spec: dict[str, Any], wrong: dict[str, Any]) -> None:
        self.world.spec = {}
        self.world.given_up.clear()
        self.world.change(**spec, **wrong)

    @rule(version=st.sampled_from([1, 2]))
    def upgrade(self, version: int) -> None:
        images = {"trainer_image": f"t:{version}", "serving_image": f"s:{version}"}
        self.world.settings = settings_of(**images)
        self.world.given_up.clear()

    @rule(writes=st.sampled_from([0, 1, 2, None, None]))
    def look(self, writes: int | None) -> None:
        self.world.look(writes=writes)

    @rule(minutes=st.sampled_from([1, 11, 400]))
    def wait(self, minutes: int) -> None:
        self.world.advance(minutes=minutes)

    @rule()
    def sweep(self) -> None:
        self.world.sweep()

    @rule(refusal=st.sampled_from(["", "exceeded quota"]), allowed=st.sampled_from([True, False]))
    def restrict_for_a_moment(self, refusal: str, allowed: bool) -> None:
        self.world.refusal, self.world.allowed = refusal, allowed
        self.world.look()
        self.world.refusal, self.world.allowed = "", True

    @precondition(lambda self: self.world.running())
    @rule(how=st.sampled_from(ENDS), accuracy=permille, served=permille)
    def end_a_job(self, how: str, accuracy: int, served: int) -> None:
        self.world.advance(seconds=1)
        self.world.play(self.world.running()[0], how, accuracy, served)

    @precondition(lambda self: self.world.ours())
    @rule(which=st.integers(0, 9), at_once=st.booleans())
    def delete_a_job_by_hand(self, which: int, at_once: bool) -> None:
        ours = self.world.ours()
        job = ours[which % len(ours)]
        if at_once:
            del self.world.jobs[job.name]
        else:
            self.world.remove(job)

    @precondition(lambda self: self.world.deployment is not None)
    @rule(how=st.sampled_from([*ROLLS, "deleted"]))
    def roll_unseen(self, how: str) -> None:
        if how == "deleted":
            self.world.deployment = None
        else:
            self.world.roll_on(how)

    @rule()
    def come_to_rest(self) -> None:
        self.world.settle()

    @invariant()
    def of_each_kind_one_job_runs_at_most(self) -> None:
        if hasattr(self, "world"):
            unfinished = [job for job in self.world.ours() if not job.finished]
            assert max(Counter(job.component for job in unfinished).values(), default=0) <= 1

    @invariant()
    def what_is_foreign_is_left_alone(self) -> None:
        if hasattr(self, "world"):
            assert all(foreign_job(one) in self.world.jobs.values() for one in LearningComponent)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.play_on()
            self.world.check_that_all_is_done()


class CheckedWorld(LearningWorld):
    """A world that looks at each write, and knows what has become of models."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.proposed = self.status
        self.given_up: set[tuple[str, str]] = set()
        """Contents and digests of manifests of rollouts that the operator saw fail."""

    def is_wanted(self, content: str) -> bool:
        return self.status.model is not None and self.status.model.content_sha256 == content

    def ours(self) -> list[LearningJob]:
        return [job for job in self.jobs.values() if job.owner == self.uid]

    def remove(self, job: LearningJob) -> None:
        self._delete(job)

    def _apply(self, serve: Serve | None) -> None:
        assert serve is not None
        content, serving, model = serve.content_sha256, self.status.serving, self.proposed.model
        resource = self.classifier.resource
        assert resource is not None
        known = self.proposed.serving or serving
        if known is None or content != known.content_sha256:
            assert model is not None
            assert content == model.content_sha256
            assert is_good(model, known, resource), "a model is served that is not promoted"
            template = serving_digest(resource, serve, self.settings)
            assert (content, template) not in self.given_up, "it has failed before"
        super()._apply(serve)

    def _create(self, component: LearningComponent, new: NewDataset | NewTraining | None) -> None:
        there = [job for job in self.ours() if job.component is component and not job.finished]
        assert not there, "a Job is made while another one runs"
        super()._create(component, new)

    def look(self, *, writes: int | None = None) -> Any:
        planned = self.plan()
        self.proposed = planned.status or self.status
        before, model = self.status.serving, self.status.model
        answer = super().look(writes=writes)
        after = self.status.serving
        if self.status.model != model:
            self.given_up.clear()
        if before is not None:
            assert after is not None, "what is served is forgotten"
        return answer

    def play(self, job: LearningJob, how: str, accuracy: int = 900, served: int = 900) -> None:
        """End a Job."""
        match how:
            case "good" if job.component is LearningComponent.DATASET:
                self.succeed(job)
            case "good":
                new = self.made[job.uid]
                assert isinstance(new, NewTraining)
                before = served if new.served else None
                self.succeed(job, accuracy_permille=accuracy, served_accuracy_permille=before)
            case "garbled":
                self.end(job, JobEnd.COMPLETE, word=DatasetMade("", "", "", 0))
            case "mute":
                self.end(job, JobEnd.COMPLETE)
            case "refused":
                self.refuse(job)
            case "fails":
                self.fail(job)

    def roll_on(self, how: str) -> None:
        """Let the Deployment's controller go on."""
        assert self.deployment is not None
        new = self.status.serving is None or (
            self.deployment.content_sha256 != self.status.serving.content_sha256
        )
        old = int(new and self.status.serving is not None)
        match how:
            case "seen":
                self.roll(available=False, ready=old)
            case "out":
                self.roll()
            case "fails":
                self.roll(available=False, ready=old, failed=True)
            case "unready":
                self.roll(available=False, ready=0)

    def play_on(self) -> None:
        """Let everything go well for a long time."""
        self.refusal, self.allowed = "", True
        for name, category in list(self.categories.items()):
            stored = category.status.counts.stored if category.status.counts else 0
            self.category(name, stored=stored, ended=self.now - timedelta(hours=1))
        for _ in range(12):
            self.sweep()
            self.settle()
            for job in self.running():
                self.advance(minutes=1)
                self.play(job, "good")
            if self.deployment is not None:
                self.roll_on("out")
            self.advance(minutes=400)
        self.settle()

    def check_that_all_is_done(self) -> None:
        planned = self.plan()
        assert not planned.writes
        assert self.running() == []
        by = {one.type: one for one in self.status.conditions}
        model, serving = self.status.model, self.status.serving
        if by["DatasetReady"].reason not in ("DatasetBuilt", "DatasetFailed"):
            assert by["DatasetReady"].reason in ("InvalidSpec", "NoCategories", "NoPictures") or (
                self.spec.get("suspend")
            )
            return
        if self.spec.get("suspend") or by["Degraded"].reason in (
            "DatasetFailed",
            "TrainingFailed",
        ):
            return
        assert by["Trained"].reason == "ModelTrained", by
        assert model is not None
        resource = self.classifier.resource
        assert resource is not None
        if serving is not None:
            assert by["Ready"].status == "True", by
        if not why_not(model, serving, resource) and self.status.failed_rollout is None:
            assert serving is not None, by
            assert serving.content_sha256 == model.content_sha256


def is_good(model: ModelStatus, served: ServingStatus | None, resource: ArtClassifier) -> bool:
    """Tell whether a model may be served instead of another one."""
    promotion = resource.spec.promotion
    if model.accuracy_permille < promotion.min_accuracy_percent * 10:
        return False
    if served is None:
        return True
    assert model.served == served.content_sha256, "it was compared with another one"
    before = model.served_accuracy_permille
    return before is None or model.accuracy_permille + promotion.max_regression_permille >= before


ClassifierWorld.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
test_whatever_happens = ClassifierWorld.TestCase
