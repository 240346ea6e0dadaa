"""NetworkPolicies of the chart: closed but for what each pod needs, and one with the guard."""

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from artgrab.common.network import NetworkSettings
from artgrab.downloader.guard import Guard, is_global
from artgrab.operator.names import COMPONENT_CLEANUP, COMPONENT_SCRAPER, labels_of
from tests.chart.rendering import SCENARIOS, documents, render, scenario

pytestmark = pytest.mark.timeout(1800)  # helm is built the first time

WEB = {("TCP", 80), ("TCP", 443)}
everywhere = pytest.mark.parametrize("values", SCENARIOS, ids=lambda path: path.stem)


def _policies(values: Path) -> dict[tuple[str, str], Any]:
    """Return the specs by namespace and name."""
    return {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"]
        for one in documents(render(values))
        if one["kind"] == "NetworkPolicy"
    }


def _policy(values: Path, name: str, *, namespace: str = "artgrab") -> Any:
    return _policies(values)[namespace, f"artgrab-{name}"]


def _ports(rule: Any) -> set[tuple[str, int]]:
    return {(port["protocol"], port["port"]) for port in rule["ports"]}


def _networks(policy: Any) -> list[tuple[str, int]]:
    """Return the networks that are let out to, apart from the web and DNS, with their ports."""
    return [
        (peer["ipBlock"]["cidr"], port)
        for rule in policy["egress"]
        for peer in rule["to"]
        if "ipBlock" in peer and "except" not in peer["ipBlock"]
        for _, port in _ports(rule)
        if port != 53
    ]


def _web(policy: Any) -> Any:
    """Return the peers of the rule that leads to the web."""
    found = [rule["to"] for rule in policy["egress"] if _ports(rule) == WEB]
    assert len(found) == 1
    return [peer["ipBlock"] for peer in found[0]]


