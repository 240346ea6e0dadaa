"""The operator as a process against a real API server; a stand-in plays the scraper.

From apply to Ready, what a person sees of specs that cannot work, failures, suspension and both
deletion policies, an operator started anew in the middle, and silence where all is done.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from artgrab.operator import names
from tests.cluster.commands import wait_until
from tests.cluster.kubectl import Kubectl, in_new_namespace
from tests.cluster.providers import Provider

QUIET_SECONDS = 8.0
STAND_IN = """
import json, os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(4))
category = json.loads(pathlib.Path("/etc/artgrab/run/category.json").read_text())
assert pathlib.Path("/etc/artgrab/run/token").read_text().count(".") == 2
def say(**word):
    word |= {"schema_version": 1, "run_id": os.environ["ARTGRAB_SCRAPE_RUN_ID"]}
    pathlib.Path("/dev/termination-log").write_text(json.dumps(word))
match (category["spec"].get("queries") or [""])[0]:
    case "fails": say(error="no downloader answers"), sys.exit(4)
    case "refused": say(error="sources[0]: no such selector"), sys.exit(2)
    case "endless": print("at work", flush=True), time.sleep(3600)  # until it is ended
    case "blocked":
        say(reason="SourcesFailed", counts={"stored": 1}, problems=["a.test: it turns us away"])
    case _: say(reason="TargetReached", counts={"candidates": 4, "stored": 3, "rejected": 1})
"""
CLEANUP = """
import pathlib, sys
if "unclean" in sys.argv:
    pathlib.Path("/dev/termination-log").write_text('{"schema_version": 1, "error": "no bucket"}')
    sys.exit(2)
"""
_SMALL = json.dumps({"requests": {"cpu": "5m", "memory": "16Mi"}})


class Operator:
    """The process; ended and started anew at will."""

    def __init__(self, environment: Mapping[str, str], namespace: str, log: Path) -> None:
        self._environment = {**os.environ, **environment}
        self._namespace = namespace
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = ("-m", "kopf", "run", "--standalone", "-n", self._namespace)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command, "-m", "artgrab.operator.main"],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture(scope="module")
def own(provider: Provider) -> Iterator[Kubectl]:
    """The operator's own namespace."""
    with in_new_namespace(provider, "test-own") as client:
        yield client


