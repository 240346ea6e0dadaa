"""The parts of an operator put together: what a watch has missed is caught up with."""

import asyncio
import copy
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import kopf
import pytest
import yaml
from kopf._cogs.clients import errors, watching
from kopf._core.reactor import queueing
from structlog.testing import capture_logs

from artgrab.operator import watches
from artgrab.operator.app import App
from artgrab.operator.cluster import (
    CATEGORY,
    CLASSIFIER,
    DEPLOYMENT,
    JOB,
    Listing,
    NotListedError,
)
from artgrab.operator.metrics import Metrics
from artgrab.operator.observed import Body, Key
from artgrab.operator.spaces import Spaces
from tests.support.learning_stage import KEY as CLASSIFIER_KEY
from tests.support.learning_stage import SERVING, LearningStage
from tests.support.learning_stage import SPEC as CLASSIFIER_SPEC
from tests.support.learning_world import LearningCluster, LearningWorld
from tests.support.operator_world import KEY, PlayedCluster, World, settings_of

FIRST, OLDER, YOUNGER = Key("art", "cubism"), Key("art", "graffiti"), Key("art", "mural")
SPEC: dict[str, Any] = {"sources": [{"mediawiki": {"url": "https://wiki.test/w/api.php"}}]}


class ListedCluster(PlayedCluster):
    """Answers lists as well."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.refused: set[str | None] = set()

    async def list_all(
        self, kind: Any, *, namespace: str | None = None, labels: dict[str, str] | None = None
    ) -> Listing:
        if namespace in self.refused:
            raise NotListedError(f"forbidden in the namespace {namespace}")
        held: Any = {CATEGORY: self.world.categories, JOB: self.world.jobs}.get(kind, {})
        bodies: list[Body] = [
            copy.deepcopy(body)
            for body in held.values()
            if namespace in (None, body["metadata"]["namespace"])
        ]
        return Listing(bodies, int(self.world.number()))


def _app(cluster: ListedCluster, **given: Any) -> App:
    settings, played = settings_of(max_concurrent_scrapes=1, **given), cast(Any, cluster)
    return App(settings, played, Spaces(played, settings.watch_namespaces), KEY, Metrics())


async def _work(app: App) -> None:
    """Do all that is asked for."""
    working = asyncio.create_task(app.queue.work(1))
    async with asyncio.timeout(10):
        while len(app.queue.agenda) or app.queue.agenda.still_since() is not None:
            await asyncio.sleep(0)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


def _end(world: World) -> None:
    (where,) = world.jobs
    world.end_job(where, "Failed", "DeadlineExceeded", "")


async def _vanishes_in_line() -> World:
    world = World()
    app = _app(ListedCluster(world))
    for hour, key in enumerate((FIRST, OLDER, YOUNGER), start=12):
        world.now = world.now.replace(hour=hour)
        world.apply(key, SPEC)
        await app.resync()
        await _work(app)
    assert len(world.jobs) == 1
    world.delete(OLDER)
    _end(world)
    await app.resync()
    await _work(app)
    return world


def test_who_vanished_unseen_while_it_waited_stands_in_nobodys_way() -> None:
    world = asyncio.run(_vanishes_in_line())
    assert [name for _, name in world.jobs if name.startswith(YOUNGER.name)]


class _ClassifierWorld(LearningCluster):
    """Answers lists of all kinds."""

    async def list_all(
        self, kind: Any, *, namespace: str | None = None, labels: dict[str, str] | None = None
    ) -> Listing:
        deployments = {
            where: body for where, body in self.world.objects.items() if where[0] == "Deployment"
        }
        held: dict[Any, dict[Any, dict[str, Any]]] = {
            CATEGORY: self.world.categories,
            JOB: self.world.jobs,
            CLASSIFIER: self.world.classifiers,
            DEPLOYMENT: deployments,
        }
        return Listing([copy.deepcopy(one) for one in held[kind].values()], 10**6)


def _app_with_classifiers(world: LearningWorld, **given: Any) -> App:
    played: Any = _ClassifierWorld(world)
    settings = settings_of(classifier_namespaces=["art"], **given)
    return App(settings, played, Spaces(played, []), KEY, Metrics())


def _asked_for(app: App) -> list[Key]:
    """Return the classifiers that wait to be looked at."""
    agenda = app.learning.queue.agenda
    found = []
    while (key := agenda.take(0)) is not None:
        agenda.done(key, 0, again_after=None)
        found.append(key)
    return found


async def _asked_for_by_categories(world: LearningWorld) -> list[Key]:
    app = _app_with_classifiers(world)
    await app.resync()
    assert len(_asked_for(app)) == 2
    app.learning.soon_seconds = 0.01
    for stored in range(3):
        world.collected(OLDER, {}, stored=stored)
        app.see_category(world.categories[OLDER])
    assert len(app.learning.queue.agenda) == 0
    async with asyncio.timeout(10):
        while not len(app.learning.queue.agenda):
            await asyncio.sleep(0)
    return _asked_for(app)


def test_changes_of_categories_ask_once_for_the_classifiers_of_their_namespace_alone() -> None:
    world = LearningWorld()
    for namespace in ("art", "elsewhere"):
        world.apply_classifier(Key(namespace, "one"), CLASSIFIER_SPEC)
    assert asyncio.run(_asked_for_by_categories(world)) == [Key("art", "one")]


def test_jobs_and_deployments_ask_for_their_own_classifier() -> None:
    stage = LearningStage()
    stage.serve()
    stage.world.apply_classifier(Key("art", "another"), CLASSIFIER_SPEC)
    app = _app_with_classifiers(stage.world)
    asyncio.run(app.resync())
    _asked_for(app)
    for body in stage.world.jobs.values():
        app.see_job(body)
        assert _asked_for(app) == [CLASSIFIER_KEY]
    app.see_deployment(stage.world.objects[SERVING])
    assert _asked_for(app) == [CLASSIFIER_KEY]
    assert len(app.queue.agenda) == len(stage.world.categories)  # no category is their concern


def test_a_classifier_that_vanished_unseen_is_forgotten() -> None:
    stage = LearningStage()
    stage.serve()
    app = _app_with_classifiers(stage.world)
    asyncio.run(app.resync())
    stage.world.delete_classifier(CLASSIFIER_KEY)
    stage.world.collect_garbage()
    asyncio.run(app.resync())
    assert app.learning.mirror.classifiers() == []
    assert app.learning.mirror.jobs(CLASSIFIER_KEY) == ()


def test_a_look_at_everything_makes_the_default_classifiers(tmp_path: Path) -> None:
    kind = {"apiVersion": "artgrab.dev/v1alpha1", "kind": "ArtClassifier"}
    document = {**kind, "metadata": {"name": "usual", "namespace": "art"}, "spec": CLASSIFIER_SPEC}
    file = tmp_path / "classifiers.yaml"
    file.write_text(yaml.safe_dump([document]))
    world = LearningWorld()
    asyncio.run(_app_with_classifiers(world, default_classifiers_file=str(file)).resync())
    assert list(world.classifiers) == [Key("art", "usual")]


def test_classifiers_that_hang_fail_the_liveness_probe_as_categories_do() -> None:
    app = _app_with_classifiers(LearningWorld())
    app.learning.queue.agenda.add(CLASSIFIER_KEY, time.monotonic() - 1000)
    assert "1000 s" in app.trouble()


def test_metrics_count_classifiers_by_reasons_of_ours_and_jobs_under_way() -> None:
    stage = LearningStage()
    stage.apply()
    odd = stage.world.classifiers
    stage.world.apply_classifier(Key("art", "new"), CLASSIFIER_SPEC)
    odd[Key("art", "odd")] = copy.deepcopy(odd[CLASSIFIER_KEY])
    odd[Key("art", "odd")]["metadata"] |= {"name": "odd", "uid": "odd"}
    odd[Key("art", "odd")]["status"]["conditions"][0]["reason"] = "Written_by_somebody"
    app = _app_with_classifiers(stage.world)
    asyncio.run(app.resync())
    metrics, mirror = Metrics(), app.learning.mirror
    metrics.watch(
        queue_depth=int,
        scrapes=int,
        categories=list,
        classifiers=mirror.classifiers,
        learning=mirror.unfinished,
    )

    def count(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"artgrab_operator_{name}", labels)

    assert count("classifiers", reason="BuildingDataset") == 1
    assert count("classifiers", reason="New") == 1
    assert count("classifiers", reason="Unknown") == 1
    assert count("learning_jobs_running", component="dataset") == 1
    assert count("classifiers_degraded", reason="AsExpected") is None


def test_metrics_count_what_has_gone_wrong_behind_a_classifier_that_is_ready() -> None:
    stage = LearningStage()
    stage.apply()
    conditions = stage.world.classifiers[CLASSIFIER_KEY]["status"]["conditions"]
    for one in conditions:
        told = {"Ready": ("True", "ModelServed"), "Degraded": ("True", "TrainingFailed")}
        one["status"], one["reason"] = told.get(one["type"], (one["status"], one["reason"]))
    app = _app_with_classifiers(stage.world)
    asyncio.run(app.resync())
    metrics = Metrics()
    metrics.watch(
        queue_depth=int,
        scrapes=int,
        categories=list,
        classifiers=app.learning.mirror.classifiers,
        learning=list,
    )
    for name, reason in (
        ("classifiers", "ModelServed"),
        ("classifiers_degraded", "TrainingFailed"),
    ):
        labels = {"reason": reason}
        assert metrics.registry.get_sample_value(f"artgrab_operator_{name}", labels) == 1


STAYS, GOES = Key("art", "cubism"), Key("gone", "graffiti")
SPACES = [GOES.namespace, STAYS.namespace]


async def _loses_a_namespace() -> tuple[World, list[str]]:
    world = World()
    world.apply(GOES, SPEC)
    cluster = ListedCluster(world)
    app = _app(cluster, watch_namespaces=SPACES)
    await app.resync()
    await _work(app)
    assert [namespace for namespace, _ in world.jobs] == [GOES.namespace]
    world.apply(STAYS, SPEC)  # waits: the one place is taken
    cluster.refused = {GOES.namespace}
    with capture_logs() as logs:
        for _ in range(3):
            await app.resync()
            await _work(app)
        cluster.refused = set()
        await app.resync()
    return world, [line["event"] for line in logs if "namespace" in line]


def test_a_namespace_that_is_deleted_holds_up_no_other_and_is_told_once() -> None:
    world, told = asyncio.run(_loses_a_namespace())
    assert [name for namespace, name in world.jobs if namespace == STAYS.namespace]
    assert told == ["a namespace is passed over until it answers", "a namespace answers again"]


def test_an_operator_comes_up_without_a_namespace_but_not_without_any() -> None:
    world = World()
    world.apply(STAYS, SPEC)
    cluster = ListedCluster(world)
    app = _app(cluster, watch_namespaces=SPACES)
    cluster.refused = {GOES.namespace}
    asyncio.run(app.resync())
    assert [category.key for category in app.mirror.categories()] == [STAYS]
    cluster.refused = set(SPACES)
    with pytest.raises(NotListedError):
        asyncio.run(app.resync())


class RefusedOnce:
    """Stands for kopf's watch: refused at first, then one event."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    async def __call__(self, *, namespace: str | None, **_: Any) -> AsyncIterator[dict[str, Any]]:
        self.asked.append(namespace)
        if len(self.asked) == 1:
            raise errors.APIForbiddenError(None, status=403, headers=cast(Any, {}))
        yield {"type": "ADDED", "object": {"metadata": {"uid": "uid"}}}


