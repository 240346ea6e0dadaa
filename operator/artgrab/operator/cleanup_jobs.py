"""The Job that removes what is stored of a deleted category.

It runs in the operator's own namespace: the credentials of the store are there, and the
category's namespace may be ending and take no Jobs.
"""

from artgrab.operator import names
from artgrab.operator.observed import Category
from artgrab.operator.pods import TERMINATION_FILE, container, job_spec, pod_spec
from artgrab.operator.settings import Manifest, OperatorSettings

_KEPT_SECONDS = 3600
"""Of an ended Job, for whoever wants to read its log."""
_BACKOFF_LIMIT = 3


def build_cleanup_job(category: Category, settings: OperatorSettings, *, failures: int) -> Manifest:
    """Return the Job. It has no owner: none may be in another namespace."""
    namespace, name = category.key
    labels = names.labels_of(names.COMPONENT_CLEANUP, namespace=namespace, category=name)
    account = settings.cleanup_service_account
    pod = pod_spec(
        _cleanup(category, settings),
        [{"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}}],
        settings,
        **({"serviceAccountName": account} if account else {}),
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": names.cleanup_name(namespace=namespace, category=name, uid=category.uid),
            "namespace": settings.namespace,
            "labels": labels,
            "annotations": {names.ANNOTATION_FAILURES: str(failures)},
        },
        "spec": job_spec(
            pod,
            labels,
            backoff_limit=_BACKOFF_LIMIT,
            deadline_seconds=settings.cleanup_deadline_seconds,
            ttlSecondsAfterFinished=_KEPT_SECONDS,
        ),
    }


def _cleanup(category: Category, settings: OperatorSettings) -> Manifest:
    namespace, name = category.key
    return container(
        "cleanup",
        image=settings.cleanup_image,
        command=settings.cleanup_command,
        args=[
            *("--store", settings.store),
            *("--namespace", namespace),
            *("--category", name),
            *("--termination-message", TERMINATION_FILE),
        ],
        settings=settings,
        env=[{"name": "TMPDIR", "value": "/tmp"}, *settings.cleanup_env],  # noqa: S108 - the pod's own
        envFrom=list(settings.cleanup_env_from),
        resources=settings.cleanup_resources,
        volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the pod's own
    )
