"""The operator against a played API server in which everything may happen at any moment.

Whatever users do, Jobs become, watches are late with, writes are lost of, and however often it is
started anew: never two scrapes of one category, never more than may run, nothing deleted that is
not its own, nothing written where all is well; and once it is left in peace it comes to an end.
"""

import json
from collections import Counter
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from artgrab.common.run_ids import run_id_of
from artgrab.operator import names
from artgrab.operator.categories import read_category
from artgrab.operator.observed import Key
from tests.support.operator_world import PlayedOperator, World, settings_of

KEYS = [Key("one", "graffiti"), Key("one", "mural"), Key("two", "graffiti")]
GALLERY = {
    "gallery": {"url": "https://a.test/", "selectors": {"item": "a", "image": "a::attr(href)"}}
}
WIKI = {"mediawiki": {"url": "https://wiki.test/w/api.php"}}
ENDS = ["good", "good", "sources", "bad", "fails", "mute", "garbled"]
FOREIGN = ("one", "foreign")
PLACES = 2

keys = st.sampled_from(KEYS)
specs = st.fixed_dictionaries(
    {
        "queries": st.sampled_from([["a"], ["b"]]),
        "sources": st.sampled_from([[GALLERY], [WIKI]]),
        "suspend": st.sampled_from([False, False, True]),
        "deletionPolicy": st.sampled_from(["Retain", "Delete"]),
    },
    optional={"schedule": st.sampled_from(["0 * * * *", "30 */2 * * *", "61 * * * *"])},
)
chance = st.integers(0, 100)


