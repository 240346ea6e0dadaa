"""A training Job's task, done: one model, judged beside the one that is served."""

import argparse
import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from artgrab.common.classifier_states import update_classifier_state
from artgrab.common.job_processes import existing_store
from artgrab.common.keys import dataset_prefix
from artgrab.common.progress import ProgressSink
from artgrab.common.servers import read_settings
from artgrab.common.tasks import TrainingTask, classifier_of, read_task
from artgrab.common.terminations import TrainingTermination, write_termination
from artgrab.trainer.lasting import lasting_rows
from artgrab.trainer.nodes import Nodes, joined, read_nodes
from artgrab.trainer.train import TrainedModel, share_training, threads_of, train

if TYPE_CHECKING:
    from artgrab.trainer.comparison import Asked

_log = structlog.get_logger()


class TrainerSettings(BaseSettings):
    """Read from the environment: ARTGRAB_TRAINER_THREADS."""

    model_config = SettingsConfigDict(env_prefix="ARTGRAB_TRAINER_", frozen=True)

    threads: int | None = Field(
        None, ge=1, le=256, description="To compute with, of no effect on the result."
    )


def train_asked(options: argparse.Namespace, progress: ProgressSink) -> TrainingTermination | None:
    """Train the model of `--task` in `--store`, unless it is there; return what it is.

    On several nodes each computes its share of features; then the first does what is left, and
    says the last word, and the others wait for it and return None.

    Raises:
        BadInputError: task or environment is wrong, there is no such store, an unknown backbone, or
            a class without pictures.
        SurroundingsError: the store or another node failed, the snapshot is not what its document
            says, or weights do not fit.
    """
    nodes = read_nodes(os.environ)
    training = _Training(options, progress)
    with joined(nodes) as wait:
        if nodes.size > 1:
            training.share(nodes)
        wait()
        word = training.finish() if nodes.rank == 0 else None
        if word is not None:  # before others end: their pods would not come again
            write_termination(options.termination_message, word)
        wait()
    return word


class _Training:
    """One task, with all that it needs."""

    def __init__(self, options: argparse.Namespace, progress: ProgressSink) -> None:
        self.threads = threads_of(read_settings(TrainerSettings).threads)
        self.task = read_task(options.task, TrainingTask)
        self.classifier = classifier_of(self.task)
        self.store = existing_store(options.store)
        self.progress = progress
        self.snapshot = dataset_prefix(self.task.namespace, self.task.snapshot)

    def share(self, nodes: Nodes) -> None:
        """Put this node's share of all features into the cache."""
        from artgrab.trainer.comparison import share_comparison  # loads torch
        from artgrab.trainer.features import Share

        share = Share(nodes.rank, nodes.size)
        share_training(
            self.store,
            namespace=self.task.namespace,
            classifier=self.classifier,
            snapshot_prefix=self.snapshot,
            progress=self.progress,
            threads=self.threads,
            share=share,
        )
        if self.task.served:
            share_comparison(self._comparison(), share)

    def finish(self) -> TrainingTermination:
        """Train, compare, remember the model as the classifier's newest, and tell of it."""
        trained = train(
            self.store,
            namespace=self.task.namespace,
            classifier=self.classifier,
            snapshot_prefix=self.snapshot,
            progress=self.progress,
            threads=self.threads,
        )
        served, accuracy = self._compare(trained) if self.task.served else ("", None)
        update_classifier_state(
            self.store,
            namespace=self.task.namespace,
            classifier=self.classifier.metadata.name,
            model=trained.key,
        )
        word = _word(self.task, trained, served, accuracy)
        _log.info("model", key=word.key, accuracy_permille=word.accuracy_permille, served=accuracy)
        return word

    def _compare(self, trained: TrainedModel) -> tuple[str, float | None]:
        if self.task.served == trained.key:
            return trained.content_sha256, _figure(trained.metrics, "accuracy")
        from artgrab.trainer.comparison import compare  # loads torch

        return compare(self._comparison())

    def _comparison(self) -> "Asked":
        from artgrab.trainer.comparison import Asked

        rows = lasting_rows(
            self.store, namespace=self.task.namespace, snapshot_prefix=self.snapshot
        )
        return Asked(
            store=self.store,
            namespace=self.task.namespace,
            served=self.task.served,
            labels=[one.label for one in self.classifier.spec.classes],
            rows=rows,
            progress=self.progress,
            threads=self.threads,
        )


def _word(
    task: TrainingTask, trained: TrainedModel, served: str, accuracy: float | None
) -> TrainingTermination:
    metrics = trained.metrics
    test = metrics.get("test")
    return TrainingTermination(
        key=trained.key,
        uri=trained.uri,
        content_sha256=trained.content_sha256,
        dataset=task.snapshot,
        accuracy_permille=_permille(_figure(metrics, "accuracy")),
        left_out_accuracy_permille=_permille(_figure(metrics, "left_out_accuracy")),
        baseline_accuracy_permille=_permille(_figure(metrics, "baseline_accuracy")),
        served_accuracy_permille=_permille(accuracy),
        served=served,
        test_images=int(_figure(test, "pictures") or 0) if isinstance(test, Mapping) else 0,
    )


def _figure(metrics: Mapping[str, object], name: str) -> float | None:
    figure = metrics.get(name)
    return float(figure) if isinstance(figure, int | float) else None


def _permille(share: float | None) -> int | None:
    """Round down, less what floats miss: who wants 900 is not content with 899.5."""
    return None if share is None else min(1000, max(0, math.floor(1000 * share + 1e-6)))
