"""Pages for people, in one look: one file each, no request, and strangers' text stays text.

For services that render pages (dataset, trainer), whose extras bring jinja2.
"""

import re
from base64 import b64encode
from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from jinja2 import (
    ChoiceLoader,
    Environment,
    PackageLoader,
    PrefixLoader,
    StrictUndefined,
    select_autoescape,
)

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&])")
_NOTHING = "\N{EN DASH}"
_PICTURE = re.compile(r'<img data-source="([0-9a-zA-Z-]+)" src="[^"]*"')
_WITHDRAWN = (
    "data:image/svg+xml;base64,"
    + b64encode(
        b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 96" width="96" height="96">'
        b'<path fill="#d9d5cf" d="M0 0h96v96H0z"/>'
        b'<path stroke="#8b857d" stroke-width="3" d="M28 28l40 40M68 28L28 68"/></svg>'
    ).decode()
)


class Thumbnail(NamedTuple):
    """A small picture inside a page."""

    source_sha256: str
    """Whose picture it is: takedowns find it by this."""
    data: bytes
    """JPEG."""
    width: int
    height: int

    @property
    def uri(self) -> str:
        """The picture as data: URI."""
        return "data:image/jpeg;base64," + b64encode(self.data).decode()


def withdraw_pictures(page: str, sources: Collection[str]) -> str:
    """Return a page whose thumbnails of some pictures are a neutral one; doing it twice is once.

    Args:
        page: what a template of this package's environment has rendered.
        sources: SHA-256 of the pictures as they were fetched (`source_sha256`).
    """

    def neutral(found: re.Match[str]) -> str:
        if found[1] not in sources:
            return found[0]
        return f'<img data-source="{found[1]}" src="{_WITHDRAWN}"'

    return _PICTURE.sub(neutral, page)


@cache
def environment(package: str) -> Environment:
    """Return the environment for the templates of a package.

    `pages/page.html.j2` is the frame to extend, `pages/parts.html.j2` holds macros.
    """
    found = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader(package),
                PrefixLoader({"pages": PackageLoader("artgrab.common.pages")}),
            ]
        ),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {"md": escape_markdown, "number": "{:,}".format, "percent": percent}
    found.filters |= {"plain": plain, "without_scheme": without_scheme}
    found.tests["web_address"] = is_web_address
    return found


def percent(share: float | None, *, decimals: int = 1) -> str:
    """Return a share of 1 as people read it; a dash where there is none."""
    if share is None:
        return _NOTHING
    return f"{100 * share:.{decimals}f}\N{NO-BREAK SPACE}%"


def plain(text: str, length: int = 120) -> str:
    """Return strangers' text on one line, without control characters and marks of direction.

    Args:
        text: of any length and from anywhere.
        length: characters; what is longer ends in an ellipsis.
    """
    printable = "".join(one if one.isprintable() else " " for one in text[: 8 * length])
    line = " ".join(printable.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def escape_markdown(text: str) -> str:
    """Return text that Markdown shows as it is, on one line."""
    return _MARKDOWN_SPECIAL.sub(r"\\\1", " ".join(text.split()))


def is_web_address(url: str) -> bool:
    """Tell whether a link to it opens a web page and runs nothing."""
    return url.startswith(("https://", "http://"))


def without_scheme(url: str) -> str:
    """Return the address of a web page as people say it."""
    return url.removeprefix("https://").removeprefix("http://")
