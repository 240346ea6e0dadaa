"""The Jobs of classifiers, whole: every line is a promise to somebody."""

import argparse
from typing import Any

import kubernetes_validate
import pytest

from artgrab.common.job_processes import add_options
from artgrab.common.tasks import DatasetTask, TrainingTask, decode_task
from artgrab.common.tasks import classifier_of as asked_for
from artgrab.operator.classifiers.dataset_jobs import build_dataset_job
from artgrab.operator.classifiers.observed import Classifier, LearningComponent
from artgrab.operator.classifiers.plans import NewTraining
from artgrab.operator.classifiers.reading import read_learning_job
from artgrab.operator.classifiers.serving_manifests import serving_manifests
from artgrab.operator.classifiers.templates import learning_template_digest
from artgrab.operator.classifiers.training_jobs import build_rendezvous_service, build_training_job
from artgrab.operator.settings import OperatorSettings, Placement
from tests.support.classifier_manifests import (
    CLAIM,
    CONTAINER,
    DATASET_PLAN,
    KUBERNETES,
    LABELS,
    PACKAGES,
    POD_SECURITY,
    SERVE,
    STORE,
    TASK,
    TMP,
    TRAINING_PLAN,
    born,
    classifier_of,
    full_settings,
    owner_of,
)
from tests.support.learning_world import DATASET, MODEL


@pytest.fixture
def settings() -> OperatorSettings:
    return full_settings()


@pytest.fixture
def classifier() -> Classifier:
    return classifier_of()


def _job(
    classifier: Classifier, job: dict[str, Any], container: dict[str, Any], notes: dict[str, str]
) -> dict[str, Any]:
    """Return the Job that is wanted of both kinds; what is its own is given."""
    labels = LABELS | {"app.kubernetes.io/component": container["name"]}
    task = job["spec"]["template"]["metadata"]["annotations"]["artgrab.dev/task"]
    field = {"fieldPath": "metadata.annotations['artgrab.dev/task']"}
    item = {"path": "task.json", "fieldRef": field}
    mounts = [TASK, {"name": "tmp", "mountPath": "/tmp"}, PACKAGES]
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "serviceAccountName": "artgrab-model",
        "imagePullSecrets": [{"name": "registry"}],
        "securityContext": POD_SECURITY,
        "containers": [
            {
                **CONTAINER,
                "image": "artgrab-trainer:1",
                "env": [*TMP, *STORE, {"name": "ARTGRAB_TRAINER_THREADS", "value": "2"}],
                "envFrom": [{"secretRef": {"name": "s3"}}],
                "volumeMounts": mounts,
                **container,
            }
        ],
        "volumes": [
            {"name": "task", "downwardAPI": {"items": [item], "defaultMode": 0o444}},
            {"name": "tmp", "emptyDir": {}},
            CLAIM,
        ],
    }
    exits = {"containerName": container["name"], "operator": "In", "values": [2]}
    disrupted = {"type": "DisruptionTarget", "status": "True"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job["metadata"]["name"],
            "namespace": "art",
            "labels": labels,
            "annotations": notes,
            "ownerReferences": [owner_of(classifier)],
        },
        "spec": {
            "completions": 1,
            "parallelism": 1,
            "backoffLimit": 3,
            "activeDeadlineSeconds": 21_600 if container["name"] == "dataset" else 86_400,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {
                "rules": [
                    {"action": "FailJob", "onExitCodes": exits},
                    {"action": "Ignore", "onPodConditions": [disrupted]},
                ]
            },
            "template": {
                "metadata": {"labels": labels, "annotations": {"artgrab.dev/task": task}},
                "spec": pod,
            },
        },
    }


def _args(module: str, *more: str) -> list[str]:
    task = ["--task", "/etc/artgrab/task/task.json"]
    termination = ["--termination-message", "/dev/termination-log"]
    return ["-m", module, "--store", "s3://bucket/art", *task, *termination, *more]


