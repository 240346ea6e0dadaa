"""The Job that runs one scrape: a pure function of the category, its run, and the settings."""

from artgrab.operator import names
from artgrab.operator.observed import Category
from artgrab.operator.plans import NewScrape
from artgrab.operator.pods import TERMINATION_FILE, container, job_spec, pod_spec
from artgrab.operator.settings import Manifest, OperatorSettings
from artgrab.operator.templates import template_digest

RUN_FOLDER = "/etc/artgrab/run"
CATEGORY_FILE = "category.json"
TOKEN_FILE = "token"  # noqa: S105 - the name of a file
METRICS_PORT = 9090
_TLS_FOLDER = "/etc/artgrab/tls"
_CA_FILE, _CERTIFICATE_FILE, _KEY_FILE = "ca.crt", "tls.crt", "tls.key"
_STOP_SECONDS = 60
"""A scraper hands over what it has found before it goes."""


def build_scrape_job(
    category: Category, new: NewScrape, settings: OperatorSettings, *, made_at: str
) -> Manifest:
    """Return the Job, suspended: its Secret must be there before its pod."""
    namespace, name = category.key
    job = names.scrape_name(name, uid=category.uid, run_id=new.run.run_id)
    labels = names.labels_of(names.COMPONENT_SCRAPER, namespace=namespace, category=name)
    pod = pod_spec(
        _scraper(new, settings),
        _volumes(names.secret_name(job, made_at), settings),
        settings,
        terminationGracePeriodSeconds=_STOP_SECONDS,
    )
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job,
            "namespace": namespace,
            "labels": labels,
            "annotations": _annotations(new, settings),
            "ownerReferences": [_owner(category)],
        },
        "spec": job_spec(
            pod,
            labels,
            backoff_limit=settings.scrape_backoff_limit,
            deadline_seconds=settings.scrape_deadline_seconds,
            suspend=True,
        ),
    }


def _annotations(new: NewScrape, settings: OperatorSettings) -> dict[str, str]:
    return {
        names.ANNOTATION_RUN: new.run.run_id,
        names.ANNOTATION_SPEC: new.run.spec_digest,
        names.ANNOTATION_TEMPLATE: template_digest(settings),
        names.ANNOTATION_FAILURES: str(new.failures),
        names.ANNOTATION_ALONE: ",".join(sorted(new.alone_at)),
    }


def _owner(category: Category) -> Manifest:
    return {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": names.KIND,
        "name": category.key.name,
        "uid": category.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def _scraper(new: NewScrape, settings: OperatorSettings) -> Manifest:
    return container(
        "scraper",
        image=settings.scraper_image,
        command=settings.scraper_command,
        args=[
            *("--category", f"{RUN_FOLDER}/{CATEGORY_FILE}"),
            *("--downloader", settings.downloader),
            *("--token-file", f"{RUN_FOLDER}/{TOKEN_FILE}"),
            *("--termination-message", TERMINATION_FILE),
            *("--metrics-port", str(METRICS_PORT)),
        ],
        settings=settings,
        env=[
            {"name": "ARTGRAB_SCRAPE_RUN_ID", "value": new.run.run_id},
            {"name": "TMPDIR", "value": "/tmp"},  # noqa: S108 - a volume of the pod's own
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 - the pod's own
            *_tls_env(settings),
            *settings.scraper_env,
        ],
        ports=[{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
        resources=settings.scraper_resources,
        volumeMounts=[
            {"name": "run", "mountPath": RUN_FOLDER, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108 - a browser's memory
            *_tls_mounts(settings),
        ],
    )


def _volumes(secret: str, settings: OperatorSettings) -> list[Manifest]:
    return [
        {"name": "run", "secret": {"secretName": secret, "defaultMode": 0o440}},
        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
        *_tls_volumes(settings),
    ]


def _tls_files(settings: OperatorSettings) -> dict[str, str]:
    """Return what scrapers are told of TLS, by their variables: entries of the Secret."""
    if not settings.scraper_tls_secret:
        return {}
    files = {"ARTGRAB_SCRAPE_TLS_CA_FILE": _CA_FILE}
    if settings.scraper_shows_certificate:
        files["ARTGRAB_SCRAPE_TLS_CERTIFICATE_FILE"] = _CERTIFICATE_FILE
        files["ARTGRAB_SCRAPE_TLS_KEY_FILE"] = _KEY_FILE
    return files


def _tls_env(settings: OperatorSettings) -> list[Manifest]:
    files = _tls_files(settings)
    return [{"name": name, "value": f"{_TLS_FOLDER}/{file}"} for name, file in files.items()]


def _tls_mounts(settings: OperatorSettings) -> list[Manifest]:
    mount = {"name": "tls", "mountPath": _TLS_FOLDER, "readOnly": True}
    return [mount] if settings.scraper_tls_secret else []


def _tls_volumes(settings: OperatorSettings) -> list[Manifest]:
    """Return the volume with the entries that are needed: no key where none is shown."""
    if not settings.scraper_tls_secret:
        return []
    items = [{"key": file, "path": file} for file in _tls_files(settings).values()]
    secret = {"secretName": settings.scraper_tls_secret, "defaultMode": 0o440, "items": items}
    return [{"name": "tls", "secret": secret}]
