"""The pictures of the demo world and what is known about each."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ART = (
    "painting-pieces",
    "word-drawings",
    "cartoon-words",
    "clipart",
    "cartoon-stamps",
    "costumes",
)
EVERYDAY = (
    "landscape",
    "monuments",
    "animals",
    "tools",
    "fish",
    "energy",
    "cutouts",
    "backgrounds",
)
CATEGORIES = ART + EVERYDAY
TROUBLES = "troubles"
"""Pictures of no category, for the hosts that say no."""


@dataclass(frozen=True)
class Picture:
    """One picture, published or held out."""

    category: str
    file: str
    """Path below the folder of the catalogue; its last part is the name on the sites."""
    title: str
    work: str | None
    """What it is a piece of: pieces of one work are no independent pictures."""
    licence: str | None
    licence_url: str | None
    creator: str | None
    width: int
    height: int
    sha256: str

    @property
    def name(self) -> str:
        """Name of the file alone."""
        return self.file.rpartition("/")[2]


@dataclass(frozen=True)
class Catalogue:
    """All pictures, where they lie, and which of them no site ever shows."""

    folder: Path
    published: Mapping[str, tuple[Picture, ...]]
    """By category; TROUBLES is one of the keys."""
    held_out: Mapping[str, tuple[Picture, ...]]

    def path(self, picture: Picture) -> Path:
        """Return where the picture's original bytes are."""
        return self.folder / picture.file

    def thumbnail(self, picture: Picture) -> Path:
        """Return where the picture's thumbnail is, a small JPEG."""
        return self.folder / "thumbnails" / f"{picture.sha256}.jpg"


def save_catalogue(folder: Path, published: Iterable[Picture], held_out: Iterable[Picture]) -> None:
    """Write the list of a folder's pictures beside them."""
    lists = {
        "published": [asdict(picture) for picture in published],
        "held_out": [asdict(picture) for picture in held_out],
    }
    (folder / "catalogue.json").write_text(json.dumps(lists, indent=1), encoding="utf-8")


def load_catalogue(folder: Path) -> Catalogue:
    """Read what save_catalogue wrote."""
    lists = json.loads((folder / "catalogue.json").read_text(encoding="utf-8"))
    published, held_out = (
        _by_category([Picture(**entry) for entry in lists[key]])
        for key in ("published", "held_out")
    )
    return Catalogue(folder, published, held_out)


def _by_category(pictures: Iterable[Picture]) -> dict[str, tuple[Picture, ...]]:
    grouped: dict[str, list[Picture]] = {}
    for picture in pictures:
        grouped.setdefault(picture.category, []).append(picture)
    return {category: tuple(found) for category, found in grouped.items()}
