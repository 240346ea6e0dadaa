"""`kopf run -m artgrab.operator.main`: registers with kopf what it is to watch, and nothing more.

Only events are registered: kopf puts no finalizer and no annotation on anything then. Its indexes
would wake every object for each other one while it starts; we list everything ourselves before.
"""

import logging
from typing import Any

import kopf

from artgrab.common.errors import ArtgrabError
from artgrab.common.logs import configure_logs
from artgrab.common.servers import read_settings
from artgrab.operator import names
from artgrab.operator.app import start_app
from artgrab.operator.settings import OperatorSettings
from artgrab.operator.spaces import DEPLOYMENTS, JOBS, selector_text
from artgrab.operator.watches import outlive_refusals

_REQUEST_SECONDS = 30.0
_CONNECT_SECONDS = 10.0
_OURS = (names.GROUP, names.VERSION, names.PLURAL)
_CLASSIFIERS = (names.GROUP, names.VERSION, names.CLASSIFIER_PLURAL)
_JOBS = ("batch", "v1", "jobs")
_DEPLOYMENTS = ("apps", "v1", "deployments")


@kopf.on.startup()
async def start(settings: kopf.OperatorSettings, memo: kopf.Memo, **_: Any) -> None:
    """Configure kopf, and start all else."""
    try:
        configure_logs()
        for chatty in ("kopf.objects", "httpx2"):  # a line for each event and for each request
            logging.getLogger(chatty).setLevel(logging.WARNING)
        ours = read_settings(OperatorSettings)
        _configure(settings, cluster_wide=ours.cluster_wide)
        memo.app = await start_app(ours)
        outlive_refusals(memo.app.spaces)
    except ArtgrabError as error:
        raise kopf.PermanentError(str(error)) from error


def _configure(settings: kopf.OperatorSettings, *, cluster_wide: bool) -> None:
    settings.posting.enabled = False
    settings.scanning.disabled = not cluster_wide  # a Role can neither list namespaces nor CRDs
    settings.networking.request_timeout = _REQUEST_SECONDS  # a lost answer must not stop a watch
    settings.networking.connect_timeout = _CONNECT_SECONDS
    settings.watching.label_selectors[_JOBS] = selector_text(JOBS)
    settings.watching.label_selectors[_DEPLOYMENTS] = selector_text(DEPLOYMENTS)
    # Nothing of this is used; should it ever be, then under a name that is ours alone.
    settings.persistence.finalizer = f"{names.GROUP}/kopf"
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=names.GROUP)
    settings.persistence.diffbase_storage = kopf.AnnotationsDiffBaseStorage(
        prefix=names.GROUP, key="last-handled"
    )


@kopf.on.cleanup()
async def stop(memo: kopf.Memo, **_: Any) -> None:
    """End all that was started."""
    if "app" in memo:
        await memo.app.stop()


@kopf.on.probe(id="operator")
async def probe(memo: kopf.Memo, **_: Any) -> str:
    """Fail where something is stuck: only this kind of error answers the probe at once."""
    if trouble := memo.app.trouble():
        raise kopf.PermanentError(trouble)
    return "at work"


@kopf.on.event(*_OURS)
async def see_category(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Ask for a look at a category."""
    memo.app.see_category(event["object"], gone=event["type"] == "DELETED")


@kopf.on.event(*_JOBS)
async def see_job(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Ask for a look at whom a Job concerns."""
    memo.app.see_job(event["object"], gone=event["type"] == "DELETED")


@kopf.on.event(*_CLASSIFIERS)
async def see_classifier(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Ask for a look at a classifier."""
    memo.app.see_classifier(event["object"], gone=event["type"] == "DELETED")


@kopf.on.event(*_DEPLOYMENTS)
async def see_deployment(event: kopf.RawEvent, memo: kopf.Memo, **_: Any) -> None:
    """Ask for a look at the classifier that a Deployment serves."""
    memo.app.see_deployment(event["object"], gone=event["type"] == "DELETED")
