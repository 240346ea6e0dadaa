"""The words by which the operator knows its own objects again: labels, annotations, names."""

import hashlib

GROUP = "artgrab.dev"
VERSION = "v1alpha1"
PLURAL = "artcategories"
KIND = "ArtCategory"

FIELD_MANAGER = "artgrab-operator"
FINALIZER = "artgrab.dev/cleanup"
COMPONENT_SCRAPER = "scraper"
COMPONENT_CLEANUP = "cleanup"

LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_COMPONENT = "app.kubernetes.io/component"
LABEL_CATEGORY = "artgrab.dev/category"
LABEL_CATEGORY_NAMESPACE = "artgrab.dev/category-namespace"
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
"""Digest of what of the operator's own settings went into a Job."""


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


def scrape_name(category: str, *, uid: str, run_id: str) -> str:
    """Return the name of the Job of a run: the same whenever it is asked for."""
    return f"{category}-scrape-{_digest(uid, run_id, length=10)}"


def cleanup_name(*, namespace: str, category: str, uid: str) -> str:
    """Return the name of the Job that removes what is stored of a deleted category."""
    return f"cleanup-{_digest(namespace, category, uid, length=12)}"


def secret_name(job: str, made_at: str) -> str:
    """Return the name of the Secret of a Job.

    A Job that is made anew under its old name has another one: the old Secret goes some time
    after the old Job, and would take its successor's place and then leave it empty.
    """
    return f"{job}-{_digest(job, made_at, length=6)}"


def _digest(*parts: str, length: int) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:length]
