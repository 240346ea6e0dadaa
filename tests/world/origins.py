"""Where in the Debian packages the pictures of each category lie."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.world.catalogue import TROUBLES
from tests.world.licences import CopyrightFile, Licence, licence_url
from tests.world.qrc import read_qrc

SUFFIXES = {".jpg", ".jpeg", ".png", ".gif", ".webp"}

GCOMPRIS = "gcompris-qt-data"
PACKAGES = (
    "openclipart-png",
    "tuxpaint-stamps-default",
    "endless-sky-data",
    GCOMPRIS,
    "scratch",
    "pysiogame",
)
"""Largest first, as they are fetched side by side."""

_CLIPART_FOLDERS = {"animals", "buildings", "education", "food", "office", "people", "plants"}
_CLIPART_FOLDERS |= {"recreation", "tools", "transportation"}
_CLIPART_SIGNS = {"aiga-symbols", "games", "roadsigns"}

_STAMP_FOLDERS = {"animals", "food", "hobbies", "household", "medical", "military", "naturalforces"}
_STAMP_FOLDERS |= {"people", "plants", "space", "sports", "vehicles", "monuments"}
# The package marks drawings by a folder "cartoon", but not all of them.
_DRAWN_STAMPS = {"eye", "hedgehog", "inukshuk-outline", "pizza", "rugby_goal_posts", "tooth"}

# Scratch mixes photographs and drawings in each of its folders.
_PHOTO_COSTUMES = re.compile(
    r"airplane$|amon|anjuli|anna|bike|bird-flying|breakdancer|buffalo|bus$|button|calvrett|car-|cassy"
    r"|chamak|cheesy|cow1|dan\d|ed$|elephant$|fire-hydrant|flower-vase|football|fortune|fruit"
    r"|giraffe|grasshopper2|hair|horse2|insect|jay|jodi|lamp|lee-fan|lego|mako|manhole|marble"
    r"|marissa|nathan|nina|palmtree|paul|referee|ribbon|rock|sail-boat|sam$|scoreboard|squirrel"
    r"|street-cleaner|tennisball|thai|train$|trampoline|tug-boat|umbrella|yacht"
)
# Drawings, and photographs of murals, among the photographs of places.
_DRAWN_BACKGROUNDS = re.compile(
    r"bedroom|party-room|room\d|spotlight|desert$|woods|night-city|school|train-tracks3|underwater"
    r"|stars|chalkboard|hall$|moon|atom-playground|basketball-court2|xy-grid|mural|.*-mural|graffiti"
)

_ACTIVITIES = "src/activities"
_GCOMPRIS_FOLDERS = {
    "painting-pieces": ("paintings/resource/image",),
    "word-drawings": ("lang/resource/words_sample",),
    "monuments": ("categorization/resource/images/monuments", "explore_monuments/resource"),
    "animals": (
        "erase/resource",
        "explore_farm_animals/resource/animals",
        "explore_world_animals/resource/animals",
    ),
    "tools": ("categorization/resource/images/tools",),
    "fish": ("categorization/resource/images/fishes",),
    "energy": ("categorization/resource/images/renewable",),
    TROUBLES: ("categorization/resource/images/others",),
}

_PAINTERS = {
    "AlbrechtDurer": "Albrecht Dürer",
    "Arcimboldo": "Giuseppe Arcimboldo",
    "GreatWave": "Katsushika Hokusai",
    "Hokusai": "Katsushika Hokusai",
    "EjiriSuruga": "Katsushika Hokusai",
    "KazusaSeaRoute": "Katsushika Hokusai",
    "Hiroshige": "Utagawa Hiroshige",
    "Michelangelo": "Michelangelo",
    "MonaLisa": "Leonardo da Vinci",
    "PalaDiPesaro": "Titian",
    "PieterBruegel": "Pieter Bruegel",
    "bazille": "Frédéric Bazille",
    "cassat": "Mary Cassatt",
    "degas": "Edgar Degas",
    "gogh": "Vincent van Gogh",
    "kandinky": "Wassily Kandinsky",
    "renoir": "Pierre-Auguste Renoir",
}


@dataclass(frozen=True)
class Original:
    """A picture file as a package brings it."""

    path: Path
    group: str
    """Sub-folder or painting: a limited choice takes from all of them in turn."""
    title: str
    licence: Licence | None
    work: str | None = None
    creator: str | None = None
    """Who made it, where that is told by the picture itself."""


def originals(trees: Mapping[str, Path]) -> Iterator[tuple[str, list[Original]]]:
    """Yield each category with all its originals, in the folders of unpacked packages by name."""
    for category, package, collect in _COLLECTORS:
        yield category, sorted(collect(trees[package]), key=lambda original: str(original.path))
    gcompris = trees[GCOMPRIS]
    copyright_file = _copyright_file(gcompris, GCOMPRIS)
    for category, folders in _GCOMPRIS_FOLDERS.items():
        yield category, list(_gcompris(gcompris, copyright_file, folders))


def unpack_gcompris(tree: Path) -> None:
    """Write the pictures that we take out of GCompris' resource archives into `tree/src`."""
    names = {folder.partition("/")[0] for group in _GCOMPRIS_FOLDERS.values() for folder in group}
    for name in sorted(names):
        archive = tree / "usr/share/gcompris-qt/rcc" / f"{name}.rcc"
        for path, content in read_qrc(archive.read_bytes()):
            target = tree / path.removeprefix("gcompris/")
            if target.suffix in SUFFIXES and target.resolve().is_relative_to(tree.resolve()):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)


