"""docs/politeness.md says what the code does."""

from pathlib import Path

import pytest

from artgrab.common.network import NetworkSettings
from artgrab.common.records import Candidate
from artgrab.common.version import VERSION
from artgrab.downloader.hosts import MAX_REFUSALS, MAX_STRIKES, MAX_TROUBLES
from artgrab.downloader.optouts import HEADERS, PAGE, RESERVATIONS, ROBOTS, decision
from artgrab.downloader.settings import DownloaderSettings
from artgrab.scraper import wariness
from artgrab.scraper.browser_options import user_agent
from artgrab.scraper.robots import MAX_DELAY_SECONDS
from artgrab.scraper.sources.gallery import Limits
from tests.world.signals import SIGNALS

_TEXT = (Path(__file__).parents[2] / "docs/politeness.md").read_text()
_WORDS = {3: "three", 5: "five", 6: "six", 10: "ten"}


def _flat(text: str) -> str:
    return " ".join(text.split())


def test_it_shows_the_user_agents_that_are_sent() -> None:
    network = NetworkSettings(contact="CONTACT")
    for told in (network.user_agent, user_agent(network)):
        assert f"`{told.replace(VERSION, 'VERSION')}`" in _TEXT


@pytest.mark.parametrize(
    ("signals", "seen"),
    [
        (["tdmrep.json: tdm-reservation 1"], ()),
        ([], (PAGE, ROBOTS, RESERVATIONS, HEADERS)),
        ([], (ROBOTS,)),
    ],
)
def test_it_shows_decisions_as_records_hold_them(signals: list[str], seen: tuple[str, ...]) -> None:
    one = Candidate(
        candidate_id="", url="http://a.test/1.jpg", source="gallery", page_url="http://a.test/1"
    )
    assert f"    {decision(one, signals, seen)}\n" in _TEXT


def test_it_names_the_limits_that_hold() -> None:
    settings, limits = DownloaderSettings(), Limits()
    for claim in (
        f"{_WORDS[MAX_REFUSALS]} answers in a row",
        f"more than {_WORDS[MAX_STRIKES]} of 429",
        f"{_WORDS[MAX_TROUBLES]} failures of network or server",
        f"turns us away {_WORDS[wariness.MAX_REFUSALS]} times in a row",
        f"{settings.host_concurrency} from one registrable domain",
        f"`Crawl-delay` up to {settings.max_crawl_delay_seconds:.0f} s; "
        f"`Retry-After` up to {settings.max_hold_seconds:.0f} s",
        f"`Crawl-delay` up to {MAX_DELAY_SECONDS:.0f} s before each page",
        f"{limits.seconds / 60:.0f} minutes, {limits.pages:,} pages or {limits.pictures:,} ",
    ):
        assert claim in _flat(_TEXT)


def test_each_kind_of_signal_of_the_demo_world_is_explained() -> None:
    kinds = {signal.partition(": ")[0] for one in SIGNALS for signal in one.signals}
    kinds = {kind.removeprefix("page ").removeprefix("meta ") for kind in kinds}
    assert kinds
    assert {kind for kind in kinds if kind not in _TEXT.lower()} == set()
