"""Contact sheets: many small pictures on one page, so that a person sees what a dataset is."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

TILE = 112
"""Pixels of the square in which each picture is shown whole."""

_COLUMNS = 10
_GAP = 8
_MARGIN = 20
_TITLE_HEIGHT = 44
_HEADING_HEIGHT = 34
_PAPER, _GROUND, _INK, _SOFT = "#faf9f7", "#efedea", "#1f2328", "#6a6f76"
_ACCENT = "#c2410c"
_WIDTH = 2 * _MARGIN + _COLUMNS * (TILE + _GAP) - _GAP


@dataclass(frozen=True)
class Tile:
    """A picture on a sheet; a marked one has a frame."""

    thumbnail: Image.Image
    marked: bool = False


@dataclass(frozen=True)
class Section:
    """Tiles under one heading."""

    heading: str
    tiles: Sequence[Tile]

    @property
    def height(self) -> int:
        """Pixels, heading included."""
        return _HEADING_HEIGHT + -(-len(self.tiles) // _COLUMNS) * (TILE + _GAP) + _GAP


def thumbnail(data: bytes, *, side: int = TILE) -> Image.Image:
    """Return one of our own JPEGs, reduced to fit into a square."""
    image = Image.open(io.BytesIO(data), formats=("JPEG",))
    image.draft("RGB", (side, side))  # the decoder itself skips what is not needed
    image.thumbnail((side, side), Image.Resampling.BOX)
    return image.convert("RGB")


def contact_sheet(title: str, sections: Sequence[Section]) -> bytes:
    """Return a sheet as JPEG."""
    shown = [section for section in sections if section.tiles]
    height = _MARGIN + _TITLE_HEIGHT + sum(section.height for section in shown) + _MARGIN
    sheet = Image.new("RGB", (_WIDTH, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, _MARGIN), title, fill=_INK, font=ImageFont.load_default(24))
    top = _MARGIN + _TITLE_HEIGHT
    for section in shown:
        draw.text((_MARGIN, top), section.heading, fill=_SOFT, font=ImageFont.load_default(16))
        for number, tile in enumerate(section.tiles):
            row, column = divmod(number, _COLUMNS)
            left = _MARGIN + column * (TILE + _GAP)
            _paste(sheet, draw, tile, (left, top + _HEADING_HEIGHT + row * (TILE + _GAP)))
        top += section.height
    return _jpeg(sheet)


def strip(thumbnails: Sequence[Image.Image], *, side: int) -> bytes:
    """Return a row of square crops as JPEG, for a first glance."""
    row = Image.new("RGB", (max(1, len(thumbnails)) * (side + 4) - 4, side), _PAPER)
    for number, image in enumerate(thumbnails):
        row.paste(_square(image, side), (number * (side + 4), 0))
    return _jpeg(row)


def _paste(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, corner: tuple[int, int]
) -> None:
    left, top = corner
    box = (left, top, left + TILE - 1, top + TILE - 1)
    draw.rectangle(box, fill=_GROUND)
    width, height = tile.thumbnail.size
    sheet.paste(tile.thumbnail, (left + (TILE - width) // 2, top + (TILE - height) // 2))
    if tile.marked:
        draw.rectangle(box, outline=_ACCENT, width=3)


def _square(image: Image.Image, side: int) -> Image.Image:
    scale = side / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    left, top = (width - side) // 2, (height - side) // 2
    large = image.resize((width, height), Image.Resampling.BICUBIC)
    return large.crop((left, top, left + side, top + side))


def _jpeg(image: Image.Image) -> bytes:
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=82, optimize=True)
    return sink.getvalue()
