"""The words by which the operator knows its own objects again: labels, annotations, names."""

import hashlib

GROUP = "artgrab.dev"
VERSION = "v1alpha1"
PLURAL = "artcategories"
KIND = "ArtCategory"
CLASSIFIER_PLURAL = "artclassifiers"
CLASSIFIER_KIND = "ArtClassifier"

FIELD_MANAGER = "artgrab-operator"
FINALIZER = "artgrab.dev/cleanup"
COMPONENT_SCRAPER = "scraper"
COMPONENT_CLEANUP = "cleanup"
COMPONENT_DATASET = "dataset"
COMPONENT_TRAINER = "trainer"
COMPONENT_SERVING = "serving"

LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_COMPONENT = "app.kubernetes.io/component"
LABEL_CATEGORY = "artgrab.dev/category"
LABEL_CATEGORY_NAMESPACE = "artgrab.dev/category-namespace"
LABEL_CLASSIFIER = "artgrab.dev/classifier"
MANAGED = f"{LABEL_MANAGED_BY}={FIELD_MANAGER}"
"""Selects all that the operator makes."""

ANNOTATION_RUN = "artgrab.dev/run"
ANNOTATION_SPEC = "artgrab.dev/spec"
"""Digest of what a run collects, whatever its slot in the schedule."""
ANNOTATION_FAILURES = "artgrab.dev/failures"
"""Jobs that failed in a row before this one."""
ANNOTATION_ALONE = "artgrab.dev/alone-at"
"""Hosts that no other scrape may ask meanwhile, with commas."""
ANNOTATION_TEMPLATE = "artgrab.dev/template"
"""Digest of what of the operator's own settings went into a Job, or of what serves as a whole."""
ANNOTATION_WORK = "artgrab.dev/work"
"""Digest of what a Job of a classifier makes."""
ANNOTATION_TASK = "artgrab.dev/task"
"""What the pods of such a Job are to do, as JSON; they read it as a file."""
ANNOTATION_INPUTS = "artgrab.dev/inputs"
"""Digest of the settings of what such a Job makes, by which the status knows it."""
ANNOTATION_STORED = "artgrab.dev/stored"
"""Pictures that its categories had when the Job of a dataset was made."""
ANNOTATION_MODEL = "artgrab.dev/model"
"""Digest of the content of the model that is served."""
ANNOTATION_MODEL_KEY = "artgrab.dev/model-key"
"""Key of that model in the store."""


def labels_of(component: str, *, namespace: str, category: str) -> dict[str, str]:
    """Return the labels of a child of a category."""
    return {
        "app.kubernetes.io/name": "artgrab",
        "app.kubernetes.io/part-of": "artgrab",
        LABEL_MANAGED_BY: FIELD_MANAGER,
        LABEL_COMPONENT: component,
        LABEL_CATEGORY: category,
        LABEL_CATEGORY_NAMESPACE: namespace,
    }


def selector_of(component: str, *, classifier: str) -> dict[str, str]:
    """Return the labels by which pods of a classifier are selected: these never change."""
    return {LABEL_COMPONENT: component, LABEL_CLASSIFIER: classifier}


def learning_labels(component: str, *, classifier: str) -> dict[str, str]:
    """Return the labels of a child of a classifier; it is in the classifier's namespace."""
    return {
        "app.kubernetes.io/name": "artgrab",
        "app.kubernetes.io/part-of": "artgrab",
        LABEL_MANAGED_BY: FIELD_MANAGER,
        **selector_of(component, classifier=classifier),
    }


def scrape_name(category: str, *, uid: str, run_id: str) -> str:
    """Return the name of the Job of a run: the same whenever it is asked for."""
    return f"{category}-scrape-{_digest(uid, run_id, length=10)}"


def cleanup_name(*, namespace: str, category: str, uid: str) -> str:
    """Return the name of the Job that removes what is stored of a deleted category."""
    return f"cleanup-{_digest(namespace, category, uid, length=12)}"


def dataset_name(classifier: str, *, uid: str, work: str) -> str:
    """Return the name of the Job of a dataset."""
    return f"{classifier}-dataset-{_digest(uid, work, length=10)}"


def training_name(classifier: str, *, uid: str, work: str) -> str:
    """Return the name of a training Job, and of the Service by which its nodes find each other."""
    return f"{classifier}-train-{_digest(uid, work, length=10)}"


def serving_name(classifier: str) -> str:
    """Return the name of all that serves a classifier."""
    return f"{classifier}-serving"


def secret_name(job: str, made_at: str) -> str:
    """Return the name of the Secret of a Job.

    A Job that is made anew under its old name has another one: the old Secret goes some time
    after the old Job, and would take its successor's place and then leave it empty.
    """
    return f"{job}-{_digest(job, made_at, length=6)}"


def _digest(*parts: str, length: int) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:length]
