"""What bytes are, told by their first few (magic numbers), never by name or header."""

import re

from artgrab.images.types import Data, PictureRefusedError

ALLOWED_FORMATS = ("jpeg", "png", "webp", "gif")

_HEAD_BYTES = 1024
_MAGIC = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"%PDF-", "pdf"),
    (b"%!PS", "eps"),
    (b"\xc5\xd0\xd3\xc6", "eps"),
    (b"8BPS", "psd"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"BM", "bmp"),
    (b"icns", "icns"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"SIMPLE  =", "fits"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jpeg2000"),
    (b"\xff\x4f\xff\x51", "jpeg2000"),
    (b"\xff\x0a", "jxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
)
_BRANDS = {b"avif": "avif", b"avis": "avif", b"heic": "heic", b"heix": "heic", b"mif1": "heic"}
_SVG = re.compile(rb"<svg[\s>]", re.IGNORECASE)
_HTML = re.compile(rb"<(!doctype html|html|head|body|script)[\s>]", re.IGNORECASE)


def sniff(data: Data) -> str:
    """Return the format of a picture: one of ALLOWED_FORMATS.

    Raises:
        PictureRefusedError: anything else; the reason names what it is, or not-an-image.
    """
    found = _named(bytes(data[:_HEAD_BYTES]))
    if found not in ALLOWED_FORMATS:
        raise PictureRefusedError(found)
    return found


def is_html(data: Data) -> bool:
    """Tell whether bytes are a web page."""
    return _named(bytes(data[:_HEAD_BYTES])) == "html"


def _named(head: bytes) -> str:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video")
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return _markup(head)


def _markup(head: bytes) -> str:
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "not-an-image" if head else "empty"
    if _SVG.search(head):
        return "svg"
    return "html" if _HTML.search(head) else "not-an-image"
