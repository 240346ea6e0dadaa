"""What a shell offers when Tab is pressed: documents, and names out of the store."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from artgrab.common.errors import ArtgrabError

DOCUMENT_SUFFIXES = (".yaml", ".yml")


def documents(incomplete: str) -> list[str]:
    """Offer YAML files, and the folders on the way to them."""
    return paths(incomplete, lambda name: name.lower().endswith(DOCUMENT_SUFFIXES))


def folders(incomplete: str) -> list[str]:
    """Offer folders, as a store is one."""
    return paths(incomplete, lambda name: False)


def paths(incomplete: str, wanted: Callable[[str], bool]) -> list[str]:
    """Return the folders and wanted files that begin so; a folder alone is opened at once."""
    found = list(_beginning(incomplete, wanted))
    while len(found) == 1 and found[0].endswith("/"):
        inside = list(_beginning(found[0], wanted))
        if not inside:
            break
        found = inside
    return found


def _beginning(incomplete: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    shown, _, start = incomplete.rpartition("/")
    shown += "/" if "/" in incomplete else ""
    try:
        entries = sorted(os.scandir(Path(shown or ".").expanduser()), key=lambda one: one.name)
    except OSError:
        return
    for entry in entries:
        if not entry.name.startswith(start) or (entry.name[:1] == "." and not start):
            continue
        if entry.is_dir():
            yield f"{shown}{entry.name}/"
        elif wanted(entry.name):
            yield f"{shown}{entry.name}"


def classifiers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the classifiers of the store that the command line names."""
    namespace = str(ctx.params.get("namespace") or "default")
    uri = str(ctx.params.get("store") or "")
    if uri.startswith("s3:"):
        return []  # a key press must not wait for a network
    from artgrab.common.store import Store  # not for every call
    from artgrab.common.store.folders import folder_of

    try:
        store = Store.open(str(folder_of(uri)), to_write=False)
        keys = [info.key for info in store.list(f"{namespace}/classifiers")]
    except ArtgrabError:
        return []
    names = (key.rpartition("/")[2].removesuffix(".json") for key in keys)
    return [name for name in names if name.startswith(incomplete)]
