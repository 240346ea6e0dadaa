"""Who made a file and under which licence, as Debian's copyright files tell machines."""

import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

_DEBIAN_LICENCES = (
    "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/#license-short-name"
)
_GNU = "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html"
_KNOWN = {
    "public-domain": "https://creativecommons.org/publicdomain/mark/1.0/",
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "GPL-2": _GNU,
    "GPL-2+": _GNU,
    "GPL-3": "https://www.gnu.org/licenses/gpl-3.0.html",
    "GPL-3+": "https://www.gnu.org/licenses/gpl-3.0.html",
}
_CREATIVE_COMMONS = re.compile(r"CC-(BY(?:-SA|-NC|-ND)*)-(\d\.\d)")
_YEARS_AND_ADDRESS = re.compile(
    r"^(copyright|\(c\)|[\d\s,-]|by\b)+|<[^>]*>|\([^)]*\)", re.IGNORECASE
)


@dataclass(frozen=True)
class Licence:
    """A licence as Debian names it, where its text is, and who holds the copyright."""

    code: str
    url: str
    creator: str | None


def licence_url(code: str) -> str:
    """Return the address of a licence's text; for a rare one, that of Debian's list of names."""
    if found := _CREATIVE_COMMONS.fullmatch(code):
        return f"https://creativecommons.org/licenses/{found[1].lower()}/{found[2]}/"
    return _KNOWN.get(code, _DEBIAN_LICENCES)


class CopyrightFile:
    """The `Files:` paragraphs of a copyright file (DEP 5), of which the last that fits decides."""

    def __init__(self, text: str) -> None:
        self._rules = list(_rules(text))

    def licence_of(self, path: str) -> Licence | None:
        """Return the licence of a path in the source tree, None where the file does not say.

        The suffix is left aside: packages convert pictures and keep the old names in this file.
        """
        found = None
        for pattern, licence in self._rules:
            if fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(
                _stem(path), _stem(pattern)
            ):
                found = licence
        return found


def _stem(path: str) -> str:
    return str(PurePosixPath(path).with_suffix("")) if path.strip("/.") else path


def _rules(text: str) -> Iterator[tuple[str, Licence]]:
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = _fields(paragraph)
        if "files" not in fields or not fields.get("license", "").strip():
            continue
        code = fields["license"].strip().splitlines()[0].strip()
        licence = Licence(code, licence_url(code), _creator(fields.get("copyright", "")))
        for pattern in fields["files"].split():
            yield pattern, licence


def _fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        if not line.startswith((" ", "\t")) and ":" in line:
            name, _, line = line.partition(":")
            name = name.lower()
        fields[name] = fields.get(name, "") + "\n" + line.strip()
    return fields


def _creator(copyright_lines: str) -> str | None:
    """Return the one holder that is named; several holders of a whole tree name nobody."""
    holders = [line for line in copyright_lines.strip().splitlines() if line]
    if len(holders) != 1:
        return None
    name = _YEARS_AND_ADDRESS.sub("", holders[0]).strip(" ,.;:")
    return None if name.lower() in {"", "various", "none", "not copyrighted"} else name
