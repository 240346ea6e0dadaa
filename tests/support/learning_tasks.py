"""Tasks of a classifier's Jobs, with the stores that they are for."""

import argparse
from pathlib import Path
from typing import Any

from artgrab.common.keys import dataset_prefix
from artgrab.common.store import Store
from artgrab.common.tasks import TrainingTask, encode_task
from tests.support.snapshots import NAMESPACE, SNAPSHOT, classifier, put_snapshot

KEY = "5" * 64
"""Of the snapshot: a task takes no other form of key."""
EACH = 10


def put_keyed_snapshot(store: Store) -> None:
    """Store a small snapshot under its key."""
    put_snapshot(store, each=EACH)
    for one in [*store.list(SNAPSHOT)]:
        name = one.key.removeprefix(SNAPSHOT)
        store.put(dataset_prefix(NAMESPACE, KEY) + name, store.get(one.key))


def document(**model: object) -> dict[str, Any]:
    """Return a classifier as a task holds it; `model` are fields of its ModelSpec."""
    return classifier(**model).model_dump(mode="json", by_alias=True, exclude_none=True)


def training_options(folder: Path, store: Store, **task: Any) -> argparse.Namespace:
    """Return the options of a training process; `task` are further fields of its task."""
    fields = {"namespace": NAMESPACE, "classifier": document(), "snapshot": KEY, **task}
    file = folder / "task.json"
    file.write_bytes(encode_task(TrainingTask(**fields)))
    return argparse.Namespace(
        store=store.uri, task=file, termination_message=folder / "word", metrics_port=None
    )


def arguments_of(options: argparse.Namespace) -> list[str]:
    """Return the options as a command line has them."""
    message = str(options.termination_message)
    return [
        *("--store", options.store, "--task", str(options.task)),
        *("--termination-message", message),
    ]
