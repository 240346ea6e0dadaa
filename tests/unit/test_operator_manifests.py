"""Manifests that the operator makes, whole: every line of them is a promise to somebody."""

import base64
import json
from datetime import timedelta
from typing import Any

import kubernetes_validate
import pytest

from artgrab.common.resources import ArtCategory
from artgrab.common.run_ids import run_id_of
from artgrab.common.tokens import verify
from artgrab.operator.categories import read_category
from artgrab.operator.cleanup_jobs import build_cleanup_job
from artgrab.operator.conditions import Event
from artgrab.operator.due import Run
from artgrab.operator.jobs import read_job
from artgrab.operator.notes import build_note
from artgrab.operator.observed import Category, Key
from artgrab.operator.plans import NewScrape
from artgrab.operator.scrape_jobs import build_scrape_job
from artgrab.operator.secrets import build_secret
from artgrab.operator.settings import OperatorSettings
from artgrab.operator.templates import template_digest
from artgrab.operator.token_key import build_token_key
from tests.support.operator_world import KEY, START, World, settings_of

KUBERNETES = "1.34"
SPEC: dict[str, Any] = {
    "queries": ["graffiti"],
    "sources": [{"mediawiki": {"url": "https://wiki.test/w/api.php"}}],
    "filters": {"minSide": 128},
}
LABELS = {
    "app.kubernetes.io/name": "artgrab",
    "app.kubernetes.io/part-of": "artgrab",
    "app.kubernetes.io/managed-by": "artgrab-operator",
    "artgrab.dev/category": "graffiti",
    "artgrab.dev/category-namespace": "art",
}
POD_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "fsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}


@pytest.fixture
def settings() -> OperatorSettings:
    return settings_of(
        scraper_env=[{"name": "ARTGRAB_CONTACT", "value": "mailto:a@b.test"}],
        image_pull_secrets=["registry"],
        cleanup_env_from=[{"secretRef": {"name": "s3"}}],
        cleanup_service_account="artgrab-downloader",
    )


@pytest.fixture
def category() -> Category:
    world = World()
    world.apply(Key("art", "graffiti"), SPEC)
    return read_category(world.categories[Key("art", "graffiti")])


@pytest.fixture
def new(category: Category) -> NewScrape:
    assert category.resource is not None
    run = Run("0123456789abcdef", run_id_of(category.resource), START)
    return NewScrape(category.resource, run, failures=1, alone_at=frozenset({"wiki.test"}))


@pytest.fixture
def job(category: Category, new: NewScrape, settings: OperatorSettings) -> dict[str, Any]:
    return build_scrape_job(category, new, settings, made_at="2026-11-02T12:00:00+00:00")


def _rules(container: str) -> dict[str, Any]:
    exits = {"containerName": container, "operator": "In", "values": [2]}
    disrupted = {"type": "DisruptionTarget", "status": "True"}
    return {
        "rules": [
            {"action": "FailJob", "onExitCodes": exits},
            {"action": "Ignore", "onPodConditions": [disrupted]},
        ]
    }


@pytest.mark.parametrize(
    ("shows", "files"),
    [
        (False, {"CA_FILE": "ca.crt"}),
        (True, {"CA_FILE": "ca.crt", "CERTIFICATE_FILE": "tls.crt", "KEY_FILE": "tls.key"}),
    ],
)
def test_a_scrape_has_the_files_of_tls_that_it_is_told_of_and_no_others(
    shows: bool,
    files: dict[str, str],
    category: Category,
    new: NewScrape,
    settings: OperatorSettings,
) -> None:
    of_tls = {"scraper_tls_secret": "scraper-tls", "scraper_shows_certificate": shows}
    settings = settings.model_copy(update=of_tls)
    job = build_scrape_job(category, new, settings, made_at="2026-11-02T12:00:00+00:00")
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {one["name"]: one["value"] for one in container["env"] if "TLS" in one["name"]} == {
        f"ARTGRAB_SCRAPE_TLS_{name}": f"/etc/artgrab/tls/{file}" for name, file in files.items()
    }
    assert container["volumeMounts"][-1] == {
        "name": "tls",
        "mountPath": "/etc/artgrab/tls",
        "readOnly": True,
    }
    secret = pod["volumes"][-1]["secret"]
    assert secret["secretName"] == "scraper-tls"
    assert secret["items"] == [{"key": file, "path": file} for file in files.values()]