@pytest.fixture(scope="module")
def operator(
    provider: Provider,
    kubectl: Kubectl,
    own: Kubectl,
    definitions: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    restricted = "pod-security.kubernetes.io/enforce=restricted"
    kubectl("label", "namespace", kubectl.namespace, own.namespace, restricted)
    image = provider.load_base_image()
    environment = {
        "KUBECONFIG": str(provider.kubeconfig()),
        "ARTGRAB_STORE": "s3://bucket/art",
        "ARTGRAB_OPERATOR_NAMESPACE": own.namespace,
        "ARTGRAB_OPERATOR_WATCH_NAMESPACES": json.dumps([kubectl.namespace]),
        "ARTGRAB_OPERATOR_DOWNLOADER": "downloader:50051",
        "ARTGRAB_OPERATOR_SCRAPER_IMAGE": image,
        "ARTGRAB_OPERATOR_SCRAPER_COMMAND": json.dumps(["python3", "-c", STAND_IN]),
        "ARTGRAB_OPERATOR_SCRAPER_RESOURCES": _SMALL,
        "ARTGRAB_OPERATOR_SCRAPE_BACKOFF_LIMIT": "0",
        "ARTGRAB_OPERATOR_CLEANUP_IMAGE": image,
        "ARTGRAB_OPERATOR_CLEANUP_COMMAND": json.dumps(["python3", "-c", CLEANUP]),
        "ARTGRAB_OPERATOR_CLEANUP_RESOURCES": _SMALL,
        "ARTGRAB_OPERATOR_METRICS_PORT": "0",
    }
    log = tmp_path_factory.mktemp("operator") / "log"
    process = Operator(environment, kubectl.namespace, log)
    process.start()
    yield process
    kubectl("delete", names.PLURAL, "--all", "--wait=false")
    _let_all_go(kubectl)
    process.kill()


def _let_all_go(kubectl: Kubectl) -> None:
    patch = '--patch={"spec": {"deletionPolicy": "Retain"}}'
    for one in kubectl.read(names.PLURAL)["items"]:
        kubectl("patch", names.PLURAL, one["metadata"]["name"], "--type=merge", patch)
    kubectl("wait", "--for=delete", names.PLURAL, "--all", "--timeout=60s")


@pytest.fixture(autouse=True)
def _log_of_a_failure(operator: Operator, request: pytest.FixtureRequest) -> Iterator[None]:
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        print(operator.log.read_text()[-8000:])


def _category(name: str, query: str = "", **spec: Any) -> dict[str, Any]:
    selectors = {"item": "a", "image": "a::attr(href)"}
    source = {"gallery": {"url": "https://a.test/", "selectors": selectors}}
    queries = {"queries": [query]} if query else {}
    return {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": names.KIND,
        "metadata": {"name": name},
        "spec": {"sources": [source], "targetImages": 3, **queries, **spec},
    }


def _wait_for_reason(kubectl: Kubectl, name: str, reason: str) -> dict[str, Any]:
    """Return the category as soon as Ready has a reason."""
    path = '{.status.conditions[?(@.type=="Ready")].reason}'
    kubectl.wait(f"{names.PLURAL}/{name}", f"jsonpath={path}={reason}")
    found: dict[str, Any] = kubectl.read(names.PLURAL, name)
    return found


def _wait_at_work(kubectl: Kubectl, name: str) -> None:
    """Return when an endless scrape hears signals.

    Until it has said what it does with them, the first process of a container is sent none, and
    its pod lasts for all its grace time.
    """
    _wait_for_reason(kubectl, name, "Scraping")
    (job,) = _jobs(kubectl, name)
    kubectl.wait_for_answer("logs", f"job/{job['metadata']['name']}")


def _ready(category: Mapping[str, Any]) -> dict[str, Any]:
    conditions = category["status"]["conditions"]
    return next(one for one in conditions if one["type"] == "Ready")


def _jobs(kubectl: Kubectl, category: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kubectl.read(
        "jobs", f"--selector={names.LABEL_CATEGORY}={category}"
    )["items"]
    return found


def _events(kubectl: Kubectl, category: str) -> list[str]:
    events = kubectl.read("events.events.k8s.io")["items"]
    told = [one for one in events if one["regarding"]["name"] == category]
    return [one["reason"] for one in sorted(told, key=lambda one: str(one["eventTime"]))]


@pytest.mark.usefixtures("operator")
def test_a_category_that_is_applied_becomes_ready_and_says_what_it_has(kubectl: Kubectl) -> None:
    kubectl.apply(_category("graffiti"))
    kubectl.wait(f"{names.PLURAL}/graffiti", "condition=Ready")
    category = kubectl.read(names.PLURAL, "graffiti")
    status = category["status"]
    assert status["counts"] == {"candidates": 4, "stored": 3, "rejected": 1, "failed": 0}
    assert status["observedGeneration"] == category["metadata"]["generation"]
    assert status["uri"] == f"s3://bucket/art/{kubectl.namespace}/categories/graffiti"
    assert "finalizers" not in category["metadata"]
    assert _events(kubectl, "graffiti") == ["Scraping", "TargetReached"]


@pytest.mark.usefixtures("operator")
def test_nothing_is_written_where_all_is_done(kubectl: Kubectl) -> None:
    kubectl.apply(_category("quiet"), _category("resting", suspend=True))
    kubectl.wait(f"{names.PLURAL}/quiet", "condition=Ready")
    _wait_for_reason(kubectl, "resting", "Suspended")

    def versions() -> dict[str, str]:
        items = kubectl.read(f"{names.PLURAL},jobs")["items"]
        told = [one["metadata"] for one in items if one["metadata"]["name"].startswith(("q", "r"))]
        return {one["uid"]: one["resourceVersion"] for one in told}

    before, until = versions(), time.monotonic() + QUIET_SECONDS
    while time.monotonic() < until:
        assert versions() == before


@pytest.mark.usefixtures("operator")
def test_a_spec_that_no_schema_can_judge_is_told_and_not_tried(kubectl: Kubectl) -> None:
    kubectl.apply(_category("leap", schedule="0 0 31 2 *"))
    category = _wait_for_reason(kubectl, "leap", "InvalidSpec")
    assert "spec.schedule" in _ready(category)["message"]
    assert _jobs(kubectl, "leap") == []
    kubectl.apply(_category("leap", schedule="0 0 28 2 *"))
    kubectl.wait(f"{names.PLURAL}/leap", "condition=Ready")
    assert kubectl.read(names.PLURAL, "leap")["status"]["nextRunAt"].endswith("-02-28T00:00:00Z")


@pytest.mark.usefixtures("operator")
def test_what_a_scraper_cannot_work_with_is_told_in_its_words_and_tried_once(
    kubectl: Kubectl,
) -> None:
    kubectl.apply(_category("odd", "refused"))
    category = _wait_for_reason(kubectl, "odd", "InvalidSpec")
    assert "sources[0]: no such selector" in _ready(category)["message"]
    assert len(_jobs(kubectl, "odd")) == 1
    kubectl.apply(_category("odd", "mended"))
    kubectl.wait(f"{names.PLURAL}/odd", "condition=Ready")


@pytest.mark.usefixtures("operator")
def test_a_failed_scrape_says_why_and_when_it_is_tried_again(kubectl: Kubectl) -> None:
    kubectl.apply(_category("unlucky", "fails"))
    category = _wait_for_reason(kubectl, "unlucky", "ScrapeFailed")
    message = _ready(category)["message"]
    assert "no downloader answers" in message
    assert "the next scrape begins at" in message
    assert category["status"]["failures"] == 1


@pytest.mark.usefixtures("operator")
def test_a_failed_scrape_is_tried_at_once_when_its_job_is_deleted(kubectl: Kubectl) -> None:
    kubectl.apply(_category("retried", "fails"))
    _wait_for_reason(kubectl, "retried", "ScrapeFailed")
    (first,) = _jobs(kubectl, "retried")
    kubectl("delete", "job", first["metadata"]["name"])

    def again() -> bool:
        return [one["metadata"]["uid"] for one in _jobs(kubectl, "retried")] not in (
            [first["metadata"]["uid"]],
            [],
        )

    wait_until(again, "another Job", seconds=60, pause=0.2)
    path = "jsonpath={.status.failures}=2"
    kubectl.wait(f"{names.PLURAL}/retried", path)


@pytest.mark.usefixtures("operator")
def test_sources_that_fail_are_told_by_name(kubectl: Kubectl) -> None:
    kubectl.apply(_category("blocked", "blocked"))
    category = _wait_for_reason(kubectl, "blocked", "SourcesFailed")
    assert "a.test: it turns us away" in _ready(category)["message"]
    kubectl.wait(f"{names.PLURAL}/blocked", "condition=SourceHealthy=False")


@pytest.mark.usefixtures("operator")
def test_suspending_ends_a_scrape_and_going_on_begins_one(kubectl: Kubectl) -> None:
    kubectl.apply(_category("paused", "endless"))
    _wait_at_work(kubectl, "paused")
    kubectl.apply(_category("paused", "endless", suspend=True))
    _wait_for_reason(kubectl, "paused", "Suspended")
    wait_until(lambda: not _jobs(kubectl, "paused"), "no Job", seconds=90, pause=0.2)
    kubectl.apply(_category("paused", "quick", suspend=False))
    kubectl.wait(f"{names.PLURAL}/paused", "condition=Ready")


@pytest.mark.usefixtures("operator")
def test_another_spec_ends_the_scrape_of_the_earlier_one(kubectl: Kubectl) -> None:
    kubectl.apply(_category("changed", "endless"))
    _wait_at_work(kubectl, "changed")
    kubectl.apply(_category("changed", "quick"))
    kubectl.wait(f"{names.PLURAL}/changed", "condition=Ready")
    assert len(_jobs(kubectl, "changed")) == 1


def test_an_operator_that_is_killed_in_mid_run_goes_on_where_it_was(
    kubectl: Kubectl, operator: Operator
) -> None:
    kubectl.apply(_category("orphaned", "endless"))
    _wait_at_work(kubectl, "orphaned")
    (job,) = _jobs(kubectl, "orphaned")
    operator.kill()
    kubectl.apply(_category("meanwhile"))
    operator.start()
    kubectl.wait(f"{names.PLURAL}/meanwhile", "condition=Ready")
    assert [one["metadata"]["uid"] for one in _jobs(kubectl, "orphaned")] == [
        job["metadata"]["uid"]
    ]
    assert _events(kubectl, "orphaned") == ["Scraping"]


@pytest.mark.usefixtures("operator")
def test_a_retained_category_vanishes_at_once_with_its_jobs(kubectl: Kubectl, own: Kubectl) -> None:
    kubectl.apply(_category("kept"))
    kubectl.wait(f"{names.PLURAL}/kept", "condition=Ready")
    kubectl("delete", names.PLURAL, "kept", "--timeout=30s")
    wait_until(lambda: not _jobs(kubectl, "kept"), "no Job", seconds=60, pause=0.2)
    assert _jobs(own, "kept") == []


@pytest.mark.usefixtures("operator")
def test_a_deleted_category_goes_when_what_is_stored_is_gone(
    kubectl: Kubectl, own: Kubectl
) -> None:
    kubectl.apply(_category("gone", "endless", deletionPolicy="Delete"))
    _wait_at_work(kubectl, "gone")
    kubectl("delete", names.PLURAL, "gone", "--timeout=90s")
    (job,) = _jobs(own, "gone")
    assert job["status"]["succeeded"] == 1
    assert _jobs(kubectl, "gone") == []


@pytest.mark.usefixtures("operator")
def test_a_cleanup_that_fails_is_told_and_can_be_passed_over(kubectl: Kubectl) -> None:
    kubectl.apply(_category("unclean", suspend=True, deletionPolicy="Delete"))
    _wait_for_reason(kubectl, "unclean", "Suspended")
    kubectl("delete", names.PLURAL, "unclean", "--wait=false")
    category = _wait_for_reason(kubectl, "unclean", "CleanupFailed")
    assert "no bucket" in _ready(category)["message"]
    retain = '--patch={"spec": {"deletionPolicy": "Retain"}}'
    kubectl("patch", names.PLURAL, "unclean", "--type=merge", retain)
    kubectl("wait", "--for=delete", f"{names.PLURAL}/unclean", "--timeout=60s")
