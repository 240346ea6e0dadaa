"""The operator as a process against a real API server; scripts play what learns and serves.

From categories that are ready to a model that is served: newer, worse and corrupt models, several
nodes, an operator that is killed, what somebody deletes, and silence where all is done.
"""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from artgrab.operator import names
from tests.cluster.commands import wait_until
from tests.cluster.kubectl import Kubectl, in_new_namespace
from tests.cluster.learning_stand_ins import CORRUPT, ENDLESS, LEARNS, REFUSED, SERVES
from tests.cluster.providers import Provider
from tests.cluster.test_operator import STAND_IN, Operator

QUIET_SECONDS = 8.0
CATEGORIES = {"graffiti": "art", "chairs": "everyday"}
CLASSIFIERS = names.CLASSIFIER_PLURAL
_SMALL = json.dumps({"requests": {"cpu": "5m", "memory": "16Mi"}})


@pytest.fixture(scope="module")
def own(provider: Provider) -> Iterator[Kubectl]:
    """The operator's own namespace."""
    with in_new_namespace(provider, "test-own") as client:
        yield client


@pytest.fixture(scope="module")
def here(provider: Provider) -> Iterator[Kubectl]:
    """The namespace of categories and classifiers."""
    with in_new_namespace(provider, "test-learning") as client:
        restricted = "pod-security.kubernetes.io/enforce=restricted"
        client("label", "namespace", client.namespace, restricted)
        yield client