class OperatorWorld(RuleBasedStateMachine):
    @initialize(wanted=st.lists(specs, min_size=3, max_size=3))
    def begin(self, wanted: list[dict[str, Any]]) -> None:
        self.world = World()
        self.operator = PlayedOperator(self.world, settings_of(max_concurrent_scrapes=PLACES))
        self.collected: set[tuple[str, str]] = set()
        metadata = {"namespace": "one", "name": "foreign", "uid": "foreign"}
        labels = {"app": "other", names.LABEL_CATEGORY: "graffiti"}
        metadata |= {"creationTimestamp": "2026-11-02T12:00:00Z"}
        self.world.jobs[FOREIGN] = {"metadata": {**metadata, "labels": labels}, "spec": {}}
        for key, spec in zip(KEYS, wanted, strict=True):
            self.world.apply(key, spec)
        self.look_at_all()

    def look_at_all(self) -> None:
        self.operator.watch()
        for key in KEYS:
            self.operator.look(key)

    @rule(key=keys, spec=specs, seen=st.booleans())
    def apply(self, key: Key, spec: dict[str, Any], seen: bool) -> None:
        self.world.apply(key, spec)
        if seen:
            self.look_at_all()

    @rule(key=keys, seen=st.booleans())
    def delete(self, key: Key, seen: bool) -> None:
        self.world.delete(key)
        if seen:
            self.look_at_all()

    @rule(key=keys, count=st.integers(0, 5))
    def look(self, key: Key, count: int) -> None:
        self.operator.watch(count)
        self.operator.look(key)

    @rule(disturbance=st.sampled_from(["restart", "before", "after", "refuse", "peace"]))
    def disturb(self, disturbance: str) -> None:
        match disturbance:
            case "restart":
                self.operator.restart()
            case "refuse":
                self.world.refuse_jobs = not self.world.refuse_jobs
            case "before" | "after":
                self.world.lose = disturbance
        self.look_at_all()

    @rule(minutes=st.sampled_from([1, 11, 45, 400]), swept=st.booleans())
    def wait(self, minutes: int, swept: bool) -> None:
        if swept:
            self.world.collect_garbage()
        self.operator.advance(minutes=minutes)
        self.look_at_all()

    @precondition(lambda self: len(self.world.jobs) > 1)
    @rule(which=chance)
    def delete_a_job_by_hand(self, which: int) -> None:
        ours = sorted(set(self.world.jobs) - {FOREIGN})
        self.world.delete_job(*ours[which % len(ours)])

    @precondition(lambda self: self.running())
    @rule(which=chance, how=st.sampled_from(ENDS), seen=st.booleans())
    def end_a_job(self, which: int, how: str, seen: bool) -> None:
        running = self.running()
        self.end(running[which % len(running)], how)
        if seen:
            self.look_at_all()

    def running(self) -> list[tuple[str, str]]:
        """Return the Jobs, of scrapes and cleanups, that a controller runs."""
        return sorted(
            where
            for where, body in self.world.jobs.items()
            if where != FOREIGN
            and not body["spec"].get("suspend")
            and not body.get("status", {}).get("conditions")
        )

    def end(self, where: tuple[str, str], how: str) -> None:
        body = self.world.jobs[where]
        notes = body["metadata"]["annotations"]
        run = notes.get(names.ANNOTATION_RUN, "")
        word: dict[str, Any] = {"schema_version": 1, "run_id": run}
        match how:
            case "good" | "sources":
                word["reason"] = "TargetReached" if how == "good" else "SourcesFailed"
                word["counts"] = {"candidates": 3, "stored": 2, "rejected": 1, "failed": 0}
                self.world.end_job(where, "Complete", "CompletionsReached", json.dumps(word))
            case "bad":
                text = json.dumps(word | {"error": "queries: none of them is a word"})
                self.world.end_job(where, "Failed", "PodFailurePolicy", text)
            case "fails":
                self.world.end_job(where, "Failed", "BackoffLimitExceeded", "")
            case "mute":
                self.world.end_job(where, "Complete", "CompletionsReached", "")
                self.world.pods.clear()
            case "garbled":
                self.world.end_job(where, "Complete", "CompletionsReached", "\x00{}")
        if how == "good" and run:
            owner = body["metadata"]["ownerReferences"][0]["uid"]
            self.collected.add((owner, notes[names.ANNOTATION_SPEC]))

    @invariant()
    def no_category_is_scraped_twice_at_once(self) -> None:
        names_of = Counter(self.category(body) for body in self.world.unfinished())
        assert all(count == 1 for count in names_of.values()), names_of

    @invariant()
    def no_more_scrapes_run_than_may(self) -> None:
        assert len(self.world.unfinished()) <= PLACES

    @invariant()
    def no_api_is_asked_by_two(self) -> None:
        notes = [body["metadata"]["annotations"] for body in self.world.unfinished()]
        assert sum(one[names.ANNOTATION_ALONE] == "wiki.test" for one in notes) <= 1

    @invariant()
    def what_is_foreign_is_left_alone(self) -> None:
        assert "deletionTimestamp" not in self.world.jobs[FOREIGN]["metadata"]

    @invariant()
    def what_is_ready_was_collected(self) -> None:
        for body in self.world.categories.values():
            category = read_category(body)
            conditions = {one.type: one for one in category.status.conditions}
            ready = conditions.get("Ready")
            current = category.status.observed_generation == category.generation
            if ready is None or ready.status != "True" or not current or not category.resource:
                continue
            assert (category.uid, run_id_of(category.resource)) in self.collected

    @staticmethod
    def category(body: dict[str, Any]) -> tuple[str, str]:
        return body["metadata"]["namespace"], body["metadata"]["labels"][names.LABEL_CATEGORY]

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.lose = ""
        self.world.refuse_jobs = False
        for _ in range(16):
            self.play_on()
            self.check_all()
        self.check_that_all_is_done()
        self.check_that_nothing_more_is_written()

    def play_on(self) -> None:
        """Let everything go well for half an hour."""
        self.operator.watch()
        for key in KEYS:
            self.operator.look(key)
        self.operator.watch()
        for where in self.running():
            self.end(where, "good")
        self.world.collect_garbage()
        self.operator.advance(minutes=61)

    def check_all(self) -> None:
        self.no_category_is_scraped_twice_at_once()
        self.no_more_scrapes_run_than_may()
        self.no_api_is_asked_by_two()
        self.what_is_ready_was_collected()

    def check_that_all_is_done(self) -> None:
        for body in self.world.categories.values():
            category = read_category(body)
            assert not category.deleting, "it hangs"
            ready = category.status.conditions[0]
            asked = category.resource is not None and not category.resource.spec.suspend
            if asked and ready.reason not in ("InvalidSpec", "SourcesFailed"):
                assert ready.status == "True", ready
            assert category.held == category.deletes

    def check_that_nothing_more_is_written(self) -> None:
        self.operator.watch()
        self.world.collect_garbage()
        self.operator.watch()
        for key in KEYS:
            self.operator.look(key)  # a slot may have become due meanwhile
        self.operator.watch()
        if self.running():
            return
        writes = self.world.writes
        for key in KEYS * 2:
            self.operator.look(key)
        assert self.world.writes == writes


OperatorWorld.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
test_whatever_happens = OperatorWorld.TestCase
