"""Pods of the chart: restricted, steady in their selectors, told what the programs ask for."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from artgrab.downloader.settings import DownloaderSettings
from artgrab.operator.settings import OperatorSettings
from tests.chart.rendering import SCENARIOS, Document, documents, render, scenario

pytestmark = pytest.mark.timeout(1800)  # helm is built the first time

WORKLOADS = ("Deployment", "StatefulSet")
IMAGE = re.compile(r"[a-z0-9.-]+(:\d+)?(/[a-z0-9._-]+)+(:[\w][\w.-]*|@sha256:[0-9a-f]{64})")
everywhere = pytest.mark.parametrize("values", SCENARIOS, ids=lambda path: path.stem)


def _workloads(values: Path) -> list[Document]:
    found = [one for one in documents(render(values)) if one["kind"] in WORKLOADS]
    assert len(found) >= 2
    return found


def _one(values: Path, kind: str, component: str) -> Any:
    labels = {"app.kubernetes.io/component": component}
    return next(
        one
        for one in documents(render(values))
        if one["kind"] == kind and labels.items() <= one["metadata"]["labels"].items()
    )


def _containers(workload: Document) -> Iterator[Any]:
    pod = workload["spec"]["template"]["spec"]
    yield from (*pod.get("initContainers", ()), *pod["containers"])


def _environment(workload: Document) -> dict[str, str]:
    variables = workload["spec"]["template"]["spec"]["containers"][0]["env"]
    names = [one["name"] for one in variables]
    assert sorted(set(names)) == sorted(names), "a variable is given twice"
    return {one["name"]: one.get("value", "of-the-pod") for one in variables}


@everywhere
def test_every_container_meets_the_restricted_profile_on_a_root_that_is_read_only(
    values: Path,
) -> None:
    for workload in _workloads(values):
        pod = workload["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in _containers(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert "memory" in container["resources"]["limits"]
        kinds = {kind for volume in pod["volumes"] for kind in volume.keys() - {"name"}}
        assert kinds <= {"configMap", "emptyDir", "secret"}


@everywhere
def test_only_the_operator_has_a_token_of_the_api(values: Path) -> None:
    mounting = [
        one["metadata"]["name"]
        for one in _workloads(values)
        if one["spec"]["template"]["spec"]["automountServiceAccountToken"]
    ]
    assert mounting == ["artgrab-operator"]
    accounts = [one for one in documents(render(values)) if one["kind"] == "ServiceAccount"]
    assert {one["automountServiceAccountToken"] for one in accounts} == {False}


@everywhere
def test_no_service_of_the_namespace_leaks_into_the_settings(values: Path) -> None:
    """A Service named artgrab-downloader would become ARTGRAB_DOWNLOADER_PORT and so on."""
    links = [one["spec"]["template"]["spec"]["enableServiceLinks"] for one in _workloads(values)]
    assert set(links) == {False}


@everywhere
def test_selectors_hold_what_never_changes_and_match_their_pods(values: Path) -> None:
    for workload in _workloads(values):
        selector = workload["spec"]["selector"]["matchLabels"]
        assert set(selector) == {
            "app.kubernetes.io/name",
            "app.kubernetes.io/instance",
            "app.kubernetes.io/component",
        }
        assert selector.items() <= workload["spec"]["template"]["metadata"]["labels"].items()


@everywhere
def test_images_have_a_registry_and_a_tag_or_digest(values: Path) -> None:
    images = [one["image"] for work in _workloads(values) for one in _containers(work)]
    environment = _environment(_one(values, "Deployment", "operator"))
    images += [value for name, value in environment.items() if name.endswith("_IMAGE")]
    assert [image for image in images if not IMAGE.fullmatch(image)] == []
    assert [image for image in images if image.endswith(":latest")] == []


def test_a_digest_takes_the_place_of_the_tag() -> None:
    environment = _environment(_one(scenario("workload-identity"), "Deployment", "operator"))
    assert environment["ARTGRAB_OPERATOR_SCRAPER_IMAGE"].endswith(
        "artgrab-scraper@sha256:" + "2" * 64
    )


@everywhere
def test_the_downloader_understands_what_the_chart_tells_it(
    values: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = _one(values, "Deployment", "downloader")
    for name, value in _environment(deployment).items():
        monkeypatch.setenv(name, value)
    settings = DownloaderSettings()
    assert settings.listen == "0.0.0.0:50051"
    assert settings.addresses == ["artgrab-downloader.artgrab.svc:50051"]
    assert settings.decode_workers == 2
    assert settings.decode_memory_bytes == 1024**3
    pod = deployment["spec"]["template"]["spec"]
    grace = pod["terminationGracePeriodSeconds"]
    sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert sleep + settings.stop_grace_seconds < grace


@everywhere
def test_the_operator_understands_what_the_chart_tells_it(
    values: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = _one(values, "Deployment", "operator")
    for name, value in _environment(deployment).items():
        monkeypatch.setenv(name, value)
    unknown = {
        name.removeprefix("ARTGRAB_OPERATOR_").lower()
        for name in _environment(deployment)
        if name.startswith("ARTGRAB_OPERATOR_")
    } - set(OperatorSettings.model_fields)
    assert unknown == set()
    settings = OperatorSettings()
    assert settings.downloader == "artgrab-downloader.artgrab.svc:50051"
    assert settings.token_key_secret == "artgrab-token-key"
    assert settings.scraper_resources["limits"]["memory"] == "2Gi"
    for one in ("scraper", "cleanup", "dataset", "trainer", "serving"):  # quotas may want both
        assert set(getattr(settings, f"{one}_resources")["limits"]) == {"cpu", "memory"}
    assert settings.cleanup_env_from == [{"configMapRef": {"name": "artgrab-store"}}]
    command = deployment["spec"]["template"]["spec"]["containers"][0]["command"]
    named = [word.partition("=")[2] for word in command if word.startswith("--namespace=")]
    assert named == settings.watch_namespaces
    assert ("--all-namespaces" in command) is settings.cluster_wide


def test_scrapers_are_told_of_the_network_and_never_of_the_store() -> None:
    environment = _environment(_one(scenario("everything"), "Deployment", "operator"))
    told = {
        one["name"]: one["value"] for one in json.loads(environment["ARTGRAB_OPERATOR_SCRAPER_ENV"])
    }
    assert json.loads(told["ARTGRAB_ALLOWED_TARGETS"]) == [
        "10.99.0.0/16:8080",
        "10.98.0.1:80",
        "[fd00:99::/32]:443",
    ]
    assert json.loads(told["ARTGRAB_RESOLVE"]) == {"*.test": "10.99.0.1:8080"}
    assert [name for name in told if "AWS" in name or "STORE" in name] == []


def test_the_store_is_reached_by_the_environment_that_boto3_reads() -> None:
    def config(values: Path) -> Mapping[str, str]:
        found: Mapping[str, str] = _one(values, "ConfigMap", "store")["data"]
        return found

    of_one = config(scenario("one-namespace"))
    assert of_one["AWS_ENDPOINT_URL_S3"] == "http://minio.storage.svc:9000"
    assert of_one["AWS_DEFAULT_REGION"] == of_one["AWS_REGION"] == "us-east-1"
    embedded = config(scenario("embedded"))
    assert embedded["ARTGRAB_STORE"] == "s3://artgrab"
    assert embedded["AWS_ENDPOINT_URL_S3"] == "http://artgrab-object-store.artgrab.svc:8333"
    identity = _environment(_one(scenario("workload-identity"), "Deployment", "downloader"))
    assert [name for name in identity if name.startswith("AWS")] == []


def test_a_change_of_the_store_restarts_what_reads_it() -> None:
    def checksum(values: Path) -> str:
        pod = _one(values, "Deployment", "downloader")["spec"]["template"]
        return str(pod["metadata"]["annotations"]["checksum/store"])

    assert len({checksum(values) for values in SCENARIOS}) == len(SCENARIOS)


def test_pods_double_within_half_a_minute_and_leave_one_by_one_after_five() -> None:
    scaler = _one(scenario("s3-secret"), "HorizontalPodAutoscaler", "downloader")["spec"]
    assert scaler["behavior"]["scaleUp"] == {
        "stabilizationWindowSeconds": 0,
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 30}],
    }
    assert scaler["behavior"]["scaleDown"] == {
        "stabilizationWindowSeconds": 300,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
    }
    assert "replicas" not in _one(scenario("s3-secret"), "Deployment", "downloader")["spec"]


def test_a_fixed_number_of_pods_has_no_autoscaler() -> None:
    kinds = {one["kind"] for one in documents(render(scenario("one-namespace")))}
    assert "HorizontalPodAutoscaler" not in kinds
    assert _one(scenario("one-namespace"), "Deployment", "downloader")["spec"]["replicas"] == 3


@everywhere
def test_an_upgrade_adds_a_downloader_before_it_takes_one(values: Path) -> None:
    spec = _one(values, "Deployment", "downloader")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    service = _one(values, "Service", "downloader")["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is False
    operator = _one(values, "Deployment", "operator")["spec"]
    assert (operator["replicas"], operator["strategy"]) == (1, {"type": "Recreate"})


def _mounted(workload: Document) -> dict[str, set[str]]:
    """Return the entries of Secrets by the folder in which the first container has them."""
    pod = workload["spec"]["template"]["spec"]
    folders = {one["name"]: one["mountPath"] for one in pod["containers"][0]["volumeMounts"]}
    return {
        folders[one["name"]]: {item["path"] for item in one["secret"].get("items", ())}
        for one in pod["volumes"]
        if "secret" in one
    }


def test_downloaders_have_the_files_of_tls_that_they_are_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deployment = _one(scenario("everything"), "Deployment", "downloader")
    for name, value in _environment(deployment).items():
        monkeypatch.setenv(name, value)
    settings, mounted = DownloaderSettings(), _mounted(deployment)
    told = [settings.tls_certificate_file, settings.tls_key_file, settings.tls_client_ca_file]
    for file in told:
        assert file is not None
        assert file.name in mounted[str(file.parent)]
    assert sum(map(len, mounted.values())) == len(told), "a key that nobody needs"
    plain = _environment(_one(scenario("s3-secret"), "Deployment", "downloader"))
    assert not [name for name in plain if "TLS" in name]


@everywhere
def test_a_kubelet_asks_the_port_that_needs_no_certificate(values: Path) -> None:
    deployment = _one(values, "Deployment", "downloader")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    listen = _environment(deployment)["ARTGRAB_DOWNLOADER_HEALTH_LISTEN"]
    asked = {
        container[f"{kind}Probe"]["grpc"]["port"] for kind in ("startup", "liveness", "readiness")
    }
    assert asked == {int(listen.rpartition(":")[2])} == {50052}


def test_the_operator_is_told_what_scrapers_need_for_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(values: Path) -> tuple[str, bool]:
        for name, value in _environment(_one(values, "Deployment", "operator")).items():
            monkeypatch.setenv(name, value)
        settings = OperatorSettings()
        return settings.scraper_tls_secret, settings.scraper_shows_certificate

    assert told(scenario("everything")) == ("scraper-tls", True)
    assert told(scenario("s3-secret")) == ("", False)
