"""The operator and its classifiers against a played API server in which everything may happen.

Whatever users do, Jobs and pods become, watches are late with, writes are lost of, and however
often it is started anew: never two Jobs of one kind for one classifier, nothing served that was
not trained, nothing taken over that is not its own, nothing written where all is well; and once it
is left in peace a model is served.
"""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from artgrab.common.digests import digest_of
from artgrab.operator import names
from artgrab.operator.classifiers.reading import read_classifier
from artgrab.operator.observed import Key
from tests.support.learning_stage import CATEGORIES, KEY, SERVING, SPEC
from tests.support.learning_world import (
    LearningWorld,
    PlayedLearning,
    Where,
    dataset_word,
    model_word,
)
from tests.support.operator_world import settings_of

FOREIGN: Where = ("Service", "art", "another")
REFUSABLE = ["Job", "Service", "Deployment", "status"]

specs = st.fixed_dictionaries(
    {
        "suspend": st.sampled_from([False, False, True]),
        "training": st.fixed_dictionaries(
            {"seed": st.integers(0, 2), "nodes": st.sampled_from([1, 1, 2])}
        ),
        "promotion": st.sampled_from([{}, {"minAccuracyPercent": 93}]),
        "serving": st.sampled_from([{}, {"minReplicas": 2}, {"runtime": "Native"}]),
    }
)
chance = st.integers(0, 100)


