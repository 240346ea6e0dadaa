"""Fill the cache with the pictures of the demo world, chosen the same way on every machine."""

import hashlib
import os
import re
import shutil
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from tests.world.cache import ensure_part, progress
from tests.world.catalogue import TROUBLES, Catalogue, Picture, load_catalogue, save_catalogue
from tests.world.origins import GCOMPRIS, PACKAGES, Original, originals, unpack_gcompris
from tests.world.packages import unpack_debian

MAX_PICTURES = 250
"""Published pictures of a category, at most."""
HELD_OUT = 2
MIN_SIDE = 64
MAX_PIXELS = 40_000_000
THUMBNAIL_SIDE = 96
_DOWNLOADS = 3
_Chosen = Sequence[tuple[Original, str]]
_EPOCH = 1_500_000_000
"""Modification times begin here: the same on every machine, as Last-Modified shows them."""


def catalogue(root: Path) -> Catalogue:
    """Return the pictures in a cache folder; fetch and unpack them first where they are missing."""
    return load_catalogue(ensure_part(root, "pictures", _fill))


def _fill(folder: Path) -> None:
    packages = folder / "packages"
    packages.mkdir()
    trees = _unpack(packages)
    published: list[Picture] = []
    held_out: list[Picture] = []
    seen: set[str] = set()
    for category, found in originals(trees):
        shown, hidden = _split(category, _usable(found, seen, wanted=MAX_PICTURES + HELD_OUT))
        published += _store(folder, category, category, shown)
        held_out += _store(folder, category, f"held_out/{category}", hidden)
        progress(f"{category}: {len(shown)} pictures")
    _thumbnails(folder, published)
    save_catalogue(folder, published, held_out)
    shutil.rmtree(packages)


def _unpack(folder: Path) -> dict[str, Path]:
    def fetch(package: str) -> Path:
        tree = unpack_debian(package, folder)
        if package == GCOMPRIS:
            unpack_gcompris(tree)
        progress(f"unpacked {package}")
        return tree

    with ThreadPoolExecutor(_DOWNLOADS) as pool:
        return dict(zip(PACKAGES, pool.map(fetch, PACKAGES), strict=True))


def spread(found: Iterable[Original]) -> list[Original]:
    """Order originals so that any beginning takes from all groups, in an order that looks random.

    Within a group the digest of group and name decides, so the order is the same everywhere.
    """
    groups: dict[str, list[Original]] = {}
    for original in sorted(found, key=_digest):
        groups.setdefault(original.group, []).append(original)
    ranked = [
        (rank, _digest(original), original)
        for members in groups.values()
        for rank, original in enumerate(members)
    ]
    return [original for _, _, original in sorted(ranked, key=lambda entry: entry[:2])]


def _digest(original: Original) -> bytes:
    return hashlib.sha256(f"{original.group}/{original.path.name}".encode()).digest()


def _usable(
    found: Iterable[Original], seen: set[str], *, wanted: int
) -> list[tuple[Original, str]]:
    """Return up to `wanted` originals, with their sha256, of usable size and bytes not yet seen."""
    chosen: list[tuple[Original, str]] = []
    for original in spread(found):
        digest = hashlib.sha256(original.path.read_bytes()).hexdigest()
        if digest not in seen and has_usable_size(original.path):
            seen.add(digest)
            chosen.append((original, digest))
        if len(chosen) == wanted:
            break
    return chosen


def has_usable_size(path: Path) -> bool:
    """Tell whether a picture is neither tiny nor so large that decoding it hurts."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            width, height = _size(path)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            return False
    return min(width, height) >= MIN_SIDE and width * height <= MAX_PIXELS


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def _split(category: str, chosen: _Chosen) -> tuple[_Chosen, _Chosen]:
    """Part the published from the held out, of which no site may show even another piece."""
    if category == TROUBLES:
        return chosen, []
    work = chosen[-1][0].work
    if work is None:
        return chosen[:-HELD_OUT], chosen[-HELD_OUT:]
    pieces = [entry for entry in chosen if entry[0].work == work]
    return [entry for entry in chosen if entry[0].work != work], pieces[:HELD_OUT]


def _store(folder: Path, category: str, below: str, chosen: _Chosen) -> Iterator[Picture]:
    (folder / below).mkdir(parents=True, exist_ok=True)
    for number, (original, digest) in enumerate(chosen):
        file = f"{below}/{_file_name(original, digest)}"
        shutil.copyfile(original.path, folder / file)
        time = _EPOCH + 3600 * number
        os.utime(folder / file, (time, time))
        yield _picture(category, file, original, digest, _size(original.path))


def _file_name(original: Original, digest: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", original.path.stem.lower()).strip("-")[:60]
    return f"{plain}-{digest[:6]}{original.path.suffix.lower()}"


def _picture(
    category: str, file: str, original: Original, digest: str, size: tuple[int, int]
) -> Picture:
    licence = original.licence
    return Picture(
        category=category,
        file=file,
        title=original.title,
        work=original.work,
        licence=licence.code if licence else None,
        licence_url=licence.url if licence else None,
        creator=original.creator or (licence.creator if licence else None),
        width=size[0],
        height=size[1],
        sha256=digest,
    )


def _thumbnails(folder: Path, pictures: Iterable[Picture]) -> None:
    (folder / "thumbnails").mkdir()
    for picture in pictures:
        with Image.open(folder / picture.file) as image:
            image.draft("RGB", (THUMBNAIL_SIDE, THUMBNAIL_SIDE))
            small = image.convert("RGBA")
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        ground = Image.new("RGB", small.size, "white")
        ground.paste(small, mask=small)
        ground.save(folder / "thumbnails" / f"{picture.sha256}.jpg", quality=80)
