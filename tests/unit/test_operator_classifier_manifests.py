"""What the operator makes for classifiers, whole: every line is a promise to somebody."""

import argparse
import json
from typing import Any

import kubernetes_validate
import pytest

from artgrab.common.job_processes import add_options
from artgrab.common.tasks import DatasetTask, TrainingTask, classifier_of, decode_task
from artgrab.operator.classifiers.dataset_jobs import build_dataset_job
from artgrab.operator.classifiers.observed import Classifier, LearningComponent
from artgrab.operator.classifiers.plans import NewDataset, NewTraining, Serve
from artgrab.operator.classifiers.reading import (
    read_classifier,
    read_learning_job,
    read_rollout,
)
from artgrab.operator.classifiers.serving_manifests import serving_digest, serving_manifests
from artgrab.operator.classifiers.templates import learning_template_digest
from artgrab.operator.classifiers.training_jobs import build_rendezvous_service, build_training_job
from artgrab.operator.observed import Key
from artgrab.operator.settings import OperatorSettings
from artgrab.serving.settings import ServingSettings
from tests.support.learning_stage import SPEC
from tests.support.learning_world import CONTENT, DATASET, MODEL, LearningWorld
from tests.support.operator_world import settings_of

KUBERNETES = "1.34"
NAME = "art-or-not"
SELECTOR = {"app.kubernetes.io/component": "serving", "artgrab.dev/classifier": NAME}
LABELS = {
    "app.kubernetes.io/name": "artgrab",
    "app.kubernetes.io/part-of": "artgrab",
    "app.kubernetes.io/managed-by": "artgrab-operator",
    "artgrab.dev/classifier": NAME,
}
POD_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "fsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER = {
    "imagePullPolicy": "IfNotPresent",
    "command": ["python"],
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "FallbackToLogsOnError",
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    },
}
TMP = [{"name": "TMPDIR", "value": "/tmp"}, {"name": "HOME", "value": "/tmp"}]
STORE = [{"name": "AWS_REGION", "value": "eu"}]
PACKAGES = {"name": "packages", "mountPath": "/packages", "readOnly": True}
CLAIM = {"name": "packages", "persistentVolumeClaim": {"claimName": "packages"}}
TASK = {"name": "task", "mountPath": "/etc/artgrab/task", "readOnly": True}
DATASET_PLAN = NewDataset(
    work="0123", labels={"mural": "art"}, parent=DATASET, inputs="4567", stored=60, failures=1
)
TRAINING_PLAN = NewTraining(
    work="89ab", snapshot=DATASET, served=MODEL, inputs="cdef", nodes=1, failures=0
)
SERVE = Serve(MODEL, CONTENT)


@pytest.fixture
def settings() -> OperatorSettings:
    return settings_of(
        model_env=STORE,
        model_service_account="artgrab-model",
        trainer_image="artgrab-trainer:1",
        trainer_env=[{"name": "ARTGRAB_TRAINER_THREADS", "value": "2"}],
        trainer_env_from=[{"secretRef": {"name": "s3"}}],
        trainer_volumes=[CLAIM],
        trainer_volume_mounts=[PACKAGES],
        serving_image="artgrab-serving:1",
        serving_env=[{"name": "ARTGRAB_SERVING_THREADS", "value": "2"}],
        serving_volumes=[CLAIM],
        serving_volume_mounts=[PACKAGES],
        serving_pod_labels={"team": "art", "app.kubernetes.io/component": "theirs"},
        image_pull_secrets=["registry"],
    )


def _classifier(name: str = NAME, **spec: Any) -> Classifier:
    world = LearningWorld()
    world.apply_classifier(Key("art", name), {**SPEC, **spec})
    return read_classifier(world.classifiers[Key("art", name)])


@pytest.fixture
def classifier() -> Classifier:
    return _classifier()


