"""The Job that builds one snapshot: a pure function of a classifier, its plan, and the settings."""

from artgrab.common.tasks import DatasetTask
from artgrab.operator import names
from artgrab.operator.classifiers.learning_pods import (
    document_of,
    learning_container,
    learning_metadata,
    learning_spec,
    notes_of,
)
from artgrab.operator.classifiers.observed import Classifier
from artgrab.operator.classifiers.plans import NewDataset
from artgrab.operator.settings import Manifest, OperatorSettings


def build_dataset_job(
    classifier: Classifier, new: NewDataset, settings: OperatorSettings
) -> Manifest:
    """Return the Job."""
    component = names.COMPONENT_DATASET
    name = names.dataset_name(classifier.key.name, uid=classifier.uid, work=new.work)
    notes = notes_of(new, settings) | {names.ANNOTATION_STORED: str(new.stored)}
    metadata = learning_metadata(classifier, component, name, notes)
    main = learning_container(
        "dataset",
        settings.trainer_command,
        ["-m", "artgrab.dataset"],
        settings,
        resources=settings.dataset_resources,
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": learning_spec(
            main,
            metadata["labels"],
            _task(classifier, new),
            settings,
            pod={},
            backoff_limit=settings.training_backoff_limit,
            deadline_seconds=settings.dataset_deadline_seconds,
        ),
    }


def _task(classifier: Classifier, new: NewDataset) -> DatasetTask:
    return DatasetTask(
        namespace=classifier.key.namespace,
        classifier=document_of(classifier),
        labels=dict(new.labels),
        parent=new.parent,
    )
