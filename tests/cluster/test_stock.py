"""A node that finds images already unpacked, and one stock of them for all."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cluster import components, stock
from tests.cluster.archives import write_program_image
from tests.cluster.layout import Layout
from tests.cluster.processes import Processes
from tests.cluster.providers import Provider

pytestmark = pytest.mark.needs("local")


@pytest.fixture
def place(provider: Provider) -> Iterator[Path]:
    """A cache that holds nothing, on a host that has a containerd as it carries a cluster.

    Its path is short: that of a socket has 107 bytes at most.
    """
    with TemporaryDirectory(prefix="artgrab-") as folder:
        yield Path(folder)


@pytest.fixture
def archive(place: Path) -> Path:
    program = place / "hello"
    program.write_text("a program")
    folder = place / "images-hello-1"
    folder.mkdir(parents=True)
    write_program_image(folder / "hello.tar", name="localhost/hello:1", program=program)
    return folder / "hello.tar"


def _layout(folder: Path) -> Layout:
    folder.mkdir()
    return Layout(folder, folder / "programs")


@contextmanager
def _containerd(layout: Layout) -> Iterator[None]:
    processes = Processes(layout.state)
    components.write_config(layout)
    component = components.containerd(layout)
    processes.start(component)
    try:
        processes.wait_ready(component)
        yield
    finally:
        processes.stop_all()


def _contents(place: Path) -> dict[str, str]:
    """Return digests of all files of the stock."""
    files = [one for one in place.glob("stock-*/**/*") if one.is_file()]
    return {str(one): hashlib.sha256(one.read_bytes()).hexdigest() for one in files}


def test_a_new_node_has_the_images_and_may_lose_them_for_itself(place: Path, archive: Path) -> None:
    layout = _layout(place / "state")
    stock.lay_in(layout, Processes(layout.state), [archive], cache=place)
    assert not Processes(layout.state).all()
    assert layout.has_loaded(archive)
    before = _contents(place)
    with _containerd(layout):
        told = stock.ctr(layout.containerd_socket, "images", "check", "name==localhost/hello:1")
        assert "complete" in told, told
        assert told.splitlines()[1].endswith("true"), f"unpacked is the last of {told}"
        stock.ctr(layout.containerd_socket, "images", "remove", "--sync", "localhost/hello:1")
        assert "hello" not in stock.ctr(layout.containerd_socket, "images", "list", "--quiet")
    assert before
    assert _contents(place) == before


def test_a_node_that_has_run_is_left_alone(place: Path, archive: Path) -> None:
    layout = _layout(place / "state")
    layout.containerd_root.mkdir(parents=True)
    stock.lay_in(layout, Processes(layout.state), [archive], cache=place)
    assert os.listdir(layout.containerd_root) == []
    assert not layout.has_loaded(archive)


def test_a_stock_of_other_archives_makes_room(place: Path, archive: Path) -> None:
    other = archive.with_name("other.tar")
    other.write_bytes(archive.read_bytes())
    for number, given in enumerate(([archive], [archive, other], [archive, other])):
        layout = _layout(place / f"state-{number}")
        stock.lay_in(layout, Processes(layout.state), given, cache=place)
    (kept,) = place.glob("stock-*")
    assert kept.is_dir()
    assert layout.has_loaded(other)
