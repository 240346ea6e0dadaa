"""Licences as sources write them, in one spelling."""

import re

from artgrab.common.records import Licence

_CREATIVE_COMMONS = re.compile(
    r"^https?://(?:www\.)?creativecommons\.org/licenses/([a-z+-]+)/(\d\.\d)(?:/|$)", re.ASCII
)
_PUBLIC_DOMAIN = re.compile(
    r"^https?://(?:www\.)?creativecommons\.org/publicdomain/(zero|mark)/(\d\.\d)(?:/|$)", re.ASCII
)
_CODES = {"zero": "CC0", "mark": "PDM"}


def licence(text: str, *, url: str = "", evidence: str) -> Licence:
    """Return the licence that a name or an address stands for; evidence as in Licence."""
    if text.startswith(("http://", "https://")):
        return Licence(code=_code(text), url=text, evidence=evidence)
    if not text and not url:
        return Licence()
    return Licence(code=text or _code(url), url=url, evidence=evidence)


def _code(url: str) -> str:
    if match := _CREATIVE_COMMONS.match(url):
        return f"CC-{match[1].upper()}-{match[2]}"
    if match := _PUBLIC_DOMAIN.match(url):
        return f"{_CODES[match[1]]}-{match[2]}"
    return ""
