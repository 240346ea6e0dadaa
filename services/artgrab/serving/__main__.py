"""`python -m artgrab.serving`: one line of JSON on stdout when it is ready."""

import argparse
import asyncio
import json
import sys

from pydantic import ValidationError
from pydantic_settings import SettingsError

from artgrab.common.errors import ArtgrabError, BadInputError
from artgrab.common.logs import configure_logs
from artgrab.common.processes import die_with_parent
from artgrab.common.store import Store
from artgrab.model.documents import read_info
from artgrab.serving.server import check_address, serve
from artgrab.serving.settings import ServingSettings


def main() -> int:
    """Serve until a signal; return the exit code."""
    options = _parse()
    if options.exit_with_parent is not None:
        die_with_parent(options.exit_with_parent)
    configure_logs()
    try:
        _run(options)
    except ArtgrabError as error:
        sys.stderr.write(f"artgrab: {error}\n")
        return error.exit_code
    return 0


def _run(options: argparse.Namespace) -> None:
    settings = _settings(options.listen)
    store = Store.open(options.store)
    check_address(settings.listen)
    read_info(store, options.model)
    from artgrab.model.classifier import Classifier  # torch: not before the options are right

    classifier = Classifier.load(store, options.model, threads=settings.threads)
    asyncio.run(serve(settings, classifier, _announce))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m artgrab.serving", description=__doc__)
    parser.add_argument("--store", required=True, metavar="URI", help="where the model is kept")
    parser.add_argument("--model", required=True, metavar="PREFIX", help="default/models/KEY")
    parser.add_argument("--listen", metavar="ADDRESS:PORT", help="port 0 takes a free one")
    parser.add_argument("--exit-with-parent", type=int, metavar="PID", help="end when PID ends")
    return parser.parse_args()


def _settings(listen: str | None) -> ServingSettings:
    try:
        return ServingSettings() if listen is None else ServingSettings(listen=listen)
    except (ValidationError, SettingsError) as error:
        first_line = " ".join(str(error).split())
        raise BadInputError(f"environment ARTGRAB_SERVING_...: {first_line}") from error


def _announce(endpoint: str) -> None:
    sys.stdout.write(json.dumps({"endpoint": endpoint}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
