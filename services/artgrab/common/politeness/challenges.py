"""Pages that ask whether a person is there: how they are told from other pages.

They are noticed so that the site is left alone; nothing here, or anywhere, works around them.
"""

import re
from collections.abc import Iterable

HEADERS = ("cf-mitigated", "x-yandex-captcha", "x-amzn-waf-action")
"""Sent with their challenge pages by Cloudflare, Yandex and AWS WAF."""
_READ_BYTES = 32768
_WORDS = (
    rb"captcha|unusual traffic|are you (?:a )?(?:human|robot)|not a robot|just a moment"
    rb"|checking your browser|attention required|security check|verify (?:that )?you are"
    rb"|access denied|access to this page has been denied"
)
_MARKS = re.compile(
    rb"<(?:title|h1|h2)\b[^>]{0,200}>[^<]{0,200}(?:" + _WORDS + rb")"
    rb"|action=[\"']?[^\"'> ]{0,200}captcha|id=[\"']?challenge-form|cf_chl_opt",
    re.IGNORECASE,
)
"""In headlines and forms alone: scripts against robots lie on many a harmless page as well."""


def is_challenge(page: bytes | memoryview, header_names: Iterable[str] = ()) -> bool:
    """Tell whether a page that came instead of what was asked for is such a challenge."""
    names = {name.lower() for name in header_names}
    return not names.isdisjoint(HEADERS) or bool(_MARKS.search(page[:_READ_BYTES]))
