"""The demo world: a small internet on loopback with real pictures, for `make run` and the tests."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from artgrab.common.errors import SurroundingsError
from tests.world.cache import cache_root
from tests.world.catalogue import Catalogue
from tests.world.hosts import Hosts, plan_hosts
from tests.world.packages import missing_requirements
from tests.world.pictures import catalogue as cached_catalogue
from tests.world.scripts import scripts
from tests.world.signals import SignalSites
from tests.world.sites import RequestLog, SeenRequest, Site, Sites, application
from tests.world.unruly import UnrulySites
from tests.world.wiki import running_wiki, wiki_code, wiki_files
from tests.world.wiki_site import WikiSite

__all__ = ["SeenRequest", "World", "demo_world", "missing_requirements", "prepare"]

_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class World:
    """A running world and how to reach it."""

    port: int
    catalogue: Catalogue
    hosts: Hosts
    troubles: Mapping[str, str]
    """URLs of pictures on hosts that say no, by what is the matter (`missing`, `slow`, ...)."""
    log: RequestLog

    @property
    def resolve(self) -> dict[str, str]:
        """Addresses of all hosts of the world, as in curl: pattern to address and port."""
        return {"*.test": f"{_LOOPBACK}:{self.port}"}

    @property
    def allowed_targets(self) -> list[str]:
        """What a downloader must be allowed to fetch from besides the public internet."""
        return [f"{_LOOPBACK}/32:{self.port}"]

    @property
    def held_out(self) -> Path:
        """Folder of the pictures that no site shows, one folder in it for each category."""
        return self.catalogue.folder / "held_out"

    def requests(self, *, host: str = "*", path: str = "*") -> list[SeenRequest]:
        """Return the requests answered so far whose host and path match the shell patterns."""
        return self.log.select(host=host, path=path)


def prepare(*, wiki: bool = True) -> None:
    """Fill the cache with whatever of the world is missing.

    Raises SurroundingsError where a package or a program cannot be had.
    """
    root = cache_root()
    with ThreadPoolExecutor() as pool:
        parts: list[Callable[[Path], object]] = [cached_catalogue, scripts]
        for done in [pool.submit(part, root) for part in (*parts, *([wiki_code] if wiki else []))]:
            done.result()
    if wiki:
        wiki_files(root, cached_catalogue(root))


@contextmanager
def demo_world(*, wiki: bool = True, port: int = 0, address: str = _LOOPBACK) -> Iterator[World]:
    """Run the world in a thread, on a free port of loopback where none is named.

    Whoever reaches it by another `address` reads its log at `http://log.test/requests`.

    Without the wiki no PHP is needed, and the categories of the wiki are missing.
    Raises SurroundingsError as prepare does, and where the port is taken.
    """
    root = cache_root()
    prepare(wiki=wiki)
    catalogue = cached_catalogue(root)
    hosts = plan_hosts(catalogue)
    log = RequestLog()
    with ExitStack() as stack:
        others: list[Site] = [SignalSites(catalogue), UnrulySites(catalogue)]
        if wiki:
            files = wiki_files(root, catalogue)
            others += [WikiSite(catalogue, files.images, stack.enter_context(running_wiki(files)))]
        sites = Sites(catalogue, hosts, scripts=scripts(root), others=tuple(others))
        bound = stack.enter_context(_served(application(sites, log), address, port))
        yield World(bound, catalogue, hosts, sites.troubles.images, log)


@contextmanager
def _served(app: web.Application, address: str, port: int) -> Iterator[int]:
    """Serve from a thread with a loop of its own and yield the port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="demo-world", daemon=True)
    thread.start()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    try:
        yield asyncio.run_coroutine_threadsafe(_start(runner, address, port), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(runner: web.AppRunner, address: str, port: int) -> int:
    await runner.setup()
    try:
        await web.TCPSite(runner, address, port, backlog=1024).start()
    except OSError as error:
        raise SurroundingsError(f"port {port} of {address} is taken: name another") from error
    bound: int = runner.addresses[0][1]
    return bound
