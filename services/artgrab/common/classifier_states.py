"""What a store remembers of a classifier: where a cluster has a status, one machine has this."""

import msgspec

from artgrab.common.errors import ObjectMissingError
from artgrab.common.keys import SCHEMA_VERSION, classifier_key
from artgrab.common.store import Store
from artgrab.common.stored import decode_document


class ClassifierState(msgspec.Struct, frozen=True, kw_only=True):
    """The newest snapshot and model of a classifier, by input key."""

    dataset: str = ""
    model: str = ""
    schema_version: int = SCHEMA_VERSION


def read_classifier_state(store: Store, *, namespace: str, classifier: str) -> ClassifierState:
    """Return a classifier's state; an empty one where it has none yet."""
    key = classifier_key(namespace, classifier)
    try:
        return decode_document(store.get(key), ClassifierState, where=store.uri_of(key))
    except ObjectMissingError:
        return ClassifierState()


def update_classifier_state(
    store: Store, *, namespace: str, classifier: str, **newest: str
) -> None:
    """Remember a classifier's newest `dataset`, `model` or both; what is not named stays."""
    before = read_classifier_state(store, namespace=namespace, classifier=classifier)
    after = msgspec.structs.replace(before, **newest)
    if after != before:
        store.put(classifier_key(namespace, classifier), msgspec.json.encode(after))
