"""The Job that trains one model, on one node or several that find each other by a Service."""

from typing import Any

from artgrab.common.tasks import TrainingTask
from artgrab.operator import names
from artgrab.operator.classifiers.learning_pods import (
    document_of,
    learning_container,
    learning_metadata,
    learning_spec,
    notes_of,
)
from artgrab.operator.classifiers.observed import Classifier, LearningJob
from artgrab.operator.classifiers.plans import NewTraining
from artgrab.operator.settings import Manifest, OperatorSettings

METRICS_PORT = 9090
_RENDEZVOUS_PORT = 29400
_RESTARTS = 3
"""By torchrun, of the process in a pod whose peer was lost."""


def build_training_job(
    classifier: Classifier, new: NewTraining, settings: OperatorSettings
) -> Manifest:
    """Return the Job; for several nodes suspended: their Service must be there before them."""
    component = names.COMPONENT_TRAINER
    name = names.training_name(classifier.key.name, uid=classifier.uid, work=new.work)
    metadata = learning_metadata(classifier, component, name, notes_of(new, settings))
    many: dict[str, Any] = {"suspend": True} if new.nodes > 1 else {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": learning_spec(
            _trainer(classifier, new, name, settings),
            metadata["labels"],
            _task(classifier, new),
            settings,
            pod={"subdomain": name} if many else {},
            nodes=new.nodes,
            backoff_limit=settings.training_backoff_limit * new.nodes,
            deadline_seconds=settings.training_deadline_seconds,
            **many,
        ),
    }


def build_rendezvous_service(job: LearningJob) -> Manifest:
    """Return the Service by which the nodes of a Job find each other; it goes with the Job."""
    labels = names.learning_labels(job.component, classifier=job.classifier.name)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": job.name,
            "namespace": job.namespace,
            "labels": labels,
            "ownerReferences": [
                {"apiVersion": "batch/v1", "kind": "Job", "name": job.name, "uid": job.uid}
            ],
        },
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,  # they wait for each other before they are ready
            "selector": {"batch.kubernetes.io/job-name": job.name},
            "ports": [
                {"name": "rendezvous", "port": _RENDEZVOUS_PORT, "targetPort": _RENDEZVOUS_PORT}
            ],
        },
    }


def _trainer(
    classifier: Classifier, new: NewTraining, job: str, settings: OperatorSettings
) -> Manifest:
    module = ["-m", "artgrab.trainer"]
    if new.nodes > 1:
        module = [*_torchrun(job, classifier.key.namespace, new.nodes), *module]
    main = learning_container(
        "trainer",
        settings.trainer_command,
        module,
        settings,
        ports=[{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
        resources=settings.trainer_resources,
    )
    main["args"] += ["--metrics-port", str(METRICS_PORT)]
    return main


def _torchrun(job: str, namespace: str, nodes: int) -> list[str]:
    """Return our torchrun, whose exit code is that of the process it starts."""
    return [
        *("-m", "artgrab.trainer.nodes"),
        f"--nnodes={nodes}",
        "--nproc-per-node=1",
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint={job}-0.{job}.{namespace}.svc:{_RENDEZVOUS_PORT}",
        f"--rdzv-id={job}",
        f"--max-restarts={_RESTARTS}",
    ]


def _task(classifier: Classifier, new: NewTraining) -> TrainingTask:
    return TrainingTask(
        namespace=classifier.key.namespace,
        classifier=document_of(classifier),
        snapshot=new.snapshot,
        served=new.served,
    )