async def _watch(namespace: str | None) -> list[str]:
    """Return the types of the events that kopf's watcher hands on."""
    cluster: Any = ListedCluster(World())
    spaces = Spaces(cluster, SPACES)
    watches.outlive_refusals(spaces)
    seen: list[str] = []

    async def processor(*, raw_event: Any, **_: Any) -> None:
        seen.append(raw_event["type"])

    given: Any = {"namespace": namespace, "settings": kopf.OperatorSettings(), "resource": None}
    watching_it = asyncio.create_task(queueing.watcher(**given, processor=processor))
    await asyncio.wait([watching_it], timeout=0.05)
    assert not seen
    await spaces.list_all()
    async with asyncio.timeout(10):
        await watching_it
    return seen


@pytest.fixture
def refused_once(monkeypatch: pytest.MonkeyPatch) -> RefusedOnce:
    kopfs = RefusedOnce()
    monkeypatch.setattr(watches, "_watch", kopfs)
    monkeypatch.setattr(watching, "infinite_watch", None)  # put back when the test is over
    return kopfs


def test_a_watch_that_is_refused_waits_until_its_namespace_answers(
    refused_once: RefusedOnce,
) -> None:
    assert asyncio.run(_watch(STAYS.namespace)) == ["ADDED"]
    assert refused_once.asked == [STAYS.namespace] * 2


def test_a_watch_of_the_whole_cluster_that_is_refused_ends_as_before(
    refused_once: RefusedOnce,
) -> None:
    with pytest.raises(errors.APIForbiddenError):
        asyncio.run(_watch(None))
    assert refused_once.asked == [None]
