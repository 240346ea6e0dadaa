"""What is asked of pods: not too often, and told where there is none to ask."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from artgrab.common.statuses import RunCounts
from artgrab.operator.jobs import read_job
from artgrab.operator.observed import Job, Key
from artgrab.operator.pod_reports import PodReports
from tests.support.operator_world import (
    PlayedCluster,
    PlayedOperator,
    World,
    at_once,
    kubernetes_time,
    settings_of,
)

KEY = Key("art", "graffiti")
SPEC: dict[str, Any] = {"sources": [{"mediawiki": {"url": "https://wiki.test/w/api.php"}}]}
COUNTS = RunCounts(candidates=3, stored=2, rejected=1, failed=0)


class Asked:
    """A world with one running Job, and who asks its pods."""

    def __init__(self) -> None:
        self.world = World()
        self.world.apply(KEY, SPEC)
        PlayedOperator(self.world, settings_of()).look(KEY)
        (self.body,) = self.world.jobs.values()
        self.body["status"] = {"startTime": kubernetes_time(self.world.now)}
        self.asked: list[str] = []
        self.answer: RunCounts | None = COUNTS
        self.takes = timedelta()
        cluster: Any = PlayedCluster(self.world)
        self.reports = PodReports(cluster, self._ask, self._now, seconds=30)

    async def _ask(self, address: str) -> RunCounts | None:
        self.asked.append(address)
        self.world.now += self.takes
        return self.answer

    def _now(self) -> datetime:
        return self.world.now

    @property
    def job(self) -> Job:
        job = read_job(self.body)
        assert job is not None
        return job

    def trouble_after(self, seconds: float) -> str:
        self.world.now += timedelta(seconds=seconds)
        at_once(self.reports.look(self.job))
        return self.reports.trouble([self.job])


@pytest.fixture
def asked() -> Asked:
    return Asked()


def test_a_running_pod_is_asked_now_and_then(asked: Asked) -> None:
    pod = {"status": {"phase": "Running", "podIP": "10.0.0.1"}}
    asked.world.pods[asked.job.uid] = [pod]
    assert [asked.trouble_after(seconds) for seconds in (1, 29, 2)] == ["", "", ""]
    assert asked.asked == ["10.0.0.1", "10.0.0.1"]
    assert asked.reports.progress([asked.job]) == COUNTS


def test_a_job_that_gets_no_pod_is_told_after_a_minute(asked: Asked) -> None:
    assert asked.trouble_after(31) == ""  # it may just be coming
    told = asked.trouble_after(31)
    assert f"kubectl describe --namespace art job/{asked.job.name}" in told
    asked.world.pods[asked.job.uid] = [{"status": {"phase": "Pending"}}]
    assert asked.trouble_after(31) == ""


def _running(address: str) -> list[dict[str, Any]]:
    return [{"status": {"phase": "Running", "podIP": address}}]


def _asked_in_looks(asked: Asked, count: int) -> int:
    before = len(asked.asked)
    for _ in range(count):
        asked.trouble_after(31)
    return len(asked.asked) - before


def test_a_pod_whose_port_is_dropped_is_asked_once_in_ten_pauses_another_one_at_once(
    asked: Asked,
) -> None:
    asked.world.pods[asked.job.uid] = _running("10.0.0.1")
    asked.answer, asked.takes = None, timedelta(seconds=3)
    assert _asked_in_looks(asked, 10) == 1
    assert _asked_in_looks(asked, 1) == 1
    asked.world.pods[asked.job.uid] = _running("10.0.0.2")
    asked.answer, asked.takes = COUNTS, timedelta()
    assert _asked_in_looks(asked, 3) == 3
    assert asked.reports.progress([asked.job]) == COUNTS


def test_a_pod_that_refuses_at_once_costs_nothing_and_is_asked_as_ever(asked: Asked) -> None:
    asked.world.pods[asked.job.uid] = _running("10.0.0.1")
    asked.answer = None
    assert _asked_in_looks(asked, 3) == 3
