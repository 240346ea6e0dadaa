"""The Secret of a scrape: what to collect, and the token that lets it write into one category."""

import base64
from datetime import datetime, timedelta

from artgrab.common.resources import ArtCategory
from artgrab.common.tokens import RunToken, sign
from artgrab.operator import names
from artgrab.operator.observed import Job
from artgrab.operator.scrape_jobs import CATEGORY_FILE, TOKEN_FILE
from artgrab.operator.settings import Manifest, OperatorSettings

_MARGIN_SECONDS = 900
"""Between the end of a Job's time and that of its token: clocks differ, pods wait to start."""


def build_secret(
    resource: ArtCategory, job: Job, key: bytes, now: datetime, settings: OperatorSettings
) -> Manifest:
    """Return the Secret that a Job waits for; it goes with the Job."""
    token = _token(resource, job, key, now, settings)
    files = {CATEGORY_FILE: category_document(resource).encode(), TOKEN_FILE: token.encode()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": job.secret,
            "namespace": job.namespace,
            "labels": names.labels_of(
                names.COMPONENT_SCRAPER, namespace=job.namespace, category=job.category.name
            ),
            "ownerReferences": [
                {"apiVersion": "batch/v1", "kind": "Job", "name": job.name, "uid": job.uid}
            ],
        },
        "type": "Opaque",
        "immutable": True,
        "data": {name: base64.b64encode(data).decode() for name, data in files.items()},
    }


def category_document(resource: ArtCategory) -> str:
    """Return the category as a file has it."""
    return resource.model_dump_json(by_alias=True, exclude_none=True)


def _token(
    resource: ArtCategory, job: Job, key: bytes, now: datetime, settings: OperatorSettings
) -> str:
    lifetime = settings.scrape_deadline_seconds + settings.release_seconds + _MARGIN_SECONDS
    token = RunToken(
        namespace=job.namespace,
        category=job.category.name,
        run_id=job.run_id,
        min_side=resource.spec.filters.min_side,
        expires_at=now.replace(microsecond=0) + timedelta(seconds=lifetime),
    )
    return sign(token, key, issued_at=now)
