"""What the pods of dataset and training Jobs have in common, and the Jobs around them."""

from collections.abc import Sequence
from typing import Any

from artgrab.common.tasks import DatasetTask, TrainingTask, encode_task
from artgrab.operator import names
from artgrab.operator.classifiers.observed import Classifier
from artgrab.operator.classifiers.plans import NewDataset, NewTraining
from artgrab.operator.classifiers.templates import learning_template_digest
from artgrab.operator.pods import TERMINATION_FILE, container, job_spec, pod_spec
from artgrab.operator.settings import Manifest, OperatorSettings

_TASK_FOLDER = "/etc/artgrab/task"
_TASK_FILE = "task.json"
_STOP_SECONDS = 60
TMP_ENV = [
    {"name": "TMPDIR", "value": "/tmp"},  # noqa: S108 - a volume of the pod's own
    {"name": "HOME", "value": "/tmp"},  # noqa: S108 - the pod's own
]


def learning_metadata(
    classifier: Classifier, component: str, name: str, notes: dict[str, str]
) -> Manifest:
    """Return the metadata of a Job; it goes with its classifier."""
    return {
        "name": name,
        "namespace": classifier.key.namespace,
        "labels": names.learning_labels(component, classifier=classifier.key.name),
        "annotations": notes,
        "ownerReferences": [owner_of(classifier)],
    }


def owner_of(classifier: Classifier) -> Manifest:
    """Return the reference by which a child vanishes with its classifier."""
    return {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": names.CLASSIFIER_KIND,
        "name": classifier.key.name,
        "uid": classifier.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def document_of(classifier: Classifier) -> Manifest:
    """Return the classifier as a file has it: nothing is made of one whose spec is invalid."""
    assert classifier.resource is not None
    document: Manifest = classifier.resource.model_dump(
        mode="json", by_alias=True, exclude_none=True
    )
    return document


def notes_of(new: NewDataset | NewTraining, settings: OperatorSettings) -> dict[str, str]:
    """Return the annotations that both kinds of Jobs have."""
    return {
        names.ANNOTATION_WORK: new.work,
        names.ANNOTATION_INPUTS: new.inputs,
        names.ANNOTATION_TEMPLATE: learning_template_digest(settings),
        names.ANNOTATION_FAILURES: str(new.failures),
    }


def merged_env(*parts: Sequence[Manifest]) -> list[Manifest]:
    """Return the variables of all parts; of two with one name the later one counts.

    Server-side apply refuses a name that is there twice.
    """
    return list({one["name"]: one for part in parts for one in part}.values())


def learning_container(
    name: str, command: Sequence[str], args: Sequence[str], settings: OperatorSettings, **rest: Any
) -> Manifest:
    """Return the container of a Job: `command` and `args` and what all of them are told."""
    return container(
        name,
        image=settings.trainer_image,
        command=command,
        args=[
            *args,
            *("--store", settings.store),
            *("--task", f"{_TASK_FOLDER}/{_TASK_FILE}"),
            *("--termination-message", TERMINATION_FILE),
        ],
        settings=settings,
        env=merged_env(TMP_ENV, settings.model_env, settings.trainer_env),
        envFrom=list(settings.trainer_env_from),
        volumeMounts=[
            {"name": "task", "mountPath": _TASK_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
            *settings.trainer_volume_mounts,
        ],
        **rest,
    )


def learning_spec(
    main: Manifest,
    labels: Manifest,
    task: DatasetTask | TrainingTask,
    settings: OperatorSettings,
    *,
    pod: Manifest,
    **rest: Any,
) -> Manifest:
    """Return the spec of a Job whose pods read their task from an annotation of their own."""
    account = settings.model_service_account
    whole = pod_spec(
        main,
        [_task_volume(), {"name": "tmp", "emptyDir": {}}, *settings.trainer_volumes],
        settings,
        terminationGracePeriodSeconds=_STOP_SECONDS,
        **({"serviceAccountName": account} if account else {}),
        **settings.trainer_placement,
        **pod,
    )
    notes = {names.ANNOTATION_TASK: encode_task(task).decode()}
    return job_spec(whole, labels, annotations=notes, **rest)


def _task_volume() -> Manifest:
    annotation = f"metadata.annotations['{names.ANNOTATION_TASK}']"
    item = {"path": _TASK_FILE, "fieldRef": {"fieldPath": annotation}}
    return {"name": "task", "downwardAPI": {"items": [item], "defaultMode": 0o444}}
