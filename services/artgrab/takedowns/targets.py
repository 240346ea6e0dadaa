"""From what a person writes to a takedown: a URL, a host, a digest or a picture's file."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.takedowns import Takedown, TakedownKind, takedown_of
from artgrab.common.urls import normalise_host, normalise_url
from artgrab.images import DecodePool, DecoderFailedError, Picture, PictureRefusedError

MAX_FILE_BYTES = 25 * 1024**2
"""As many as the downloader takes of a picture unless it is set otherwise."""

MAX_REASON_LENGTH = 1000
_SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")
_PICTURE_NAME = re.compile(r".*\.(jpe?g|png|webp|gif|bmp|tiff?|svg|avif|heic)", re.IGNORECASE)
_SHOWN = 80


def _now() -> datetime:
    return datetime.now(UTC)


def recognise(text: str, *, reason: str = "", now: Callable[[], datetime] = _now) -> Takedown:
    """Return the takedown that a text asks for; a file that is there is one of a picture.

    Raises:
        BadInputError: it is nothing that can be taken down; says what would be.
        SurroundingsError: the file cannot be read.
    """
    if len(reason) > MAX_REASON_LENGTH:
        raise BadInputError(f"--reason: {len(reason)} characters; at most {MAX_REASON_LENGTH}")
    kind, target, picture = _recognised(text)
    return takedown_of(
        kind,
        target,
        reason=reason,
        created_at=now().isoformat(timespec="seconds"),
        perceptual_hash=picture.perceptual_hash if picture else "",
        width=picture.source_width if picture else 0,
        height=picture.source_height if picture else 0,
    )


def _recognised(text: str) -> tuple[TakedownKind, str, Picture | None]:
    path = _file_named(text)
    if path is not None:
        picture = _picture_in(path)
        return TakedownKind.PICTURE, picture.source_sha256, picture
    if digest := _SHA256.fullmatch(text):
        return TakedownKind.SHA256, digest[1].lower(), None
    if "://" in text:
        return TakedownKind.URL, _url(text), None
    return TakedownKind.HOST, _host(text), None


def _file_named(text: str) -> Path | None:
    path = Path(text or "\0")  # an empty text would be the folder we are in
    try:
        if path.is_dir():
            raise BadInputError(f"{_shown(text)} is a folder; name the pictures in it one by one")
        if path.exists() and not path.is_file():
            raise BadInputError(f"{_shown(text)} is no plain file")
        return path if path.is_file() else None
    except (OSError, ValueError):  # no text that could be a path
        return None


def _picture_in(path: Path) -> Picture:
    data = _bytes_of(path)
    try:
        return asyncio.run(_processed(data))
    except (PictureRefusedError, DecoderFailedError) as error:
        raise BadInputError(
            f"{_shown(str(path))} is no picture that artgrab takes ({error.reason}); "
            "give a JPEG, PNG, WebP or GIF, or a URL, a host or a SHA-256"
        ) from error


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SurroundingsError(f"{_shown(str(path))}: {error.strerror}") from error
    if len(data) > MAX_FILE_BYTES:
        raise BadInputError(
            f"{_shown(str(path))} is larger than {MAX_FILE_BYTES // 1024**2} MB, which no picture "
            "of a store was; give the picture itself, or its URL"
        )
    return data


async def _processed(data: bytes) -> Picture:
    async with DecodePool(workers=1) as pool:
        return await pool.process(data)


def _url(text: str) -> str:
    try:
        return normalise_url(text)
    except BadInputError as error:
        raise BadInputError(f"{_shown(text)}: {error}") from error


def _host(text: str) -> str:
    if "/" in text or "\\" in text or _PICTURE_NAME.fullmatch(text):
        raise BadInputError(
            f"{_shown(text)}: no such file, and no URL either (one begins with http:// or https://)"
        )
    try:
        return normalise_host(text)
    except BadInputError as error:
        raise BadInputError(
            f"{_shown(text)}: {error}; give a URL, a host such as img.example.org, "
            "a SHA-256 of 64 digits or a picture's file"
        ) from error


def _shown(text: str) -> str:
    """Return a text for a message of one line."""
    if not text:
        return "an empty text"
    plain = "".join(one if one.isprintable() else "?" for one in text)
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"
