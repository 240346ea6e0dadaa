"""`python -m tests.world` runs the demo world; with `prepare` it only fills the cache."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from artgrab.common.errors import ArtgrabError
from tests.world.world import World, demo_world, missing_requirements, prepare


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "prepare":
                prepare(wiki=not options.no_wiki)
            case "missing":
                print("\n".join(missing_requirements()))
            case _:
                _serve(address=options.host, port=options.port, wiki=not options.no_wiki)
    except ArtgrabError as error:
        print(f"world: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    parser.add_argument(
        "command",
        nargs="?",
        choices=("serve", "prepare", "missing"),
        default="serve",
        help="missing prints the Debian packages still to be installed, one a line",
    )
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=0, help="a free one where not given")
    parser.add_argument("--no-wiki", action="store_true", help="galleries only, without PHP")
    return parser


def _serve(*, address: str, port: int, wiki: bool) -> None:
    stopped = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with demo_world(wiki=wiki, port=port, address=address) as world:
        print(_directions(world), flush=True)
        stopped.wait()


def _directions(world: World) -> str:
    address = world.resolve["*.test"]
    galleries = "\n".join(f"  http://{host}/gallery" for host in sorted(world.hosts.galleries))
    return (
        f"the demo world listens on {address}; all its hosts are *.test:\n"
        f"  curl --connect-to ::{address} http://www.clipart.test/gallery\n"
        f"  chromium --host-resolver-rules='MAP *.test {address}' http://www.clipart.test/gallery\n"
        f"{galleries}\nheld out: {world.held_out}\nCtrl-C stops it"
    )


if __name__ == "__main__":
    sys.exit(main())