def _lets_out(blocks: Any, address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return any(
        parsed in ipaddress.ip_network(block["cidr"])
        and not any(parsed in ipaddress.ip_network(one) for one in block["except"])
        for block in blocks
    )


@everywhere
def test_every_pod_of_ours_is_closed_by_default(values: Path) -> None:
    for (_, name), policy in _policies(values).items():
        assert set(policy["policyTypes"]) == {"Ingress", "Egress"}, name
        for rule in (*policy.get("ingress", ()), *policy.get("egress", ())):
            assert rule["ports"], f"{name} is open on all ports"
            if name == "artgrab-serving" and _ports(rule) == {("TCP", 8500)}:
                continue  # it is there to be asked; serving.allowedFrom narrows it down
            assert rule.get("from") or rule.get("to"), f"{name} is open to everybody"
    denied = _policy(values, "default-deny")
    assert denied.keys() == {"podSelector", "policyTypes"}
    assert denied["podSelector"]["matchLabels"] == {"app.kubernetes.io/part-of": "artgrab"}


@pytest.mark.parametrize("component", [COMPONENT_SCRAPER, COMPONENT_CLEANUP])
def test_pods_that_the_operator_makes_are_selected(component: str) -> None:
    labels = labels_of(component, namespace="artgrab", category="graffiti")
    selected = _policy(scenario("embedded"), component)["podSelector"]["matchLabels"]
    assert selected.items() <= labels.items()
    assert labels["app.kubernetes.io/part-of"] == "artgrab"


@pytest.mark.parametrize("component", ["scraper", "downloader"])
def test_allowed_targets_open_the_policies_and_the_guard_alike(component: str) -> None:
    targets = ["10.99.0.0/16:8080", "10.98.0.1:80", "[fd00:99::/32]:443"]
    opened = [("10.99.0.0/16", 8080), ("10.98.0.1/32", 80), ("fd00:99::/32", 443)]
    assert _networks(_policy(scenario("everything"), component)) == opened
    assert _networks(_policy(scenario("s3-secret"), component)) == []
    guard = Guard(NetworkSettings(allowed_targets=targets))
    for cidr, port in opened:
        assert guard.allows(ipaddress.ip_network(cidr)[0], port)


@pytest.mark.parametrize("component", ["scraper", "downloader"])
def test_the_web_is_what_the_guard_calls_global(component: str) -> None:
    blocks = _web(_policy(scenario("embedded"), component))
    edges = [ipaddress.ip_network(block["cidr"]) for block in blocks]
    edges += [ipaddress.ip_network(one) for block in blocks for one in block["except"]]
    around = {
        address
        for network in edges
        for number in (0, -1)
        for step in (-1, 0, 1)
        if (address := _beside(network[number], step)) is not None
    }
    assert len(around) > 60
    differing = [str(one) for one in around if _lets_out(blocks, str(one)) != is_global(one)]
    assert [one for one in differing if not _is_tunnel(one)] == []
    for metadata in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192"):
        assert not _lets_out(blocks, metadata)


def _beside(address: Any, step: int) -> Any:
    try:
        return address + step
    except ipaddress.AddressValueError:
        return None


def _is_tunnel(address: str) -> bool:
    """6to4 and Teredo lead to IPv4: the guard looks inside, a policy cannot and lets none out."""
    parsed = ipaddress.ip_address(address)
    return parsed.version == 6 and bool(parsed.sixtofour or parsed.teredo)


def test_scrapers_reach_names_the_web_and_downloaders() -> None:
    rules = _policy(scenario("s3-secret"), "scraper")["egress"]
    assert [_ports(rule) for rule in rules] == [
        {("UDP", 53), ("TCP", 53)},
        {("TCP", 50051)},
        WEB,
    ]
    downloader = rules[1]["to"][0]
    assert downloader["namespaceSelector"]["matchLabels"] == {
        "kubernetes.io/metadata.name": "artgrab"
    }
    assert downloader["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "downloader"


def test_downloaders_are_reached_by_scrapers_of_the_watched_namespaces() -> None:
    streams = _policy(scenario("one-namespace"), "downloader")["ingress"][0]
    assert _ports(streams) == {("TCP", 50051)}
    (peer,) = streams["from"]
    assert peer["namespaceSelector"]["matchExpressions"][0]["values"] == ["art", "everyday"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "scraper"
    (anywhere,) = _policy(scenario("s3-secret"), "downloader")["ingress"][0]["from"]
    assert anywhere["namespaceSelector"] == {}
    assert anywhere["podSelector"] == peer["podSelector"]


def test_every_watched_namespace_gets_the_policies_of_scrapers() -> None:
    def of_scrapers(values: Path) -> set[str]:
        found = _policies(values)
        spaces = {space for space, name in found if name == "artgrab-scraper"}
        assert spaces == {space for space, name in found if name == "artgrab-default-deny"}
        return spaces

    assert of_scrapers(scenario("one-namespace")) == {"artgrab", "art", "everyday"}
    assert of_scrapers(scenario("everything")) == {"artgrab", "art"}
    assert of_scrapers(scenario("embedded")) == {"artgrab", "art"}, "classifiers need categories"
    assert of_scrapers(scenario("s3-secret")) == {"artgrab"}


def test_the_embedded_store_is_reached_by_what_needs_it_alone() -> None:
    policy = _policy(scenario("embedded"), "object-store")
    (rule,) = policy["ingress"]
    assert _ports(rule) == {("TCP", 8333)}
    *near, models = rule["from"]
    components = {
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] for peer in near
    }
    assert components == {"downloader", "cleanup"}
    (spaces,) = models["namespaceSelector"]["matchExpressions"]
    assert spaces["values"] == ["artgrab", "art"]
    (chosen,) = models["podSelector"]["matchExpressions"]
    assert chosen["values"] == ["dataset", "trainer", "serving"]
    assert policy["egress"] == []


def test_cleanup_reaches_names_and_the_store_and_nothing_of_the_web() -> None:
    rules = _policy(scenario("one-namespace"), "cleanup")["egress"]
    assert [_ports(rule) for rule in rules] == [{("UDP", 53), ("TCP", 53)}, {("TCP", 9000)}]
    assert rules[1]["to"] == [{"ipBlock": {"cidr": "10.20.0.0/16"}}]


def test_the_api_server_can_be_narrowed_down() -> None:
    assert _networks(_policy(scenario("everything"), "operator")) == [("10.0.0.1/32", 6443)]
    assert set(_networks(_policy(scenario("s3-secret"), "operator"))) == {
        (cidr, port) for cidr in ("0.0.0.0/0", "::/0") for port in (443, 6443)
    }


def test_metrics_are_for_the_operator_and_whom_the_values_name() -> None:
    closed = _policy(scenario("s3-secret"), "downloader")["ingress"][1]
    opened = _policy(scenario("everything"), "downloader")["ingress"][1]
    assert _ports(closed) == _ports(opened) == {("TCP", 9090)}
    assert (len(closed["from"]), len(opened["from"])) == (1, 2)
    assert _policy(scenario("s3-secret"), "operator")["ingress"] == []
