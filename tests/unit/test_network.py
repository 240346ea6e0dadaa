"""Settings that say who we are and whom we may reach."""

import pytest
from pydantic import ValidationError

from artgrab.common.network import NetworkSettings


def test_a_pattern_gives_its_hosts_an_address_and_port() -> None:
    network = NetworkSettings(resolve={"*.test": "127.0.0.1:8080"})
    assert network.resolved("Img.Site-1.TEST") == ("127.0.0.1", 8080)
    assert network.resolved("example.org") is None


def test_an_ipv6_address_is_taken_in_brackets() -> None:
    assert NetworkSettings(resolve={"a.test": "[::1]:80"}).resolved("a.test") == ("::1", 80)


@pytest.mark.parametrize("endpoint", ["127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "host:80"])
def test_an_endpoint_that_is_no_address_and_port_is_refused(endpoint: str) -> None:
    with pytest.raises(ValidationError):
        NetworkSettings(resolve={"*.test": endpoint})


@pytest.mark.parametrize("target", ["127.0.0.1/32", "127.0.0.1/33:80", "10.0.0.0/8:0", "any:80"])
def test_a_target_that_is_no_network_and_port_is_refused(target: str) -> None:
    with pytest.raises(ValidationError):
        NetworkSettings(allowed_targets=[target])


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTGRAB_RESOLVE", '{"*.test": "127.0.0.1:8080"}')
    monkeypatch.setenv("ARTGRAB_CONTACT", "https://example.org/about")
    network = NetworkSettings()
    assert network.resolved("a.test") == ("127.0.0.1", 8080)
    assert network.user_agent.startswith("artgrab/")
    assert "+https://example.org/about" in network.user_agent
