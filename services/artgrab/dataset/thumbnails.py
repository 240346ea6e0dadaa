"""Stored pictures in small: for sheets, and for pages that hold them."""

from PIL import Image

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.manifest import ManifestRow
from artgrab.common.pages import Thumbnail
from artgrab.common.records import Record
from artgrab.common.store import Store
from artgrab.dataset.sheets import TILE, as_jpeg, square, thumbnail

_PAGE_QUALITY = 78


def read_thumbnail(store: Store, one: ManifestRow | Record, *, side: int = TILE) -> Image.Image:
    """Return a stored picture, reduced to fit into a square.

    Raises:
        ObjectMissingError: it is gone.
        ObjectCorruptError: it is not what its record says, or no JPEG.
    """
    data = store.get_verified(one.object_key, one.object_sha256)
    try:
        return thumbnail(data, side=side)
    except (OSError, SyntaxError, ValueError) as error:  # whatever Pillow raises on other bytes
        raise ObjectCorruptError(f"{store.uri_of(one.object_key)} is no JPEG: {error}") from error


def page_thumbnail(
    one: ManifestRow | Record, image: Image.Image, *, crop: int | None = None
) -> Thumbnail:
    """Return a small picture for a page.

    Args:
        one: whose it is.
        image: what read_thumbnail gave.
        crop: side of the square of its middle that is shown; the whole where not given.
    """
    shown = square(image, side=crop) if crop else image
    data = as_jpeg(shown, quality=_PAGE_QUALITY)
    return Thumbnail(one.source_sha256, data, *shown.size)