@pytest.fixture(scope="module")
def operator(
    provider: Provider,
    here: Kubectl,
    own: Kubectl,
    definitions: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("operator")
    defaults = folder / "classifiers.yaml"
    usual = _classifier("usual", seed=910)
    usual["metadata"]["namespace"] = here.namespace
    defaults.write_text(yaml.safe_dump([usual]))
    image = provider.load_base_image()
    environment = {
        "KUBECONFIG": str(provider.kubeconfig()),
        "ARTGRAB_STORE": "s3://bucket/art",
        "ARTGRAB_OPERATOR_NAMESPACE": own.namespace,
        "ARTGRAB_OPERATOR_WATCH_NAMESPACES": json.dumps([here.namespace]),
        "ARTGRAB_OPERATOR_CLASSIFIER_NAMESPACES": json.dumps([here.namespace]),
        "ARTGRAB_OPERATOR_DEFAULT_CLASSIFIERS_FILE": str(defaults),
        "ARTGRAB_OPERATOR_DOWNLOADER": "downloader:50051",
        "ARTGRAB_OPERATOR_SCRAPER_IMAGE": image,
        "ARTGRAB_OPERATOR_SCRAPER_COMMAND": json.dumps(["python3", "-c", STAND_IN]),
        "ARTGRAB_OPERATOR_SCRAPER_RESOURCES": _SMALL,
        "ARTGRAB_OPERATOR_CLEANUP_IMAGE": image,
        "ARTGRAB_OPERATOR_TRAINER_IMAGE": image,
        "ARTGRAB_OPERATOR_TRAINER_COMMAND": json.dumps(["python3", "-c", LEARNS]),
        "ARTGRAB_OPERATOR_TRAINER_RESOURCES": _SMALL,
        "ARTGRAB_OPERATOR_DATASET_RESOURCES": _SMALL,
        "ARTGRAB_OPERATOR_SERVING_IMAGE": image,
        "ARTGRAB_OPERATOR_SERVING_COMMAND": json.dumps(["python3", "-c", SERVES]),
        "ARTGRAB_OPERATOR_SERVING_RESOURCES": _SMALL,
        "ARTGRAB_OPERATOR_SERVING_PROGRESS_DEADLINE_SECONDS": "20",
        "ARTGRAB_OPERATOR_RESYNC_SECONDS": "10",
        "ARTGRAB_OPERATOR_PROGRESS_SECONDS": "2",
        "ARTGRAB_OPERATOR_METRICS_PORT": "0",
    }
    process = Operator(environment, here.namespace, folder / "log")
    process.start()
    here.apply(*(_category(name, label) for name, label in CATEGORIES.items()))
    here.apply(*_begun())
    yield process
    process.kill()


@pytest.fixture(autouse=True)
def _log_of_a_failure(operator: Operator, request: pytest.FixtureRequest) -> Iterator[None]:
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        print(operator.log.read_text()[-8000:])


def _begun() -> list[dict[str, Any]]:
    """Return what tests apply, whose first minute goes by side by side."""
    usual = [_classifier(name) for name in ("first", "quiet", "better", "corrupt", "deleted")]
    odd = (_classifier("odd", seed=REFUSED), _classifier("orphaned", seed=ENDLESS))
    return [*usual, *odd, _classifier("pair", nodes=2)]


def _category(name: str, label: str) -> dict[str, Any]:
    selectors = {"item": "a", "image": "a::attr(href)"}
    source = {"gallery": {"url": "https://a.test/", "selectors": selectors}}
    return {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": names.KIND,
        "metadata": {"name": name, "labels": {"set": label}},
        "spec": {"sources": [source], "targetImages": 3},
    }


def _classifier(name: str, *, seed: int = 0, nodes: int = 1, **spec: Any) -> dict[str, Any]:
    classes = [
        {"label": label, "categorySelector": {"matchLabels": {"set": label}}}
        for label in CATEGORIES.values()
    ]
    training = {"seed": seed, "nodes": nodes}
    return {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": names.CLASSIFIER_KIND,
        "metadata": {"name": name},
        "spec": {"classes": classes, "training": training, **spec},
    }


def _wait_for(kubectl: Kubectl, name: str, kind: str, reason: str) -> str:
    """Return the message of a condition as soon as it has a reason."""
    path = f'{{.status.conditions[?(@.type=="{kind}")].reason}}'
    kubectl.wait(f"{CLASSIFIERS}/{name}", f"jsonpath={path}={reason}")
    conditions = _status(kubectl, name)["conditions"]
    return next(str(one["message"]) for one in conditions if one["type"] == kind)


def _wait_until_served(kubectl: Kubectl, name: str, *, accuracy: int) -> None:
    path = "{.status.serving.accuracyPermille}"
    kubectl.wait(f"{CLASSIFIERS}/{name}", f"jsonpath={path}={accuracy}")
    kubectl.wait(f"{CLASSIFIERS}/{name}", "condition=Ready")


def _stays(read: Callable[[], object]) -> bool:
    """Tell whether what is read is the same for a while."""
    before, until = read(), time.monotonic() + QUIET_SECONDS
    while time.monotonic() < until:
        if read() != before:
            return False
    return True


def _status(kubectl: Kubectl, name: str) -> dict[str, Any]:
    status: dict[str, Any] = kubectl.read(CLASSIFIERS, name)["status"]
    return status


def _children(kubectl: Kubectl, name: str, kinds: str) -> list[dict[str, Any]]:
    selector = f"--selector={names.LABEL_CLASSIFIER}={name}"
    found: list[dict[str, Any]] = kubectl.read(kinds, selector)["items"]
    return found


def _events(kubectl: Kubectl, name: str) -> list[str]:
    events = kubectl.read("events.events.k8s.io")["items"]
    told = [one for one in events if one["regarding"]["name"] == name]
    return [one["reason"] for one in sorted(told, key=lambda one: str(one["eventTime"]))]


@pytest.mark.usefixtures("operator")
def test_a_classifier_that_is_applied_is_learned_and_served(here: Kubectl) -> None:
    here.apply(_classifier("first"))
    here.wait(f"{CLASSIFIERS}/first", "condition=Ready")
    status = _status(here, "first")
    assert status["dataset"]["images"] == len(CATEGORIES)
    assert status["model"]["accuracyPermille"] == 950
    assert status["serving"]["endpoint"] == f"first-serving.{here.namespace}.svc:8500"
    assert status["serving"]["readyReplicas"] == 1
    kinds = "deployments,services,horizontalpodautoscalers,poddisruptionbudgets"
    assert {one["metadata"]["name"] for one in _children(here, "first", kinds)} == {"first-serving"}
    assert len(_children(here, "first", kinds)) == 4
    told = _events(here, "first")
    last = ["BuildingDataset", "DatasetBuilt", "Training", "ModelTrained", "RollingOut"]
    assert told[-6:] == [*last, "ModelServed"], here("get", "events,pods")


@pytest.mark.usefixtures("operator")
def test_nothing_is_written_where_a_model_is_served(here: Kubectl) -> None:
    here.apply(_classifier("quiet"))
    here.wait(f"{CLASSIFIERS}/quiet", "condition=Ready")

    def versions() -> dict[str, str]:
        children = _children(here, "quiet", "jobs,services")
        told = [one["metadata"] for one in (*children, here.read(CLASSIFIERS, "quiet"))]
        (deployment,) = _children(here, "quiet", "deployments")
        wanted = {**deployment["spec"], "replicas": None}  # these are the autoscaler's
        return {one["uid"]: one["resourceVersion"] for one in told} | {"wanted": repr(wanted)}

    wait_until(lambda: _stays(versions), f"{QUIET_SECONDS:.0f} s of silence")


@pytest.mark.usefixtures("operator")
def test_the_default_classifier_is_made_and_served(here: Kubectl) -> None:
    _wait_until_served(here, "usual", accuracy=910)
    assert here.read(CLASSIFIERS, "usual")["spec"]["serving"]["runtime"] == "TorchServe"


@pytest.mark.usefixtures("operator")
def test_a_newer_model_takes_over_and_a_worse_one_does_not(here: Kubectl) -> None:
    here.apply(_classifier("better"))
    _wait_until_served(here, "better", accuracy=950)
    here.apply(_classifier("better", seed=960))
    _wait_until_served(here, "better", accuracy=960)
    here.apply(_classifier("better", seed=300))
    here.wait(f"{CLASSIFIERS}/better", "jsonpath={.status.model.accuracyPermille}=300")
    wait_until(lambda: "NotPromoted" in _events(here, "better"), "an event", pause=0.2)
    status = _status(here, "better")
    assert status["serving"]["accuracyPermille"] == 960
    (deployment,) = _children(here, "better", "deployments")
    served = deployment["metadata"]["annotations"][names.ANNOTATION_MODEL]
    assert served == status["serving"]["contentSha256"]
    assert _wait_for(here, "better", "Degraded", "AsExpected")


@pytest.mark.usefixtures("operator")
def test_a_corrupt_model_is_taken_back_by_itself_while_the_other_one_answers(
    here: Kubectl,
) -> None:
    here.apply(_classifier("corrupt"))
    _wait_until_served(here, "corrupt", accuracy=950)
    served = _status(here, "corrupt")["serving"]["contentSha256"]
    here.apply(_classifier("corrupt", seed=CORRUPT))
    message = _wait_for(here, "corrupt", "Degraded", "RolloutFailed")
    assert "the archive has another digest" in message
    here.wait(f"{CLASSIFIERS}/corrupt", "condition=Ready")
    here("rollout", "status", "deployment/corrupt-serving", "--timeout=60s")
    assert _status(here, "corrupt")["serving"]["contentSha256"] == served
    pods = _children(here, "corrupt", "pods")
    live = [one for one in pods if "deletionTimestamp" not in one["metadata"]]
    running = [one for one in live if one["metadata"]["labels"].get("pod-template-hash")]
    assert {one["metadata"]["annotations"][names.ANNOTATION_MODEL] for one in running} == {served}


@pytest.mark.usefixtures("operator")
def test_two_nodes_find_each_other_by_the_name_of_their_job(here: Kubectl) -> None:
    here.apply(_classifier("pair", nodes=2))
    here.wait(f"{CLASSIFIERS}/pair", "condition=Ready")
    jobs = _children(here, "pair", "jobs")
    (job,) = [one for one in jobs if one["spec"]["completions"] == 2]
    assert job["status"]["succeeded"] == 2
    here("delete", CLASSIFIERS, "pair", "--timeout=60s")
    wait_until(
        lambda: not _children(here, "pair", "services,jobs,deployments"), "nothing left", pause=0.2
    )


@pytest.mark.usefixtures("operator")
def test_what_a_trainer_cannot_work_with_is_told_in_its_words_and_tried_once(
    here: Kubectl,
) -> None:
    here.apply(_classifier("odd", seed=REFUSED))
    message = _wait_for(here, "odd", "Trained", "TrainingFailed")
    assert "training.seed: it brings no luck" in message
    assert len(_children(here, "odd", "jobs")) == 2
    here.apply(_classifier("odd", seed=940))
    _wait_until_served(here, "odd", accuracy=940)


def test_an_operator_that_is_killed_in_the_middle_goes_on_where_it_was(
    here: Kubectl, operator: Operator
) -> None:
    here.apply(_classifier("orphaned", seed=ENDLESS))
    _wait_for(here, "orphaned", "Trained", "Training")
    before = {one["metadata"]["uid"] for one in _children(here, "orphaned", "jobs")}
    operator.kill()
    here.apply(_classifier("meanwhile", seed=920))
    operator.start()
    _wait_until_served(here, "meanwhile", accuracy=920)
    assert {one["metadata"]["uid"] for one in _children(here, "orphaned", "jobs")} == before
    here.apply(_classifier("orphaned", seed=930))
    _wait_until_served(here, "orphaned", accuracy=930)


@pytest.mark.usefixtures("operator")
def test_what_somebody_deletes_comes_back(here: Kubectl) -> None:
    here.apply(_classifier("deleted"))
    here.wait(f"{CLASSIFIERS}/deleted", "condition=Ready")
    here("delete", "deployment/deleted-serving", "service/deleted-serving", "--wait")
    for what in ("deployment", "service"):
        here.wait_for_answer("get", f"{what}/deleted-serving", "--output=name")
    here("rollout", "status", "deployment/deleted-serving", "--timeout=60s")
    here.wait(f"{CLASSIFIERS}/deleted", "condition=Ready")
