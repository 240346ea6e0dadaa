"""Three categories are applied and become Ready, and the store has what their sites publish."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.cluster.categories import category, gallery_source
from tests.cluster.holdings import faults
from tests.cluster.installed import LATE_SECONDS, SPACING_SECONDS, Installation
from tests.cluster.rates import too_often, visits
from tests.cluster.worlds import published, shown
from tests.world.hosts import Listing

pytestmark = pytest.mark.xdist_group("collected")

TARGET = 20


@dataclass(frozen=True)
class Collected:
    """A category that was Ready, and what its galleries show to its queries."""

    document: Mapping[str, Any]
    listings: Sequence[Listing]

    @property
    def name(self) -> str:
        return str(self.document["metadata"]["name"])


@pytest.fixture(scope="module")
def collected(installed: Installation) -> dict[str, Collected]:
    """One of each style of gallery; `two-sites` has two sources and many sites of pictures."""
    galleries = installed.world.galleries
    words = galleries["www.word-drawings.test"]
    painters = galleries["www.painting-pieces.test"]
    both = [galleries[host] for host in ("www.energy.test", "www.backgrounds.test")]
    found = {
        "word-drawings": Collected(
            category("word-drawings", gallery_source(words, words="q={query}&limit=40")),
            shown(words, query="word drawings", limit=40),
        ),
        "two-sites": Collected(
            category("two-sites", *(gallery_source(one, words="all") for one in both)),
            [listing for gallery in both for listing in gallery.listings],
        ),
        "painters": Collected(
            category(
                "painters",
                gallery_source(painters),
                queries=["renoir", "arcimboldo"],
                targetImages=TARGET,
            ),
            [one for word in ("renoir", "arcimboldo") for one in shown(painters, query=word)],
        ),
    }
    installed.kubectl.apply(*(one.document for one in found.values()))
    installed.wait_ready(*found)
    return found


@pytest.mark.parametrize("name", ["word-drawings", "two-sites"])
def test_the_store_has_each_picture_that_the_sites_publish_and_nothing_else(
    installed: Installation, collected: Mapping[str, Collected], name: str
) -> None:
    held = installed.holding(name)
    assert faults(held, published(collected[name].listings)) == []
    assert len(held.runs) == 1


def test_a_category_whose_target_is_reached_has_at_least_that_many(
    installed: Installation, collected: Mapping[str, Collected]
) -> None:
    held, listed = installed.holding("painters"), published(collected["painters"].listings)
    assert TARGET <= len(held.sources) <= len(listed)
    assert faults(held, {key: listed[key] for key in held.sources}) == []


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("word-drawings", "SourcesExhausted"),
        ("two-sites", "SourcesExhausted"),
        ("painters", "TargetReached"),
    ],
)
def test_the_status_says_why_it_is_ready_and_counts_what_the_store_has(
    installed: Installation, collected: Mapping[str, Collected], name: str, reason: str
) -> None:
    status, held = installed.status(name), installed.holding(name)
    assert installed.condition(name)["reason"] == reason
    assert status["runReason"] == reason
    assert status["counts"] == {
        "candidates": len(held.records),
        "stored": len(held.sources),
        "rejected": 0,
        "failed": 0,
    }
    assert status["uri"] == f"{installed.store.uri}/{installed.kubectl.namespace}/categories/{name}"


def test_a_table_of_categories_tells_people_how_they_are(
    installed: Installation, collected: Mapping[str, Collected]
) -> None:
    table = installed.kubectl("get", "artcat", "word-drawings").splitlines()
    assert table[0].split() == ["NAME", "READY", "REASON", "STORED", "TARGET", "AGE"]
    assert table[1].split()[:5] == ["word-drawings", "True", "SourcesExhausted", "40", "1000"]


def test_a_category_that_is_applied_again_starts_nothing(
    installed: Installation, collected: Mapping[str, Collected]
) -> None:
    before = _jobs(installed, collected)
    installed.kubectl.apply(*(one.document for one in collected.values()))
    assert _jobs(installed, collected) == before
    assert {name: installed.condition(name)["status"] for name in collected} == dict.fromkeys(
        collected, "True"
    )


def _jobs(installed: Installation, names: Iterable[str]) -> list[str]:
    selector = f"--selector=artgrab.dev/category in ({','.join(names)})"
    return [one["metadata"]["uid"] for one in installed.kubectl.read("jobs", selector)["items"]]


def test_no_site_is_asked_more_often_than_the_spacing_allows(
    installed: Installation, collected: Mapping[str, Collected]
) -> None:
    seen = visits(installed.world.requests(host="img.*"))
    assert len(seen) > 20
    assert too_often(seen, spacing=SPACING_SECONDS, tolerance=LATE_SECONDS) == []
