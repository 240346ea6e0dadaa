"""The parts of an operator put together: what a watch has missed is caught up with."""

import asyncio
import copy
from collections.abc import Sequence
from typing import Any

from artgrab.operator.app import App
from artgrab.operator.cluster import CATEGORY, Listing
from artgrab.operator.metrics import Metrics
from artgrab.operator.observed import Key
from tests.support.operator_world import KEY, PlayedCluster, World, settings_of

FIRST, OLDER, YOUNGER = Key("art", "cubism"), Key("art", "graffiti"), Key("art", "mural")
SPEC: dict[str, Any] = {"sources": [{"mediawiki": {"url": "https://wiki.test/w/api.php"}}]}


class ListedCluster(PlayedCluster):
    """Answers lists as well."""

    async def list_all(
        self, kind: Any, *, namespaces: Sequence[str] = (), labels: dict[str, str] | None = None
    ) -> Listing:
        held = self.world.categories if kind is CATEGORY else self.world.jobs
        return Listing(copy.deepcopy(list(held.values())), int(self.world.number()))


def _app(world: World) -> App:
    cluster: Any = ListedCluster(world)
    return App(settings_of(max_concurrent_scrapes=1), cluster, KEY, Metrics())


async def _work(app: App) -> None:
    """Do all that is asked for."""
    working = asyncio.create_task(app.queue.work(1))
    async with asyncio.timeout(10):
        while len(app.queue.agenda) or app.queue.agenda.still_since() is not None:
            await asyncio.sleep(0)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


def _end(world: World) -> None:
    (where,) = world.jobs
    world.end_job(where, "Failed", "DeadlineExceeded", "")


async def _vanishes_in_line() -> World:
    world = World()
    app = _app(world)
    for hour, key in enumerate((FIRST, OLDER, YOUNGER), start=12):
        world.now = world.now.replace(hour=hour)
        world.apply(key, SPEC)
        await app.resync()
        await _work(app)
    assert len(world.jobs) == 1
    world.delete(OLDER)
    _end(world)
    await app.resync()
    await _work(app)
    return world


def test_who_vanished_unseen_while_it_waited_stands_in_nobodys_way() -> None:
    world = asyncio.run(_vanishes_in_line())
    assert [name for _, name in world.jobs if name.startswith(YOUNGER.name)]