def caption(stem: str) -> str:
    """Turn a file name into words: `tajMahal` into `Taj Mahal`, `frog_green-2` into `Frog green 2`.

    >>> caption("tajMahal")
    'Taj Mahal'
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|[_\-\s]+", " ", stem).strip()
    return words[:1].upper() + words[1:]


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _copyright_file(tree: Path, package: str) -> CopyrightFile:
    path = tree / "usr/share/doc" / package / "copyright"
    return CopyrightFile(path.read_text(encoding="utf-8", errors="replace"))


def _gcompris(tree: Path, said: CopyrightFile, folders: tuple[str, ...]) -> Iterator[Original]:
    for folder in folders:
        for path in _pictures(tree / _ACTIVITIES / folder):
            work = _work(path) if folder.startswith("paintings") else None
            yield Original(
                path,
                group=work or path.parent.name,
                title=caption(path.stem),
                licence=said.licence_of(path.relative_to(tree).as_posix()),
                work=work,
                creator=_painter(work),
            )


def _work(piece: Path) -> str:
    return re.sub(r"[_-][a-e]?\d+$", "", piece.stem)


def _painter(work: str | None) -> str | None:
    return next(
        (who for prefix, who in _PAINTERS.items() if work and work.startswith(prefix)), None
    )


def _landscape(tree: Path) -> Iterator[Original]:
    said = _copyright_file(tree, "endless-sky-data")
    for path in _pictures(tree / "usr/share/games/endless-sky/images/land"):
        kind = re.match(r"[a-z]+", path.stem)
        licence = said.licence_of(f"images/land/{path.name}")
        yield Original(path, kind[0] if kind else "", caption(path.stem), licence)


def _cartoon_words(tree: Path) -> Iterator[Original]:
    # No licence: the copyright file gives three for this folder and does not say which is whose.
    for path in _pictures(tree / "usr/share/games/pysiogame/res/images/art4apps"):
        yield Original(path, path.parent.name, caption(path.stem), None)


def _clipart(tree: Path) -> Iterator[Original]:
    licence = Licence("public-domain", licence_url("public-domain"), None)
    folder = tree / "usr/share/openclipart/png"
    for path in _pictures(folder):
        parts = path.relative_to(folder).parts
        if parts[0] in _CLIPART_FOLDERS and not _CLIPART_SIGNS & set(parts):
            yield Original(path, "/".join(parts[:-1]), caption(path.stem), licence)


def _stamps(tree: Path, *, cartoon: bool) -> Iterator[Original]:
    said = _copyright_file(tree, "tuxpaint-stamps-default")
    folder = tree / "usr/share/tuxpaint/stamps"
    for path in _pictures(folder):
        parts = path.relative_to(folder).parts[:-1]
        if ("cartoon" in parts) == cartoon and (cartoon or _is_photo_stamp(path, parts)):
            group = "/".join(parts[:2])
            licence = said.licence_of(f"stamps/{path.name}")
            yield Original(path, group, _stamp_caption(path), licence)


def _is_photo_stamp(path: Path, folders: tuple[str, ...]) -> bool:
    known = bool(_STAMP_FOLDERS & set(folders)) and not {"toys", "plastic"} & set(folders)
    return known and path.stem not in _DRAWN_STAMPS


def _cartoon_stamps(tree: Path) -> Iterator[Original]:
    return _stamps(tree, cartoon=True)


def _cutouts(tree: Path) -> Iterator[Original]:
    return _stamps(tree, cartoon=False)


def _stamp_caption(path: Path) -> str:
    text = path.with_suffix(".txt")
    lines = text.read_text(encoding="utf-8", errors="replace").splitlines() if text.exists() else []
    return lines[0].strip().rstrip(".") if lines and lines[0].strip() else caption(path.stem)


def _scratch(tree: Path, name: str, unwanted: re.Pattern[str]) -> Iterator[Original]:
    said = _copyright_file(tree, "scratch")
    folder = tree / "usr/share/scratch"
    for path in _pictures(folder / "Media" / name):
        if "Letters" not in path.parts and not unwanted.match(path.stem):
            relative = path.relative_to(folder).as_posix()
            licence = said.licence_of(relative)
            yield Original(path, path.parent.name, caption(path.stem), licence)


def _costumes(tree: Path) -> Iterator[Original]:
    return _scratch(tree, "Costumes", _PHOTO_COSTUMES)


def _backgrounds(tree: Path) -> Iterator[Original]:
    return _scratch(tree, "Backgrounds", _DRAWN_BACKGROUNDS)


_COLLECTORS: tuple[tuple[str, str, Callable[[Path], Iterator[Original]]], ...] = (
    ("cartoon-words", "pysiogame", _cartoon_words),
    ("clipart", "openclipart-png", _clipart),
    ("cartoon-stamps", "tuxpaint-stamps-default", _cartoon_stamps),
    ("costumes", "scratch", _costumes),
    ("landscape", "endless-sky-data", _landscape),
    ("cutouts", "tuxpaint-stamps-default", _cutouts),
    ("backgrounds", "scratch", _backgrounds),
)
