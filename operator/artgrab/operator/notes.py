"""Events of Kubernetes: what `kubectl describe` shows of transitions."""

import hashlib
from datetime import datetime

from artgrab.operator import names
from artgrab.operator.classifiers.observed import Classifier
from artgrab.operator.conditions import Event
from artgrab.operator.observed import Category
from artgrab.operator.settings import Manifest

_CONTROLLER = f"{names.GROUP}/operator"
_LONGEST_NOTE = 1024
_LONGEST_INSTANCE = 128


def build_note(
    about: Category | Classifier, event: Event, now: datetime, *, instance: str
) -> Manifest:
    """Return the Event; told twice at one moment, it is one."""
    namespace, name = about.key
    digest = hashlib.sha256(f"{about.uid} {event.reason} {now}".encode()).hexdigest()
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{name}.{digest[:16]}", "namespace": namespace},
        "eventTime": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        "reportingController": _CONTROLLER,
        "reportingInstance": instance[:_LONGEST_INSTANCE],
        "action": "Reconcile",
        "reason": event.reason,
        "note": event.note[:_LONGEST_NOTE],
        "type": "Warning" if event.warning else "Normal",
        "regarding": {
            "apiVersion": f"{names.GROUP}/{names.VERSION}",
            "kind": names.CLASSIFIER_KIND if isinstance(about, Classifier) else names.KIND,
            "name": name,
            "namespace": namespace,
            "uid": about.uid,
        },
    }