def test_the_job_of_a_scrape(
    job: dict[str, Any], category: Category, new: NewScrape, settings: OperatorSettings
) -> None:
    labels = LABELS | {"app.kubernetes.io/component": "scraper"}
    name = job["metadata"]["name"]
    assert name == "graffiti-scrape-" + name[-10:]
    secret = job["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"]
    assert secret.startswith(f"{name}-")
    owner: dict[str, Any] = {"apiVersion": "artgrab.dev/v1alpha1", "kind": "ArtCategory"}
    owner |= {"name": "graffiti"}
    owner |= {"uid": category.uid, "controller": True, "blockOwnerDeletion": False}
    container = {
        "name": "scraper",
        "image": "artgrab-scraper:1",
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "--category",
            "/etc/artgrab/run/category.json",
            "--downloader",
            "artgrab-downloader.artgrab.svc:50051",
            "--token-file",
            "/etc/artgrab/run/token",
            "--termination-message",
            "/dev/termination-log",
            "--metrics-port",
            "9090",
        ],
        "env": [
            {"name": "ARTGRAB_SCRAPE_RUN_ID", "value": "0123456789abcdef"},
            {"name": "TMPDIR", "value": "/tmp"},
            {"name": "HOME", "value": "/tmp"},
            {"name": "ARTGRAB_CONTACT", "value": "mailto:a@b.test"},
        ],
        "ports": [{"name": "metrics", "containerPort": 9090, "protocol": "TCP"}],
        "resources": settings.scraper_resources,
        "volumeMounts": [
            {"name": "run", "mountPath": "/etc/artgrab/run", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
            {"name": "shm", "mountPath": "/dev/shm"},
        ],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": SECURITY,
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "imagePullSecrets": [{"name": "registry"}],
        "securityContext": POD_SECURITY,
        "containers": [container],
        "volumes": [
            {"name": "run", "secret": {"secretName": secret, "defaultMode": 0o440}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
        ],
    }
    assert job == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": "art",
            "labels": labels,
            "annotations": {
                "artgrab.dev/run": "0123456789abcdef",
                "artgrab.dev/spec": new.run.spec_digest,
                "artgrab.dev/template": template_digest(settings),
                "artgrab.dev/failures": "1",
                "artgrab.dev/alone-at": "wiki.test",
            },
            "ownerReferences": [owner],
        },
        "spec": {
            "suspend": True,
            "completions": 1,
            "parallelism": 1,
            "backoffLimit": 3,
            "activeDeadlineSeconds": 21600,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": _rules("scraper"),
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def test_the_job_of_a_cleanup(category: Category, settings: OperatorSettings) -> None:
    job = build_cleanup_job(category, settings, failures=2)
    labels = LABELS | {"app.kubernetes.io/component": "cleanup"}
    args = ["--store", "s3://bucket/art", "--namespace", "art", "--category", "graffiti"]
    container = {
        "name": "cleanup",
        "image": "artgrab-downloader:1",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", "artgrab.downloader.cleanup"],
        "args": [*args, "--termination-message", "/dev/termination-log"],
        "env": [{"name": "TMPDIR", "value": "/tmp"}],
        "envFrom": [{"secretRef": {"name": "s3"}}],
        "resources": settings.cleanup_resources,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": SECURITY,
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "serviceAccountName": "artgrab-downloader",
        "imagePullSecrets": [{"name": "registry"}],
        "securityContext": POD_SECURITY,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}}],
    }
    assert job == {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job["metadata"]["name"],
            "namespace": "artgrab",
            "labels": labels,
            "annotations": {"artgrab.dev/failures": "2"},
        },
        "spec": {
            "ttlSecondsAfterFinished": 3600,
            "completions": 1,
            "parallelism": 1,
            "backoffLimit": 3,
            "activeDeadlineSeconds": 3600,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": _rules("cleanup"),
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    assert job["metadata"]["name"].startswith("cleanup-")


def _seen(job: dict[str, Any]) -> dict[str, Any]:
    born = {"uid": "job-uid", "resourceVersion": "7", "creationTimestamp": "2026-11-02T12:00:00Z"}
    return {**job, "metadata": {**job["metadata"], **born}}


def test_a_job_is_read_as_it_was_built(job: dict[str, Any], new: NewScrape) -> None:
    read = read_job(_seen(job))
    assert read is not None
    assert (read.run_id, read.spec_digest) == (new.run.run_id, new.run.spec_digest)
    assert (read.failures, read.alone_at) == (1, frozenset({"wiki.test"}))
    assert (read.suspended, read.finished, read.deleting) == (True, False, False)
    assert read.secret.startswith(read.name)


def test_the_secret_of_a_scrape(
    job: dict[str, Any], new: NewScrape, settings: OperatorSettings
) -> None:
    read = read_job(_seen(job))
    assert read is not None
    secret = build_secret(new.resource, read, KEY, START, settings)
    files = {name: base64.b64decode(data) for name, data in secret.pop("data").items()}
    assert secret == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": read.secret,
            "namespace": "art",
            "labels": LABELS | {"app.kubernetes.io/component": "scraper"},
            "ownerReferences": [
                {"apiVersion": "batch/v1", "kind": "Job", "name": read.name, "uid": "job-uid"}
            ],
        },
        "type": "Opaque",
        "immutable": True,
    }
    assert ArtCategory.model_validate_json(files["category.json"]) == new.resource
    token = verify(files["token"].decode(), KEY, START)
    assert (token.namespace, token.category, token.run_id) == ("art", "graffiti", new.run.run_id)
    assert token.min_side == 128
    assert token.expires_at > START + timedelta(seconds=settings.scrape_deadline_seconds)


def test_a_job_made_anew_under_its_name_has_a_secret_of_another_name(
    category: Category, new: NewScrape, settings: OperatorSettings
) -> None:
    one, other = (build_scrape_job(category, new, settings, made_at=at) for at in ("1", "2"))
    assert one["metadata"]["name"] == other["metadata"]["name"]
    assert one["spec"]["template"] != other["spec"]["template"]


def test_what_is_built_is_valid_to_the_letter(
    job: dict[str, Any], category: Category, new: NewScrape, settings: OperatorSettings
) -> None:
    read = read_job(_seen(job))
    assert read is not None
    built = [
        job,
        build_cleanup_job(category, settings, failures=0),
        build_secret(new.resource, read, KEY, START, settings),
        build_token_key(settings, KEY),
        build_note(category, Event("Scraping", "a scrape begins", False), START, instance="pod"),
    ]
    for manifest in built:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("name", ["a" * 40, "a"])
def test_names_of_children_fit(name: str, new: NewScrape, settings: OperatorSettings) -> None:
    world = World()
    world.apply(Key("art", name), SPEC)
    category = read_category(world.categories[Key("art", name)])
    built = build_scrape_job(category, new, settings, made_at="1")
    assert len(built["metadata"]["name"]) <= 63


def test_a_token_is_in_no_manifest_but_the_secret(job: dict[str, Any]) -> None:
    assert "eyJ" not in json.dumps(job)
