"""Contact sheets: many small pictures on one page, so that a person sees what a dataset is."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

TILE = 112
"""Pixels of the square in which each picture is shown whole."""

_COLUMNS = 10
_GAP = 8
_CAPTION_HEIGHT = 18
_CAPTION_SIZE = 11.5
_MARGIN = 20
_TITLE_HEIGHT = 44
_HEADING_HEIGHT = 34
_PAPER, _GROUND, _INK, _SOFT = "#faf9f7", "#efedea", "#1f2328", "#5c6269"
_ACCENT = "#1f6c9c"
_WIDTH = 2 * _MARGIN + _COLUMNS * (TILE + _GAP) - _GAP
_QUALITY = 82


@dataclass(frozen=True)
class Tile:
    """A picture on a sheet; a marked one has a frame."""

    thumbnail: Image.Image
    marked: bool = False
    caption: str = ""
    """One line below it, cut where it is too long."""


@dataclass(frozen=True)
class Section:
    """Tiles under one heading."""

    heading: str
    tiles: Sequence[Tile]

    @property
    def row_height(self) -> int:
        """Pixels of a row of tiles with its gap."""
        captions = _CAPTION_HEIGHT if any(tile.caption for tile in self.tiles) else 0
        return TILE + captions + _GAP

    @property
    def height(self) -> int:
        """Pixels, heading included."""
        return _HEADING_HEIGHT + -(-len(self.tiles) // _COLUMNS) * self.row_height + _GAP


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
            _paste(sheet, draw, tile, (left, top + _HEADING_HEIGHT + row * section.row_height))
        top += section.height
    return as_jpeg(sheet)


def square(image: Image.Image, *, side: int) -> Image.Image:
    """Return the middle of a picture as a square."""
    scale = side / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    left, top = (width - side) // 2, (height - side) // 2
    large = image.resize((width, height), Image.Resampling.BICUBIC)
    return large.crop((left, top, left + side, top + side))


def as_jpeg(image: Image.Image, *, quality: int = _QUALITY) -> bytes:
    """Return a picture as JPEG."""
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=quality, optimize=True)
    return sink.getvalue()


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
    if tile.caption:
        font = ImageFont.load_default(_CAPTION_SIZE)
        ink = _ACCENT if tile.marked else _INK
        draw.text((left, top + TILE + 2), _fitting(tile.caption, draw, font), fill=ink, font=font)


def _fitting(
    text: str, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> str:
    if draw.textlength(text, font=font) <= TILE:
        return text
    text = text[:TILE]  # no character is narrower than a pixel
    while text and draw.textlength(f"{text}...", font=font) > TILE:
        text = text[:-1]
    return f"{text}..."
