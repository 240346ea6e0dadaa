"""Pages that ask whether a person is there: how they are told from other pages.

They are noticed so that the site is left alone; nothing here, or anywhere, works around them.
"""

import re
from collections.abc import Iterable

HEADERS = ("cf-mitigated", "x-yandex-captcha", "x-amzn-waf-action")
"""Sent with their challenge pages by Cloudflare, Yandex and AWS WAF."""
_READ_BYTES = 65536
_MARKS = re.compile(
    rb"captcha|cf-turnstile|cf-chl-|challenge-form|challenge-platform|unusual traffic"
    rb"|are you (?:a )?(?:human|robot)|not a robot|just a moment\.\.\."
    rb"|checking your browser|access to this page has been denied",
    re.IGNORECASE,
)


def is_challenge(body: bytes, header_names: Iterable[str] = ()) -> bool:
    """Tell whether a page that came instead of what was asked for is a challenge to prove oneself.

    Words alone do not tell a challenge from a page that also has a form with a captcha: ask only
    about pages that lack what they should hold.
    """
    names = {name.lower() for name in header_names}
    return not names.isdisjoint(HEADERS) or bool(_MARKS.search(body[:_READ_BYTES]))
