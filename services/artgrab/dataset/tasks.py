"""A dataset Job's task, done: one snapshot, remembered as the classifier's newest."""

import argparse

import structlog

from artgrab.common.classifier_states import update_classifier_state
from artgrab.common.job_processes import existing_store
from artgrab.common.progress import ProgressSink
from artgrab.common.tasks import DatasetTask, classifier_of, read_task
from artgrab.common.terminations import DatasetTermination

_log = structlog.get_logger()


def build_asked(options: argparse.Namespace, progress: ProgressSink) -> DatasetTermination:
    """Build the snapshot of `--task` in `--store`, unless it is there; return what it is.

    What is taken down is left out, applied or not; takedowns are applied by who adds them.

    Raises:
        BadInputError: the task is none, or there is no such store.
        PartlyDoneError: a category or class has too few pictures.
        SurroundingsError: the store failed, or something in it is not what its digest says.
    """
    task = read_task(options.task, DatasetTask)
    classifier = classifier_of(task)
    store = existing_store(options.store)
    from artgrab.dataset.snapshot import build_snapshot  # loads faiss: after all that is quick

    snapshot = build_snapshot(
        store,
        namespace=task.namespace,
        classifier=classifier,
        labels=task.labels,
        parent=task.parent or None,
        progress=progress,
    )
    name = classifier.metadata.name
    update_classifier_state(store, namespace=task.namespace, classifier=name, dataset=snapshot.key)
    _log.info("dataset", key=snapshot.key, images=snapshot.info.images, built=snapshot.created)
    return DatasetTermination(
        key=snapshot.key,
        uri=store.uri_of(snapshot.prefix),
        content_sha256=snapshot.info.content_sha256,
        images=snapshot.info.images,
    )
