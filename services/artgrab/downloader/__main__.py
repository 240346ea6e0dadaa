"""`python -m artgrab.downloader`: one line of JSON on stdout when it is ready."""

import argparse
import sys

from artgrab.common.network import NetworkSettings
from artgrab.common.servers import announce, read_settings, run_process
from artgrab.common.store import Store
from artgrab.downloader.server import run
from artgrab.downloader.settings import DownloaderSettings


def main() -> int:
    """Serve until a signal; return the exit code."""
    parser = argparse.ArgumentParser("python -m artgrab.downloader", description=__doc__)
    return run_process(parser, _run)


def _run(options: argparse.Namespace) -> None:
    settings = read_settings(DownloaderSettings, listen=options.listen)
    run(settings, read_settings(NetworkSettings), Store.open(options.store), announce)


if __name__ == "__main__":
    sys.exit(main())
