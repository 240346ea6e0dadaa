"""`python -m benchmarks.operator`: 1,000 suspended categories in a real API server.

How long an operator that starts takes to look at all of them, what it writes in five minutes in
which nothing happens, and what memory it needs. Ends with one line of JSON, which is also in
benchmarks/results/operator.json. Never by file name: `operator` is a module of Python's.
"""

import argparse
import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from lightkube import AsyncClient, KubeConfig

from artgrab.operator import names
from artgrab.operator.cluster import CATEGORY
from tests.cluster.kubectl import Kubectl
from tests.cluster.providers import Provider, choose

HERE = Path(__file__).parent
RESULT = HERE / "results" / "operator.json"
CRDS = HERE.parent / "k8s" / "crds"
GOALS = {"first_reconcile_s": 60, "steady_writes": 0, "rss_mb": 150}
AT_ONCE = 16
SETTLE_SECONDS = 5.0
DEADLINE_SECONDS = 600.0
WRITES = re.compile(r"^apiserver_request_total\{(?P<labels>[^}]*)\} (?P<count>[0-9.e+]+)$", re.M)
OWN_WRITES = re.compile(r"^artgrab_operator_api_writes_total\{[^}]*\} ([0-9.e+]+)$", re.M)
LABEL = re.compile(r'(\w+)="([^"]*)"')
VERBS = {"POST", "PUT", "PATCH", "APPLY", "DELETE"}
RESOURCES = {"artcategories", "jobs", "secrets", "events"}


