"""Users are asked for a contact where other people's servers are to be called, and only then."""

import pytest

from artgrab.common.contact import contact_advice
from artgrab.common.network import NetworkSettings
from artgrab.common.resources import ArtCategory


def category(*urls: str) -> ArtCategory:
    sources = [{"mediawiki": {"url": url}} for url in urls]
    return ArtCategory.model_validate(
        {
            "apiVersion": "artgrab.dev/v1alpha1",
            "kind": "ArtCategory",
            "metadata": {"name": "cats"},
            "spec": {"sources": sources},
        }
    )


COMMONS = category("https://commons.wikimedia.org/w/api.php")


def test_without_a_contact_one_line_asks_for_it_with_the_command() -> None:
    advice = contact_advice(NetworkSettings(), [COMMONS])
    assert advice is not None
    assert "\n" not in advice
    assert advice.startswith("commons.wikimedia.org will be told")
    assert "export ARTGRAB_CONTACT=" in advice


def test_many_hosts_are_one_line_all_the_same() -> None:
    several = category("https://a.example/api.php", "https://b.example/api.php")
    advice = contact_advice(NetworkSettings(), [COMMONS, several, COMMONS])
    assert advice is not None
    assert advice.startswith("commons.wikimedia.org and 2 more ")


def test_who_has_said_so_is_not_asked() -> None:
    assert contact_advice(NetworkSettings(contact="mailto:me@example.org"), [COMMONS]) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/api.php",
        "http://[::1]:8080/api.php",
        "http://localhost/api.php",
        "http://wiki.localhost/api.php",
        "http://www.wiki.test/api.php",
    ],
)
def test_nobody_is_asked_about_hosts_of_their_own(url: str) -> None:
    network = NetworkSettings(resolve={"*.test": "127.0.0.1:8080"})
    assert contact_advice(network, [category(url)]) is None


def test_no_category_calls_nobody() -> None:
    assert contact_advice(NetworkSettings(), []) is None
