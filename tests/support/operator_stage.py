"""One category on a stage: short words for what is done to it, and for what is seen of it."""

import json
from typing import Any

from artgrab.common.statuses import ArtCategoryStatus, Condition
from artgrab.operator import names
from artgrab.operator.categories import read_category
from artgrab.operator.observed import Key
from tests.support.operator_world import PlayedOperator, World, settings_of

KEY = Key("art", "graffiti")
SELECTORS = {"item": "a", "image": "a::attr(href)"}
SPEC: dict[str, Any] = {
    "queries": ["graffiti"],
    "sources": [{"gallery": {"url": "https://a.test/", "selectors": SELECTORS}}],
    "targetImages": 10,
}


class Stage:
    """One category, its operator, and short words for what is done and seen."""

    def __init__(self, **given: Any) -> None:
        self.world = World()
        self.operator = PlayedOperator(self.world, settings_of(**given))

    def apply(self, **spec: Any) -> None:
        self.world.apply(KEY, {**SPEC, **spec})
        self.look()

    def look(self) -> float | None:
        """Let the operator see everything and look at the category, until nothing changes."""
        again: float | None = None
        for _ in range(6):
            self.operator.watch()
            again = self.operator.look(KEY)
        self.operator.watch()
        return again

    def end(self, kind: str = "Complete", why: str = "CompletionsReached", **word: Any) -> None:
        """End the Job that runs, with the last word of its pod."""
        (where,) = [
            (body["metadata"]["namespace"], body["metadata"]["name"])
            for body in self.jobs()
            if not body.get("status", {}).get("conditions")
        ]
        run = self.world.jobs[where]["metadata"]["annotations"].get(names.ANNOTATION_RUN, "")
        text = json.dumps({"schema_version": 1, "run_id": run, **word})
        self.world.end_job(where, kind, why, text)
        self.look()

    def succeed(self, reason: str = "TargetReached", stored: int = 10, **word: Any) -> None:
        counts = {"candidates": stored + 2, "stored": stored, "rejected": 1, "failed": 1}
        self.end(reason=reason, counts=counts, **word)

    def fail(self, error: str = "no downloader answers") -> None:
        self.end("Failed", "BackoffLimitExceeded", error=error)

    def sweep(self) -> None:
        self.world.collect_garbage()
        self.look()

    def jobs(self) -> list[dict[str, Any]]:
        return [one for one in self.world.jobs.values() if one["kind"] == "Job"]

    @property
    def status(self) -> ArtCategoryStatus:
        return read_category(self.world.categories[KEY]).status

    def condition(self, kind: str) -> Condition:
        return next(one for one in self.status.conditions if one.type == kind)

    def says(self, kind: str = "Ready") -> tuple[str, str]:
        one = self.condition(kind)
        return str(one.status), one.reason

    def events(self) -> list[str]:
        return [one["reason"] for one in self.world.events]
