"""robots.txt (RFC 9309): what a site asks of visitors that are programs."""

from protego import Protego

from artgrab.common.network import PRODUCT

MAX_BYTES = 512_000
"""RFC 9309, 2.5: parsers must take at least 500 KiB."""
MAX_REDIRECTS = 5
"""RFC 9309, 2.3.1.2: as many should be followed."""


class RobotsRules:
    """The rules of one origin, as far as they address us."""

    def __init__(self, text: bytes) -> None:
        """Read a robots.txt, or its first MAX_BYTES; whatever it holds, it is read somehow."""
        self._rules = Protego.parse(text[:MAX_BYTES].decode("utf-8", errors="replace"))

    def allows(self, url: str) -> bool:
        """Tell whether we may ask for a URL of the origin."""
        return bool(self._rules.can_fetch(url, PRODUCT))

    @property
    def delay(self) -> float:
        """Seconds the site wants between two visits (Crawl-delay), 0 where it does not say."""
        return max(0.0, float(self._rules.crawl_delay(PRODUCT) or 0.0))


FORBID_ALL = RobotsRules(b"User-agent: *\nDisallow: /\n")
"""For sites whose rules cannot be had."""
