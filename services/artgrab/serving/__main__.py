"""`python -m artgrab.serving`: one line of JSON on stdout when it is ready."""

import argparse
import asyncio
import sys

from artgrab.common.servers import announce, check_address, read_settings, run_process
from artgrab.common.store import Store
from artgrab.model.documents import read_info
from artgrab.serving.server import serve
from artgrab.serving.settings import ServingSettings


def main() -> int:
    """Serve until a signal; return the exit code."""
    parser = argparse.ArgumentParser("python -m artgrab.serving", description=__doc__)
    parser.add_argument("--model", required=True, metavar="PREFIX", help="default/models/KEY")
    return run_process(parser, _run)


def _run(options: argparse.Namespace) -> None:
    settings = read_settings(ServingSettings, listen=options.listen)
    store = Store.open(options.store, to_write=False)
    check_address(settings.listen)
    read_info(store, options.model)
    from artgrab.model.classifier import Classifier  # torch: not before the options are right

    classifier = Classifier.load(store, options.model, threads=settings.threads)
    asyncio.run(serve(settings, classifier, announce))


if __name__ == "__main__":
    sys.exit(main())
