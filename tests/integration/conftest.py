"""What many of the tests need: played web hosts and an empty store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from artgrab.common.store import Store
from tests.support.playing_hosts import PlayingHosts, playing_hosts


@pytest.fixture
async def hosts() -> AsyncIterator[PlayingHosts]:
    """Hosts of this test alone, on a free port of loopback."""
    async with playing_hosts() as playing:
        yield playing


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store in a folder."""
    return Store.open(str(tmp_path / "store"))