def _owner(classifier: Classifier) -> dict[str, Any]:
    return {
        "apiVersion": "artgrab.dev/v1alpha1",
        "kind": "ArtClassifier",
        "name": NAME,
        "uid": classifier.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


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
            "ownerReferences": [_owner(classifier)],
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


def _born(manifest: dict[str, Any]) -> dict[str, Any]:
    born = {"uid": "its-uid", "resourceVersion": "7", "creationTimestamp": "2026-11-02T12:00:00Z"}
    return {**manifest, "metadata": {**manifest["metadata"], **born}}


def test_the_service_of_several_nodes(classifier: Classifier, settings: OperatorSettings) -> None:
    job = read_learning_job(_born(_several(classifier, settings)))
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
    assert classifier_of(dataset) == classifier.resource
    job = build_training_job(classifier, TRAINING_PLAN, settings)
    training = decode_task(told(job), TrainingTask)
    assert (training.snapshot, training.served) == (DATASET, MODEL)
    assert classifier_of(training) == classifier.resource


def test_jobs_are_read_as_they_were_built(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    dataset = read_learning_job(_born(build_dataset_job(classifier, DATASET_PLAN, settings)))
    assert dataset is not None
    assert (dataset.component, dataset.owner) == (LearningComponent.DATASET, classifier.uid)
    assert (dataset.work, dataset.inputs, dataset.stored) == ("0123", "4567", 60)
    assert (dataset.failures, dataset.nodes, dataset.suspended) == (1, 1, False)
    training = read_learning_job(_born(_several(classifier, settings)))
    assert training is not None
    assert (training.component, training.nodes, training.suspended) == ("trainer", 3, True)
    assert training.template == learning_template_digest(settings)


def _served(
    classifier: Classifier, settings: OperatorSettings, serve: Serve = SERVE
) -> dict[str, dict[str, Any]]:
    return {one["kind"]: one for one in serving_manifests(classifier, serve, settings)}


def test_the_pods_that_serve(classifier: Classifier, settings: OperatorSettings) -> None:
    template = _served(classifier, settings)["Deployment"]["spec"]["template"]
    labels = LABELS | {"app.kubernetes.io/component": "serving", "team": "art"}
    notes = {"artgrab.dev/model": CONTENT}
    assert template["metadata"] == {"labels": labels, "annotations": notes}
    ready: dict[str, Any] = {"grpc": {"port": 8501, "service": "artgrab.v1.PredictService"}}
    ready["timeoutSeconds"] = 5
    alive: dict[str, Any] = {"grpc": {"port": 8501, "service": ""}, "timeoutSeconds": 10}
    tmp = {"name": "tmp", "mountPath": "/tmp"}
    threads = {"name": "ARTGRAB_SERVING_THREADS", "value": "2"}
    fetch = {
        **CONTAINER,
        "name": "fetch",
        "image": "artgrab-serving:1",
        "args": [
            *("-m", "artgrab.serving.fetch", "--store", "s3://bucket/art"),
            *("--model", f"art/models/{MODEL}", "--content-sha256", CONTENT),
            *("--to", "/models", "--archive"),
        ],
        "env": [*TMP, *STORE, threads],
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi"},
            "limits": {"memory": "1Gi"},
        },
        "volumeMounts": [{"name": "models", "mountPath": "/models"}, tmp, PACKAGES],
    }
    predict: dict[str, Any] = {
        **CONTAINER,
        "name": "predict",
        "image": "artgrab-serving:1",
        "args": [
            *("-m", "artgrab.serving", "--folder", "/models", "--runtime", "torchserve"),
            *("--archive", "/models/artgrab.mar", "--listen", "0.0.0.0:8500"),
        ],
        "env": [
            *TMP,
            {"name": "ARTGRAB_SERVING_HEALTH_LISTEN", "value": "0.0.0.0:8501"},
            {"name": "ARTGRAB_SERVING_METRICS_LISTEN", "value": "0.0.0.0:9090"},
            {"name": "ARTGRAB_SERVING_GRACE_SECONDS", "value": "45"},
            threads,
        ],
        "ports": [
            {"name": "grpc", "containerPort": 8500, "protocol": "TCP"},
            {"name": "health", "containerPort": 8501, "protocol": "TCP"},
            {"name": "metrics", "containerPort": 9090, "protocol": "TCP"},
        ],
        "resources": settings.serving_resources,
        "volumeMounts": [
            {"name": "models", "mountPath": "/models", "readOnly": True},
            tmp,
            PACKAGES,
        ],
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
    }
    predict["startupProbe"] = {**ready, "periodSeconds": 5, "failureThreshold": 121}
    predict["readinessProbe"] = {**ready, "periodSeconds": 5, "failureThreshold": 2}
    predict["livenessProbe"] = {**alive, "periodSeconds": 20, "failureThreshold": 3}
    assert template["spec"] == {
        "restartPolicy": "Always",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "serviceAccountName": "artgrab-model",
        "imagePullSecrets": [{"name": "registry"}],
        "securityContext": POD_SECURITY,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": SELECTOR},
            }
        ],
        "initContainers": [fetch],
        "containers": [predict],
        "volumes": [
            {"name": "models", "emptyDir": {"sizeLimit": "2Gi"}},
            {"name": "tmp", "emptyDir": {}},
            CLAIM,
        ],
    }


