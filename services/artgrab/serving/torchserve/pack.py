"""`python -m artgrab.serving.torchserve.pack`: the archive of a model as a file, and its digests.

Its answer is one line of JSON on stdout. It needs neither torch nor Java.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from artgrab.common.errors import ArtgrabError
from artgrab.common.store import Store
from artgrab.model.documents import read_info
from artgrab.serving.torchserve.archive import write_archive


def main() -> int:
    """Return the exit code; errors are one line on stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", required=True, metavar="URI", help="where everything is kept")
    parser.add_argument("--model", required=True, metavar="PREFIX", help="default/models/KEY")
    parser.add_argument("file", type=Path, help="to write")
    options = parser.parse_args()
    try:
        answer = _pack(options.store, options.model, options.file)
    except ArtgrabError as error:
        sys.stderr.write(f"artgrab: {error}\n")
        return error.exit_code
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
    return 0


def _pack(uri: str, prefix: str, file: Path) -> dict[str, str]:
    store = Store.open(uri, to_write=False)
    info = read_info(store, prefix)
    sha256 = write_archive(
        lambda name: store.get(f"{prefix}/{name}"), file, where=store.uri_of(prefix)
    )
    return {"archive_sha256": sha256, "content_sha256": info.content_sha256}


if __name__ == "__main__":
    sys.exit(main())
