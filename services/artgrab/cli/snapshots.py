"""A classifier's next snapshot, as `artgrab run` and `artgrab dataset build` make it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from artgrab.cli.withdrawals import apply_pending
from artgrab.common.classifier_states import read_classifier_state, update_classifier_state
from artgrab.common.progress import ProgressSink
from artgrab.common.resources import ArtClassifier
from artgrab.common.store import Store

if TYPE_CHECKING:
    from artgrab.dataset import Snapshot


def build(
    store: Store, classifier: ArtClassifier, *, labels: Mapping[str, str], progress: ProgressSink
) -> "Snapshot":
    """Build the snapshot that follows the classifier's newest one, and remember it as that.

    Labels are by category.
    """
    from artgrab.dataset import build_snapshot  # loads faiss: only where it is needed

    apply_pending(store, progress=progress)
    name, namespace = classifier.metadata.name, classifier.metadata.namespace
    state = read_classifier_state(store, namespace=namespace, classifier=name)
    snapshot = build_snapshot(
        store,
        namespace=namespace,
        classifier=classifier,
        labels=labels,
        parent=state.dataset or None,
        progress=progress,
    )
    update_classifier_state(store, namespace=namespace, classifier=name, dataset=snapshot.key)
    return snapshot
