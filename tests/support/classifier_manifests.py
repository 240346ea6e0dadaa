"""A classifier, settings and plans of which whole manifests are made, and what these share."""

from typing import Any

from artgrab.operator.classifiers.observed import Classifier
from artgrab.operator.classifiers.plans import NewDataset, NewTraining, Serve
from artgrab.operator.classifiers.reading import read_classifier
from artgrab.operator.observed import Key
from artgrab.operator.settings import OperatorSettings
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


def full_settings() -> OperatorSettings:
    """Return settings of which each shows in a manifest."""
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


def classifier_of(name: str = NAME, **spec: Any) -> Classifier:
    """Return a classifier as it is seen."""
    world = LearningWorld()
    world.apply_classifier(Key("art", name), {**SPEC, **spec})
    return read_classifier(world.classifiers[Key("art", name)])


def owner_of(classifier: Classifier) -> dict[str, Any]:
    """Return the reference that its children have."""
    return {
        "apiVersion": "artgrab.dev/v1alpha1",
        "kind": "ArtClassifier",
        "name": NAME,
        "uid": classifier.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def born(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return an object as the API server tells it."""
    born = {"uid": "its-uid", "resourceVersion": "7", "creationTimestamp": "2026-11-02T12:00:00Z"}
    return {**manifest, "metadata": {**manifest["metadata"], **born}}