def main() -> int:
    """Measure, and tell whether the goals are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operator", description=__doc__)
    parser.add_argument("--categories", type=int, default=1000)
    parser.add_argument("--minutes", type=float, default=5.0, help="of silence")
    options = parser.parse_args()
    with _cluster() as provider:
        result = _measure(provider, options.categories, options.minutes * 60)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result) + "\n")
    print(json.dumps(result))
    return int(any(result[name] > goal for name, goal in GOALS.items()))


@contextmanager
def _cluster() -> Iterator[Provider]:
    """Yield a cluster that is up; one that was not before is ended afterwards."""
    provider = choose(os.environ.get("ARTGRAB_CLUSTER_PROVIDER", "auto"))
    was_there = provider.exists()
    provider.up()
    try:
        yield provider
    finally:
        if not was_there:
            provider.down()


def _measure(provider: Provider, count: int, quiet_seconds: float) -> dict[str, float]:
    kubectl = Kubectl(
        provider.tool("kubectl"), provider.kubeconfig(), f"bench-{uuid.uuid4().hex[:8]}"
    )
    kubectl("apply", "--server-side", "--force-conflicts", f"--kustomize={CRDS}")
    for plural in (names.PLURAL, names.CLASSIFIER_PLURAL):
        kubectl("wait", "--for=condition=Established", f"crd/{plural}.{names.GROUP}")
    kubectl("create", "namespace", kubectl.namespace)
    try:
        return asyncio.run(_measure_in(kubectl, count, quiet_seconds))
    finally:
        kubectl("delete", "namespace", kubectl.namespace, "--wait=false")


async def _measure_in(kubectl: Kubectl, count: int, quiet_seconds: float) -> dict[str, float]:
    client = AsyncClient(KubeConfig.from_file(str(kubectl.kubeconfig)).get())
    _tell(f"making {count} categories in {kubectl.namespace}")
    await _fill(client, kubectl.namespace, count)
    port = _free_port()
    process = _start(kubectl, port)
    try:
        began = time.monotonic()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await _all_looked_at(client, kubectl.namespace, count)
        first = time.monotonic() - began
        _tell(f"all looked at after {first:.1f} s; now {quiet_seconds:.0f} s of silence")
        await asyncio.sleep(SETTLE_SECONDS)
        writes = await _writes_during(kubectl, port, quiet_seconds)
        rss = _rss_mb(process)
        _tell(f"the operator took {_cpu_seconds(process):.1f} s of processor time")
    finally:
        process.kill()
        process.wait()
        await client.close()
    return {"first_reconcile_s": round(first, 1), "steady_writes": writes, "rss_mb": round(rss)}


async def _fill(client: AsyncClient, namespace: str, count: int) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def make(number: int) -> None:
        async with places:
            await client.create(CATEGORY(_category(namespace, number)))

    await asyncio.gather(*(make(number) for number in range(count)))


def _category(namespace: str, number: int) -> dict[str, Any]:
    source = {"mediawiki": {"url": "https://commons.wikimedia.org/w/api.php"}}
    return {
        "apiVersion": f"{names.GROUP}/{names.VERSION}",
        "kind": names.KIND,
        "metadata": {"name": f"category-{number:04}", "namespace": namespace},
        "spec": {"queries": [f"word {number}"], "sources": [source], "suspend": True},
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _start(kubectl: Kubectl, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "KUBECONFIG": str(kubectl.kubeconfig),
        "ARTGRAB_STORE": "s3://bucket/art",
        "ARTGRAB_OPERATOR_NAMESPACE": kubectl.namespace,
        "ARTGRAB_OPERATOR_WATCH_NAMESPACES": json.dumps([kubectl.namespace]),
        "ARTGRAB_OPERATOR_DOWNLOADER": "downloader:50051",
        "ARTGRAB_OPERATOR_SCRAPER_IMAGE": "scraper",
        "ARTGRAB_OPERATOR_CLEANUP_IMAGE": "downloader",
        "ARTGRAB_OPERATOR_METRICS_PORT": str(port),
        "ARTGRAB_OPERATOR_METRICS_ADDRESS": "127.0.0.1",
    }
    words = ("-m", "kopf", "run", "--standalone", "-n", kubectl.namespace)
    return subprocess.Popen(
        [sys.executable, *words, "-m", "artgrab.operator.main"],
        env=environment,
        stdout=sys.stderr,
    )


async def _all_looked_at(client: AsyncClient, namespace: str, count: int) -> None:
    """Return when each category has a status for its generation."""
    seen: set[str] = set()
    async for _, body in client.watch(CATEGORY, namespace=namespace):
        found: Mapping[str, Any] = body
        metadata, status = found["metadata"], found.get("status") or {}
        if status.get("observedGeneration") == metadata["generation"]:
            seen.add(metadata["name"])
        if len(seen) == count:
            return


async def _writes_during(kubectl: Kubectl, port: int, seconds: float) -> int:
    """Return the writes of our kinds that the API server counted meanwhile.

    It does not say whose they are. Where others are at work in the cluster, they are no more than
    the operator counts itself, or than objects of our namespace changed.
    """
    before, own, versions = _writes(kubectl), _own_writes(port), _versions(kubectl)
    await asyncio.sleep(seconds)
    after = _writes(kubectl)
    told = {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key)}
    changed = len(set(_versions(kubectl).items()) ^ set(versions.items()))
    ours = max(_own_writes(port) - own, changed)
    if told:
        _tell(f"writes of everybody: {told}; the operator's own, or changes it made: {ours}")
    return min(sum(told.values()), ours)


def _own_writes(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        text = page.read().decode()
    return sum(int(float(count)) for count in OWN_WRITES.findall(text))


def _writes(kubectl: Kubectl) -> dict[str, int]:
    counts: dict[str, int] = {}
    for sample in WRITES.finditer(kubectl("get", "--raw", "/metrics")):
        labels = dict(LABEL.findall(sample["labels"]))
        if labels["verb"] in VERBS and labels["resource"] in RESOURCES:
            key = f"{labels['verb']} {labels['resource']}/{labels['subresource']}"
            counts[key] = counts.get(key, 0) + int(float(sample["count"]))
    return counts


def _versions(kubectl: Kubectl) -> dict[str, str]:
    items = kubectl.read(names.PLURAL)["items"]
    return {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in items}


def _cpu_seconds(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def _rss_mb(process: subprocess.Popen[bytes]) -> float:
    root = psutil.Process(process.pid)
    tree = [root, *root.children(recursive=True)]
    return sum(one.memory_info().rss for one in tree) / 2**20


def _tell(line: str) -> None:
    print(f"bench-operator: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
