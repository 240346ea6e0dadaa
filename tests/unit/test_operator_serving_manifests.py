"""What serves classifiers, whole: every line is a promise to somebody."""

import json
from typing import Any

import pytest

from artgrab.operator.classifiers.dataset_jobs import build_dataset_job
from artgrab.operator.classifiers.observed import Classifier
from artgrab.operator.classifiers.plans import Serve
from artgrab.operator.classifiers.reading import read_rollout
from artgrab.operator.classifiers.serving_manifests import serving_digest, serving_manifests
from artgrab.operator.settings import OperatorSettings, Placement
from artgrab.serving.settings import ServingSettings
from tests.support.classifier_manifests import (
    CLAIM,
    CONTAINER,
    DATASET_PLAN,
    LABELS,
    PACKAGES,
    POD_SECURITY,
    SELECTOR,
    SERVE,
    STORE,
    TMP,
    born,
    classifier_of,
    full_settings,
    owner_of,
)
from tests.support.learning_world import CONTENT, MODEL
from tests.support.operator_world import settings_of


@pytest.fixture
def settings() -> OperatorSettings:
    return full_settings()


@pytest.fixture
def classifier() -> Classifier:
    return classifier_of()


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
        "resources": settings.serving_resources,
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


def test_a_quota_on_what_a_user_limits_finds_it_limited_in_every_container(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    limited = {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "3Gi"}}
    settings = settings.model_copy(update={"serving_resources": limited})
    pod = _served(classifier, settings)["Deployment"]["spec"]["template"]["spec"]
    containers = [*pod["initContainers"], *pod["containers"]]
    assert [one["resources"] for one in containers] == [limited, limited]


def test_its_pods_run_where_they_are_wanted(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    where: Placement = {"nodeSelector": {"pool": "large"}, "priorityClassName": "high"}
    settings = settings.model_copy(update={"serving_placement": where})
    pod = _served(classifier, settings)["Deployment"]["spec"]["template"]["spec"]
    assert where.items() <= pod.items()


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
            "ownerReferences": [owner_of(classifier)],
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
    built = born(_served(classifier, settings)["Deployment"])
    rollout = read_rollout(built)
    assert rollout is not None
    assert classifier.resource is not None
    assert (rollout.model_key, rollout.content_sha256) == (MODEL, CONTENT)
    assert rollout.digest == serving_digest(classifier.resource, SERVE, settings)
    assert (rollout.owner, rollout.done, rollout.failed) == (classifier.uid, False, False)


def test_the_native_runtime_has_no_archive(settings: OperatorSettings) -> None:
    served = _served(classifier_of(serving={"runtime": "Native"}), settings)
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


def test_the_digest_changes_with_all_that_is_applied_and_with_nothing_else(
    classifier: Classifier, settings: OperatorSettings
) -> None:
    def digest(one: Classifier, serve: Serve = SERVE, **given: Any) -> str:
        assert one.resource is not None
        return serving_digest(one.resource, serve, settings.model_copy(update=given))

    same = digest(classifier)
    assert same == digest(classifier_of(promotion={"minAccuracyPercent": 90}))
    assert same == digest(classifier, trainer_image="artgrab-trainer:2", workers=9)
    others = [
        digest(classifier, Serve(MODEL, "f" * 64)),
        digest(classifier, serving_image="artgrab-serving:2"),
        digest(classifier_of(serving={"minReplicas": 2})),
        digest(classifier_of(serving={"runtime": "Native"})),
    ]
    assert len({same, *others}) == 5


def test_the_server_takes_the_settings_it_is_given(classifier: Classifier) -> None:
    guarded = settings_of(serving_tls_secret="certificate", serving_token_secret="callers")
    pod = _served(classifier, guarded)["Deployment"]["spec"]["template"]["spec"]
    names = [one["name"] for one in pod["containers"][0]["env"]]
    prefix = "ARTGRAB_SERVING_"
    told = {name.removeprefix(prefix).lower() for name in names if name.startswith(prefix)}
    assert told
    assert told <= set(ServingSettings.model_fields)