def test_its_pods_run_where_they_are_wanted(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    where: Placement = {"nodeSelector": {"pool": "large"}, "priorityClassName": "high"}
    settings = settings.model_copy(update={"trainer_placement": where})
    pod = build_dataset_job(classifier, DATASET_PLAN, settings)["spec"]["template"]["spec"]
    assert where.items() <= pod.items()


def test_the_job_of_a_dataset(classifier: Classifier, settings: OperatorSettings) -> None:
    job = build_dataset_job(classifier, DATASET_PLAN, settings)
    assert job["metadata"]["name"].startswith("art-or-not-dataset-")
    container: dict[str, Any] = {"name": "dataset", "args": _args("artgrab.dataset")}
    container["resources"] = settings.dataset_resources
    notes = {
        "artgrab.dev/work": "0123",
        "artgrab.dev/inputs": "4567",
        "artgrab.dev/stored": "60",
        "artgrab.dev/template": learning_template_digest(settings),
        "artgrab.dev/failures": "1",
    }
    assert job == _job(classifier, job, container, notes)


def test_the_job_of_a_training(classifier: Classifier, settings: OperatorSettings) -> None:
    job = build_training_job(classifier, TRAINING_PLAN, settings)
    assert job["metadata"]["name"].startswith("art-or-not-train-")
    container = {
        "name": "trainer",
        "args": _args("artgrab.trainer", "--metrics-port", "9090"),
        "ports": [{"name": "metrics", "containerPort": 9090, "protocol": "TCP"}],
        "resources": settings.trainer_resources,
    }
    notes = {
        "artgrab.dev/work": "89ab",
        "artgrab.dev/inputs": "cdef",
        "artgrab.dev/template": learning_template_digest(settings),
        "artgrab.dev/failures": "0",
    }
    assert job == _job(classifier, job, container, notes)


def _several(classifier: Classifier, settings: OperatorSettings) -> dict[str, Any]:
    plan = NewTraining("89ab", DATASET, "", "cdef", nodes=3, failures=0)
    return build_training_job(classifier, plan, settings)


def test_a_training_on_several_nodes_is_begun_by_torchrun_once_they_have_a_service(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    job = _several(classifier, settings)
    name, spec = job["metadata"]["name"], job["spec"]
    assert spec["suspend"] is True
    assert (spec["completions"], spec["parallelism"], spec["backoffLimit"]) == (3, 3, 9)
    assert spec["completionMode"] == "Indexed"
    pod = spec["template"]["spec"]
    assert pod["subdomain"] == name
    torchrun = [
        "-m",
        "artgrab.trainer.nodes",
        "--nnodes=3",
        "--nproc-per-node=1",
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint={name}-0.{name}.art.svc:29400",
        f"--rdzv-id={name}",
        "--max-restarts=3",
    ]
    args = pod["containers"][0]["args"]
    assert args == [*torchrun, *_args("artgrab.trainer", "--metrics-port", "9090")]


def test_the_service_of_several_nodes(classifier: Classifier, settings: OperatorSettings) -> None:
    job = read_learning_job(born(_several(classifier, settings)))
    assert job is not None
    service = build_rendezvous_service(job)
    assert service["metadata"]["name"] == job.name
    assert service["metadata"]["ownerReferences"] == [
        {"apiVersion": "batch/v1", "kind": "Job", "name": job.name, "uid": "its-uid"}
    ]
    assert service["spec"] == {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": {"batch.kubernetes.io/job-name": job.name},
        "ports": [{"name": "rendezvous", "port": 29400, "targetPort": 29400}],
    }
    kubernetes_validate.validate(service, KUBERNETES, strict=True)


def test_a_pod_is_told_its_task(classifier: Classifier, settings: OperatorSettings) -> None:
    def told(job: dict[str, Any]) -> bytes:
        text: str = job["spec"]["template"]["metadata"]["annotations"]["artgrab.dev/task"]
        return text.encode()

    dataset = decode_task(told(build_dataset_job(classifier, DATASET_PLAN, settings)), DatasetTask)
    assert (dataset.namespace, dataset.labels, dataset.parent) == ("art", {"mural": "art"}, DATASET)
    assert asked_for(dataset) == classifier.resource
    job = build_training_job(classifier, TRAINING_PLAN, settings)
    training = decode_task(told(job), TrainingTask)
    assert (training.snapshot, training.served) == (DATASET, MODEL)
    assert asked_for(training) == classifier.resource


def test_jobs_are_read_as_they_were_built(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    dataset = read_learning_job(born(build_dataset_job(classifier, DATASET_PLAN, settings)))
    assert dataset is not None
    assert (dataset.component, dataset.owner) == (LearningComponent.DATASET, classifier.uid)
    assert (dataset.work, dataset.inputs, dataset.stored) == ("0123", "4567", 60)
    assert (dataset.failures, dataset.nodes, dataset.suspended) == (1, 1, False)
    training = read_learning_job(born(_several(classifier, settings)))
    assert training is not None
    assert (training.component, training.nodes, training.suspended) == ("trainer", 3, True)
    assert training.template == learning_template_digest(settings)


def test_processes_take_the_options_they_are_given(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    for job in (
        build_dataset_job(classifier, DATASET_PLAN, settings),
        build_training_job(classifier, TRAINING_PLAN, settings),
    ):
        (container,) = job["spec"]["template"]["spec"]["containers"]
        options = parser.parse_args(container["args"][2:])
        assert str(options.task) == "/etc/artgrab/task/task.json"


@pytest.mark.parametrize("name", ["a" * 40, "a"])
def test_all_of_it_is_valid_to_the_letter_and_its_names_fit(
    name: str, settings: OperatorSettings
) -> None:
    classifier = classifier_of(name)
    several = _several(classifier, settings)
    job = read_learning_job(born(several))
    assert job is not None
    built = [
        build_dataset_job(classifier, DATASET_PLAN, settings),
        build_training_job(classifier, TRAINING_PLAN, settings),
        several,
        build_rendezvous_service(job),
        *serving_manifests(classifier, SERVE, settings),
    ]
    for manifest in built:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
        assert len(manifest["metadata"]["name"]) <= 60  # `-15` of a pod's host name fits as well
