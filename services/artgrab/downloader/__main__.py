"""`python -m artgrab.downloader`: one line of JSON on stdout when it is ready."""

import argparse
import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor

from artgrab.common.network import NetworkSettings
from artgrab.common.servers import announce, read_settings, run_process
from artgrab.common.store import Store
from artgrab.downloader.server import serve
from artgrab.downloader.settings import DownloaderSettings

_LOOKUPS = 64
"""Threads: a name that nobody answers for blocks one for many seconds."""


def main() -> int:
    """Serve until a signal; return the exit code."""
    parser = argparse.ArgumentParser("python -m artgrab.downloader", description=__doc__)
    return run_process(parser, lambda options: asyncio.run(_serve(options)))


async def _serve(options: argparse.Namespace) -> None:
    settings = read_settings(DownloaderSettings, listen=options.listen)
    network = read_settings(NetworkSettings)
    lookups = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="lookup")
    asyncio.get_running_loop().set_default_executor(lookups)
    await serve(settings, network, Store.open(options.store), announce)


if __name__ == "__main__":
    sys.exit(main())
