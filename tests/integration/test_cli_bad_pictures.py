"""`artgrab run` where sites answer and give nothing to learn from: exit 3, and what to change."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from artgrab.common.network import NetworkSettings
from artgrab.common.store import Store
from tests.support.cli_calls import Said, artgrab_process, reaching
from tests.support.documents import category_text, classifier_text, together, wiki
from tests.support.drawn import jpeg
from tests.support.played_wiki import PlayedWiki
from tests.support.playing_hosts import PlayingHosts

pytestmark = pytest.mark.timeout(300)

DOCUMENTS = together(
    category_text("walls", wiki("walls.wiki.test")),
    category_text("bikes", wiki("bikes.wiki.test"), of="everyday"),
    classifier_text(),
)
SMALL = jpeg(0, width=40, height=40)


@asynccontextmanager
async def wikis(hosts: PlayingHosts, files: int) -> AsyncIterator[NetworkSettings]:
    """Two wikis with the same list of files; what each file is, the hosts say."""
    async with PlayedWiki(files).running() as walls, PlayedWiki(files).running() as bikes:
        named = {"walls.wiki.test": walls, "bikes.wiki.test": bikes}
        yield hosts.network.model_copy(update={"resolve": named | hosts.network.resolve})


async def ran(network: NetworkSettings, folder: Path, store: str) -> Said:
    (folder / "a.yaml").write_text(DOCUMENTS)
    return await artgrab_process("run", folder / "a.yaml", "--store", store, **reaching(network))


async def test_a_category_without_a_single_good_picture_says_what_became_of_all(
    hosts: PlayingHosts, tmp_path: Path, store_uri: str
) -> None:
    hosts.put("http://files.wiki.test/0.jpg", status=404)
    hosts.put("http://files.wiki.test/1.jpg", b"<html>Please sign in</html>" * 40)
    for number in (2, 3):
        hosts.put(f"http://files.wiki.test/{number}.jpg", SMALL)
    async with wikis(hosts, files=4) as network:
        said = await ran(network, tmp_path, store_uri)
    assert said.code == 3, said.err
    became = "2 rejected too-small, 1 failed http-404, 1 failed html"
    advice = "change its sources, queries or filters"
    assert said.last == (
        f"artgrab: category bikes has no stored picture: {became}; {advice}; "
        f"category walls has no stored picture: {became}; {advice}"
    )
    assert Store.open(store_uri).folders("default") == ["categories"]


@pytest.mark.folder_only("nothing comes into the store")
async def test_a_wiki_that_finds_nothing_says_what_to_look_at(
    hosts: PlayingHosts, tmp_path: Path, store_uri: str
) -> None:
    async with wikis(hosts, files=0) as network:
        said = await ran(network, tmp_path, store_uri)
    assert said.code == 3, said.err
    assert "no stored picture: its sources gave no candidate; check their url" in said.last


@pytest.mark.bucket_only("what is too few does not depend on it; the test above has both")
async def test_too_few_pictures_to_learn_and_to_judge_by_are_told_with_what_to_add(
    hosts: PlayingHosts, tmp_path: Path, store_uri: str
) -> None:
    for number in range(2):
        hosts.put(f"http://files.wiki.test/{number}.jpg", jpeg(number))
    async with wikis(hosts, files=2) as network:
        said = await ran(network, tmp_path, store_uri)
        again = await ran(network, tmp_path, store_uri)
    assert said.code == again.code == 3, said.err
    assert said.last == again.last
    assert (
        "class art has no picture in train and none in test: 0 are kept, from 0 sites or creators "
        "that are not split, 2 are dropped as label-conflict; add sources or queries to walls"
    ) in said.last
