"""`python -m tests.support.mortal`: a process like our servers and stages that dies when told to.

Says `ready` on any connection. A file of DEATHS holds one way to end for each life, in lines:
a signal's number, `exit CODE WORDS...`, or `answer`; without a line it lives on.
"""

import argparse
import json
import os
import socket
import sys
from pathlib import Path

from artgrab.common.processes import die_with_parent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--deaths", type=Path, required=True)
    parser.add_argument("--listen", default="127.0.0.1:0")
    parser.add_argument("--exit-with-parent", type=int, required=True)
    parser.add_argument("--die-early", action="store_true", help="before it says that it is ready")
    options = parser.parse_args()
    die_with_parent(options.exit_with_parent)
    if options.die_early:
        die(options.deaths)
    host, _, port = options.listen.rpartition(":")
    with socket.create_server((host, int(port))) as server:
        print(json.dumps({"endpoint": options.listen, "pid": os.getpid()}), flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"ready")
            die(options.deaths)


def die(deaths: Path) -> None:
    lines = deaths.read_text().splitlines()
    deaths.write_text("\n".join(lines[1:]))
    match lines[0].split() if lines else []:
        case ["exit", code, *words]:
            sys.stderr.write(" ".join(words) + "\n")
            sys.exit(int(code))
        case [number]:
            os.kill(os.getpid(), int(number))


if __name__ == "__main__":
    main()
