"""What many of the tests need: played web hosts, and an empty store of either kind."""

import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from artgrab.common.store import Store
from tests.support.playing_hosts import PlayingHosts, playing_hosts
from tests.support.s3 import BUCKET, S3Server, s3_server

FOLDER, S3 = "folder", "s3"
_MARKERS = {"folder": FOLDER, "bucket": S3}


def pytest_configure(config: pytest.Config) -> None:
    """Make known how a test says that it needs one kind of store only."""
    for kind in _MARKERS:
        config.addinivalue_line(
            "markers", f"{kind}_only(reason): the store is a {kind} only; the reason says why"
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run whatever asks for a store on each kind of it."""
    if "store_uris" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker
        only = [kind for name, kind in _MARKERS.items() if marked(f"{name}_only")]
        metafunc.parametrize("store_uris", only or [FOLDER, S3], indirect=True)


@pytest.fixture
async def hosts() -> AsyncIterator[PlayingHosts]:
    """Hosts of this test alone, on a free port of loopback."""
    async with playing_hosts() as playing:
        yield playing


@pytest.fixture(scope="session")
def s3_of_all_tests() -> Iterator[S3Server]:
    """A server for all tests of this process; it starts with the first that needs it."""
    with s3_server() as server:
        yield server


@pytest.fixture
def s3(s3_of_all_tests: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server that this test and the processes that it starts find the boto3 way."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_of_all_tests.environment.items():
        monkeypatch.setenv(name, value)
    return s3_of_all_tests


@pytest.fixture
def store_uris(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Give the address of an empty store of this test for each name."""
    if request.param == FOLDER:
        return lambda name: str(tmp_path / "stores" / name)
    request.getfixturevalue("s3")
    test = uuid.uuid4().hex
    return lambda name: f"s3://{BUCKET}/{test}/{name}"


@pytest.fixture
def store_uri(store_uris: Callable[[str], str]) -> str:
    """The address of an empty store."""
    return store_uris("store")


@pytest.fixture
def store(store_uri: str) -> Store:
    """An empty store."""
    return Store.open(store_uri)
