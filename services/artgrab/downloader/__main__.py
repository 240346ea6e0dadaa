"""`python -m artgrab.downloader`: one line of JSON on stdout when it is ready."""

import argparse
import asyncio
import json
import sys
from concurrent.futures import ThreadPoolExecutor

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from artgrab.common.errors import ArtgrabError, BadInputError
from artgrab.common.logs import configure_logs
from artgrab.common.network import NetworkSettings
from artgrab.common.processes import die_with_parent
from artgrab.common.store import Store
from artgrab.downloader.server import serve
from artgrab.downloader.settings import DownloaderSettings

_LOOKUPS = 64
"""Threads: a name that nobody answers for blocks one for many seconds."""


def main() -> int:
    """Serve until a signal; return the exit code."""
    arguments = _parse()
    if arguments.exit_with_parent is not None:
        die_with_parent(arguments.exit_with_parent)
    configure_logs()
    try:
        asyncio.run(_serve(arguments))
    except ArtgrabError as error:
        sys.stderr.write(f"artgrab: {error}\n")
        return error.exit_code
    return 0


async def _serve(arguments: argparse.Namespace) -> None:
    settings, network = _settings(arguments.listen)
    lookups = ThreadPoolExecutor(_LOOKUPS, thread_name_prefix="lookup")
    asyncio.get_running_loop().set_default_executor(lookups)
    await serve(settings, network, Store.open(arguments.store), _announce)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m artgrab.downloader", description=__doc__)
    parser.add_argument("--store", required=True, metavar="URI", help="where pictures are kept")
    parser.add_argument("--listen", metavar="ADDRESS:PORT", help="port 0 takes a free one")
    parser.add_argument("--exit-with-parent", type=int, metavar="PID", help="end when PID ends")
    return parser.parse_args()


def _settings(listen: str | None) -> tuple[DownloaderSettings, NetworkSettings]:
    try:
        settings = DownloaderSettings() if listen is None else DownloaderSettings(listen=listen)
        return settings, NetworkSettings()
    except ValidationError as error:
        raise BadInputError(_first_mistake(error)) from error
    except SettingsError as error:
        raise BadInputError(f"environment: {error}") from error


def _first_mistake(error: ValidationError) -> str:
    """Return the first mistake with the name of the variable that holds it."""
    models: tuple[type[BaseSettings], ...] = (DownloaderSettings, NetworkSettings)
    prefix = next(m.model_config["env_prefix"] for m in models if m.__name__ == error.title)
    first = error.errors()[0]
    return f"{prefix}{first['loc'][0]}".upper() + f": {first['msg']}"


def _announce(endpoint: str) -> None:
    sys.stdout.write(json.dumps({"endpoint": endpoint}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
