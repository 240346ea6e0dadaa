"""Users are asked for a contact where other people's servers are to be called, and only then."""

from pathlib import Path

import pytest

from artgrab.cli.run import Job, _preflight
from artgrab.common.documents import Documents
from artgrab.common.network import NetworkSettings
from artgrab.common.politeness.contact import contact_advice
from artgrab.common.resources import ArtCategory
from artgrab.common.store import Store
from tests.support.told import Told


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


async def test_a_run_asks_once_before_it_collects_what_is_missing(tmp_path: Path) -> None:
    told = Told()
    job = Job(
        files=[],
        documents=Documents(categories=[COMMONS], classifiers=[]),
        store=Store.open(str(tmp_path / "store")),
        network=NetworkSettings(),
        predict=[],
        progress=told,
    )
    await _preflight(job, [COMMONS])
    assert told.warnings == [contact_advice(NetworkSettings(), [COMMONS])]