def test_what_stands_around_the_pods(classifier: Classifier, settings: OperatorSettings) -> None:
    served = _served(classifier, settings)
    assert list(served)[-1] == "Deployment"
    for kind, one in served.items():
        notes = one["metadata"].pop("annotations", {})
        assert bool(notes) == (kind == "Deployment")
        assert one["metadata"] == {
            "name": "art-or-not-serving",
            "namespace": "art",
            "labels": LABELS | {"app.kubernetes.io/component": "serving"},
            "ownerReferences": [_owner(classifier)],
        }
    deployment = served["Deployment"]["spec"]
    deployment.pop("template")
    assert deployment == {  # without replicas: these are the autoscaler's
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": 600,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        },
        "selector": {"matchLabels": SELECTOR},
    }
    port = {"name": "grpc", "port": 8500, "targetPort": "grpc", "protocol": "TCP"}
    assert served["Service"]["spec"] == {"type": "ClusterIP", "selector": SELECTOR, "ports": [port]}
    assert served["PodDisruptionBudget"]["spec"] == {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": SELECTOR},
    }
    target = {"type": "Utilization", "averageUtilization": 60}
    scaled = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "art-or-not-serving"}
    assert served["HorizontalPodAutoscaler"]["spec"] == {
        "scaleTargetRef": scaled,
        "minReplicas": 1,
        "maxReplicas": 4,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }


def test_a_deployment_is_read_as_it_was_built(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    built = _born(_served(classifier, settings)["Deployment"])
    rollout = read_rollout(built)
    assert rollout is not None
    assert classifier.resource is not None
    assert (rollout.model_key, rollout.content_sha256) == (MODEL, CONTENT)
    assert rollout.digest == serving_digest(classifier.resource, SERVE, settings)
    assert (rollout.owner, rollout.done, rollout.failed) == (classifier.uid, False, False)


def test_the_native_runtime_has_no_archive(settings: OperatorSettings) -> None:
    served = _served(_classifier(serving={"runtime": "Native"}), settings)
    pod = served["Deployment"]["spec"]["template"]["spec"]
    assert "--archive" not in pod["initContainers"][0]["args"]
    args = pod["containers"][0]["args"]
    assert "--archive" not in args
    assert args[args.index("--runtime") + 1] == "native"


def test_certificates_and_tokens_are_files_of_the_container_that_answers(
    classifier: Classifier,
) -> None:
    settings = settings_of(serving_tls_secret="certificate", serving_token_secret="callers")
    pod = _served(classifier, settings)["Deployment"]["spec"]["template"]["spec"]
    (predict,) = pod["containers"]
    environment = {one["name"]: one["value"] for one in predict["env"]}
    files = {name: value for name, value in environment.items() if name.endswith("_FILE")}
    assert files == {
        "ARTGRAB_SERVING_TLS_CERTIFICATE_FILE": "/etc/artgrab/tls/tls.crt",
        "ARTGRAB_SERVING_TLS_KEY_FILE": "/etc/artgrab/tls/tls.key",
        "ARTGRAB_SERVING_TOKENS_FILE": "/etc/artgrab/tokens/tokens",
    }
    mounts = {one["name"]: one["mountPath"] for one in predict["volumeMounts"]}
    assert mounts["tls"] == "/etc/artgrab/tls"
    secrets = {one["name"]: one["secret"] for one in pod["volumes"] if "secret" in one}
    assert {one["secretName"] for one in secrets.values()} == {"certificate", "callers"}
    (fetch,) = pod["initContainers"]
    assert "tls" not in {one["name"] for one in fetch["volumeMounts"]}


def test_only_the_container_that_fetches_can_reach_the_store(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    pod = _served(classifier, settings)["Deployment"]["spec"]["template"]["spec"]
    assert "AWS" in json.dumps(pod["initContainers"])
    assert "AWS" not in json.dumps(pod["containers"])


def test_a_variable_is_never_there_twice_and_the_chart_has_the_last_word(
    classifier: Classifier,
) -> None:
    level = [{"name": "ARTGRAB_LOG_LEVEL", "value": "INFO"}]
    mine = [{"name": "ARTGRAB_SERVING_GRACE_SECONDS", "value": "9"}, *level]
    settings = settings_of(model_env=level, serving_env=mine, trainer_env=level)
    pod = _served(classifier, settings)["Deployment"]["spec"]["template"]["spec"]
    job = build_dataset_job(classifier, DATASET_PLAN, settings)["spec"]["template"]["spec"]
    for container in (*pod["initContainers"], *pod["containers"], *job["containers"]):
        names = [one["name"] for one in container["env"]]
        assert len(names) == len(set(names))
    assert mine[0] in pod["containers"][0]["env"]


def test_processes_take_the_options_and_settings_they_are_given(
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
    guarded = settings_of(serving_tls_secret="certificate", serving_token_secret="callers")
    pod = _served(classifier, guarded)["Deployment"]["spec"]["template"]["spec"]
    names = [one["name"] for one in pod["containers"][0]["env"]]
    prefix = "ARTGRAB_SERVING_"
    told = {name.removeprefix(prefix).lower() for name in names if name.startswith(prefix)}
    assert told
    assert told <= set(ServingSettings.model_fields)


def test_the_digest_changes_with_all_that_is_applied_and_with_nothing_else(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    def digest(one: Classifier, serve: Serve = SERVE, **given: Any) -> str:
        assert one.resource is not None
        return serving_digest(one.resource, serve, settings.model_copy(update=given))

    same = digest(classifier)
    assert same == digest(_classifier(promotion={"minAccuracyPercent": 90}))
    assert same == digest(classifier, trainer_image="artgrab-trainer:2", workers=9)
    others = [
        digest(classifier, Serve(MODEL, "f" * 64)),
        digest(classifier, serving_image="artgrab-serving:2"),
        digest(_classifier(serving={"minReplicas": 2})),
        digest(_classifier(serving={"runtime": "Native"})),
    ]
    assert len({same, *others}) == 5


@pytest.mark.parametrize("name", ["a" * 40, "a"])
def test_all_of_it_is_valid_to_the_letter_and_its_names_fit(
    name: str, settings: OperatorSettings
) -> None:
    classifier = _classifier(name)
    several = _several(classifier, settings)
    job = read_learning_job(_born(several))
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