class LearningMachine(RuleBasedStateMachine):
    @initialize(spec=specs)
    def begin(self, spec: dict[str, Any]) -> None:
        self.world = LearningWorld()
        self.operator = PlayedLearning(self.world, settings_of(classifier_namespaces=["art"]))
        self.trained: set[str] = set()
        self.stored = 10
        foreign = {"kind": "Service", "metadata": self.world.metadata(*FOREIGN[1:]), "spec": {}}
        self.world.objects[FOREIGN] = foreign
        self.collect(seen=False, more=0)
        self.world.apply_classifier(KEY, {**SPEC, **spec})
        self.look(seen=True)

    @rule(seen=st.booleans())
    def look(self, seen: bool) -> None:
        if seen:
            self.operator.watch()
        self.operator.look(KEY)

    @rule(more=st.integers(0, 5), seen=st.booleans())
    def collect(self, more: int, seen: bool) -> None:
        self.stored += more
        for name, label in CATEGORIES.items():
            labels = {"artgrab.dev/set": label}
            self.world.collected(Key(KEY.namespace, name), labels, stored=self.stored)
        self.look(seen)

    @rule(spec=specs, anew=st.sampled_from([False, False, False, True]), seen=st.booleans())
    def apply(self, spec: dict[str, Any], anew: bool, seen: bool) -> None:
        if anew and KEY in self.world.classifiers:
            self.world.delete_classifier(KEY)
        self.world.apply_classifier(KEY, {**SPEC, **spec})
        self.look(seen)

    @rule(disturbance=st.sampled_from(["restart", "lose", "lose effect", *REFUSABLE, "peace"]))
    def disturb(self, disturbance: str) -> None:
        match disturbance:
            case "restart":
                self.operator.restart()
            case "lose" | "lose effect":
                self.world.lose_write = 0
                self.world.lose_effect = disturbance == "lose effect"
            case "peace":
                self.world.refused = set()
            case kind:
                self.world.refused ^= {kind}
        self.look(seen=True)

    @rule(minutes=st.sampled_from([1, 11, 45, 400]), swept=st.booleans())
    def wait(self, minutes: int, swept: bool) -> None:
        if swept:
            self.world.collect_garbage()
        self.world.now += timedelta(minutes=minutes)
        self.look(seen=True)

    @precondition(lambda self: self.world.jobs)
    @rule(which=chance)
    def delete_a_job_by_hand(self, which: int) -> None:
        jobs = sorted(self.world.jobs)
        self.world.delete_job(*jobs[which % len(jobs)])

    @precondition(lambda self: len(self.world.objects) > 1)
    @rule(which=chance)
    def delete_an_object_by_hand(self, which: int) -> None:
        objects = sorted(set(self.world.objects) - {FOREIGN})
        self.world.delete_object(objects[which % len(objects)])

    @precondition(lambda self: SERVING in self.world.objects)
    @rule(fails=st.sampled_from(["", "", "it takes too long"]), seen=st.booleans())
    def roll_out(self, fails: str, seen: bool) -> None:
        self.world.roll_out(SERVING, fails=fails)
        self.look(seen)

    @precondition(lambda self: self.running())
    @rule(
        which=chance,
        how=st.sampled_from(["good", "good", "good", "bad", "fails", "mute", "garbled"]),
        accuracy=st.sampled_from([900, 940, 950]),
        seen=st.booleans(),
    )
    def end_a_job(self, which: int, how: str, accuracy: int, seen: bool) -> None:
        running = self.running()
        self.end(running[which % len(running)], how, accuracy)
        self.look(seen)

    def running(self) -> list[tuple[str, str]]:
        """Return the Jobs that a controller runs."""
        return sorted(
            where
            for where, body in self.world.jobs.items()
            if not body["spec"].get("suspend") and not body.get("status", {}).get("conditions")
        )

    def end(self, where: tuple[str, str], how: str, accuracy: int = 950) -> None:
        match how:
            case "good":
                word = self.made(self.world.jobs[where], accuracy)
                self.world.end_job(where, "Complete", "CompletionsReached", word)
            case "bad":
                text = json.dumps({"schema_version": 1, "error": "training.seed: no luck"})
                self.world.end_job(where, "Failed", "PodFailurePolicy", text)
            case "fails":
                self.world.end_job(where, "Failed", "BackoffLimitExceeded", "")
            case "mute":
                self.world.end_job(where, "Complete", "CompletionsReached", "")
                self.world.pods.clear()
            case "garbled":
                self.world.end_job(where, "Complete", "CompletionsReached", "\x00{}")

    def made(self, job: dict[str, Any], accuracy: int) -> str:
        """Return the last word of a Job that did what it was asked for."""
        notes = job["spec"]["template"]["metadata"]["annotations"]
        task = json.loads(notes[names.ANNOTATION_TASK])
        key = digest_of(task)
        if job["metadata"]["labels"][names.LABEL_COMPONENT] == "dataset":
            return dataset_word(key)
        content = digest_of([task["snapshot"], task["classifier"]["spec"]["training"]["seed"]])
        self.trained.add(content)
        told: dict[str, Any] = {"dataset": task["snapshot"], "accuracy_permille": accuracy}
        if task.get("served"):
            served = self.served_by_status() or ""
            told |= {"served": served, "served_accuracy_permille": 940}
        return model_word(key, content, **told)

    def served_by_status(self) -> str | None:
        serving = read_classifier(self.world.classifiers[KEY]).status.serving
        return serving.content_sha256 if serving else None

    @invariant()
    def no_two_jobs_of_a_kind_run_for_one_classifier(self) -> None:
        live = Counter(
            (
                body["metadata"]["ownerReferences"][0]["uid"],
                body["metadata"]["labels"][names.LABEL_COMPONENT],
            )
            for body in self.world.jobs.values()
            if not body.get("status", {}).get("conditions")
        )
        assert all(count == 1 for count in live.values()), live

    @invariant()
    def what_is_served_was_trained(self) -> None:
        deployment = self.world.objects.get(SERVING)
        if deployment is not None:
            notes = deployment["metadata"]["annotations"]
            assert notes[names.ANNOTATION_MODEL] in self.trained

    @invariant()
    def what_is_foreign_is_left_alone(self) -> None:
        assert self.world.objects[FOREIGN]["spec"] == {}

    @invariant()
    def who_is_ready_is_served(self) -> None:
        body = self.world.classifiers.get(KEY)
        status = read_classifier(body).status if body else None
        for one in status.conditions if status else ():
            if one.type == "Ready" and one.status == "True":
                assert status is not None
                assert status.serving is not None
                assert status.serving.content_sha256 in self.trained

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.lose_write, self.world.refused = -1, set()
        self.operator.watch()
        for _ in range(30):
            self.play_on()
            self.no_two_jobs_of_a_kind_run_for_one_classifier()
            self.what_is_served_was_trained()
        self.check_that_all_is_done()
        self.check_that_nothing_more_is_written()

    def play_on(self) -> None:
        """Let everything go well for an hour."""
        self.operator.watch()
        self.operator.look(KEY)
        self.operator.watch()
        for where in self.running():
            self.end(where, "good")
        if SERVING in self.world.objects and not self.is_out():
            self.world.roll_out(SERVING)
        self.world.collect_garbage()
        self.world.now += timedelta(minutes=61)

    def is_out(self) -> bool:
        body = self.world.objects[SERVING]
        status = body.get("status", {})
        current = status.get("observedGeneration") == body["metadata"]["generation"]
        return bool(current and status.get("updatedReplicas"))

    def check_that_all_is_done(self) -> None:
        classifier = read_classifier(self.world.classifiers[KEY])
        assert classifier.resource is not None
        conditions = {one.type: one for one in classifier.status.conditions}
        if not classifier.resource.spec.suspend and not self.refused_for_good(conditions):
            assert conditions["Ready"].status == "True", conditions["Ready"]
        if SERVING in self.world.objects:
            there = {where[0] for where in self.world.objects}
            assert there >= {"Service", "HorizontalPodAutoscaler", "PodDisruptionBudget"}

    @staticmethod
    def refused_for_good(conditions: dict[str, Any]) -> bool:
        told = " ".join(one.message for one in conditions.values())
        return "training.seed: no luck" in told or conditions["Serving"].reason in (
            "NotPromoted",
            "RolloutFailed",
        )

    def check_that_nothing_more_is_written(self) -> None:
        self.operator.watch()
        self.operator.look(KEY)
        self.operator.watch()
        if self.running():
            return
        writes = self.world.writes
        for _ in range(3):
            self.operator.look(KEY)
            self.operator.watch()
        assert self.world.writes == writes


LearningMachine.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
test_whatever_happens_to_classifiers = LearningMachine.TestCase
