"""What both kinds of chaos say to people, and are told by them."""

import argparse
import secrets
import sys


def options_of(prog: str, text: str | None, *, kills: int) -> argparse.ArgumentParser:
    """Return the options that all have; a caller may add its own."""
    parser = argparse.ArgumentParser(prog=f"python -m {prog}", description=text)
    parser.add_argument("--kills", type=int, default=kills, help="at least so many")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    return parser


def tell(text: str) -> None:
    """Write a line for people."""
    print(f"chaos: {text}", file=sys.stderr, flush=True)
