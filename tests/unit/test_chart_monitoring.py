"""PodMonitors and dashboards: they find our pods, and ask for metrics that there are."""

import json
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from artgrab.common.job_processes import JobProgress
from artgrab.downloader.metrics import Metrics as DownloaderMetrics
from artgrab.operator import names
from artgrab.operator.metrics import Metrics as OperatorMetrics
from artgrab.scraper.job import Gauges
from artgrab.serving.metrics import Metrics as ServingMetrics
from tests.chart.rendering import ROOT, Document, documents, render, scenario

pytestmark = pytest.mark.timeout(1800)  # helm is built the first time

METRIC = re.compile(r"\bartgrab_(?!dev_)[a-z0-9_]+")
"""Prometheus makes artgrab_dev_... of the labels artgrab.dev/... of pods."""
GROUPED = re.compile(r"\bby \(([^)]*)\)")
OF_A_TARGET = {"namespace", "pod", "component"}
"""Labels that Prometheus adds."""
DASHBOARDS = ("artgrab-downloaders.json", "artgrab-operator.json", "artgrab-serving.json")


def _everything(kind: str) -> list[Document]:
    return [one for one in documents(render(scenario("everything"))) if one["kind"] == kind]


def _registries() -> Iterator[CollectorRegistry]:
    operator = OperatorMetrics()
    operator.watch(queue_depth=int, scrapes=int, categories=list, classifiers=list, learning=list)
    yield operator.registry
    yield DownloaderMetrics().registry
    yield Gauges().registry
    yield JobProgress("training").registry
    yield JobProgress("dataset").registry
    served: Any = SimpleNamespace(content_sha256="ab", config=SimpleNamespace(backbone="b"))
    yield ServingMetrics(served, under_way=int).registry


def _known() -> dict[str, set[str]]:
    """Return the labels of all metrics by the names that a query may use."""
    found: dict[str, set[str]] = {}
    for registry in _registries():
        for collector, names_ in list(registry._collector_to_names.items()):
            for name in names_ or [getattr(collector, "_name", "")]:
                found[name] = _labels(collector)
            if getattr(collector, "_type", "") == "counter":
                del found[collector._name]  # type: ignore[attr-defined]  # Collector is any of several
    return found


def _labels(collector: Any) -> set[str]:
    labels = {*getattr(collector, "_labelnames", ()), getattr(collector, "_label", "le")}
    if getattr(collector, "_type", "") == "info":
        labels |= set(collector._value)
    return labels


def _dashboards() -> dict[str, Any]:
    (config,) = [
        one for one in _everything("ConfigMap") if one["metadata"]["name"] == "artgrab-dashboards"
    ]
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    return {name: json.loads(text) for name, text in config["data"].items()}


def _queries(dashboard: Any) -> Iterator[str]:
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]


def test_a_dashboard_for_operator_downloaders_and_serving() -> None:
    found = _dashboards()
    assert tuple(sorted(found)) == DASHBOARDS
    assert len({one["uid"] for one in found.values()}) == len(found)
    for dashboard in found.values():
        assert len(dashboard["panels"]) >= 6
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        assert "id" not in dashboard, "Grafana gives ids"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_query_names_metrics_and_labels_that_there_are(name: str) -> None:
    known = _known()
    asked = set()
    for query in _queries(_dashboards()[name]):
        metrics = METRIC.findall(query)
        assert metrics, query
        for metric in metrics:
            assert metric in known, query
            asked.add(metric)
        for labels in GROUPED.findall(query):
            allowed = set.union(*(known[metric] for metric in metrics)) | OF_A_TARGET
            assert set(labels.split(", ")) <= allowed, query
    assert len(asked) >= 5


@pytest.mark.parametrize("document", ["operations.md", "kubernetes.md"])
def test_documents_name_metrics_that_there_are(document: str) -> None:
    known = _known()
    text = (ROOT / "docs" / document).read_text()
    unknown = {name for name in METRIC.findall(text) if name not in known}
    families = {name for name in unknown if name.endswith("_")}  # artgrab_x_*
    assert unknown == families
    assert all(any(one.startswith(family) for one in known) for family in families)


def _monitor(name: str) -> Any:
    (found,) = [one for one in _everything("PodMonitor") if one["metadata"]["name"] == name]
    assert found["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = found["spec"]["podMetricsEndpoints"]
    assert endpoint == {"port": "metrics", "interval": "15s"}
    return found["spec"]


def _selects(selector: Any, labels: dict[str, str]) -> bool:
    return selector["matchLabels"].items() <= labels.items() and all(
        labels.get(one["key"]) in one["values"] for one in selector["matchExpressions"]
    )


def test_pods_of_the_chart_are_monitored_by_the_port_that_they_have() -> None:
    spec = _monitor("artgrab")
    found = []
    for kind in ("Deployment", "StatefulSet"):
        for one in _everything(kind):
            pod = one["spec"]["template"]
            if _selects(spec["selector"], pod["metadata"]["labels"]):
                ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
                assert "metrics" in ports
                found.append(one["metadata"]["name"])
    assert found == ["artgrab-downloader", "artgrab-operator"]


def test_pods_that_the_operator_makes_are_monitored_wherever_they_are() -> None:
    spec = _monitor("artgrab-made")
    assert spec["namespaceSelector"] == {"any": True}
    scraper = names.labels_of(names.COMPONENT_SCRAPER, namespace="art", category="graffiti")
    assert _selects(spec["selector"], scraper)
    for component in (names.COMPONENT_TRAINER, names.COMPONENT_SERVING):
        labels = names.learning_labels(component, classifier="art-or-not")
        assert _selects(spec["selector"], labels)


def test_neither_is_made_unless_asked_for() -> None:
    rendered = documents(render(scenario("s3-secret")))
    assert not [one for one in rendered if one["kind"] == "PodMonitor"]
    assert not [one for one in rendered if one["metadata"]["name"] == "artgrab-dashboards"]
