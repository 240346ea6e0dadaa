"""What of the operator's settings goes into a scrape Job, as a digest."""

from artgrab.common.digests import short_digest
from artgrab.operator.settings import OperatorSettings

_FIELDS = {
    "downloader",
    "scraper_image",
    "scraper_command",
    "scraper_resources",
    "scraper_env",
    "scraper_tls_secret",
    "scraper_shows_certificate",
    "scrape_deadline_seconds",
}


def template_digest(settings: OperatorSettings) -> str:
    """Return a digest that changes when a refused scrape may fare better than before."""
    return short_digest(settings.model_dump(mode="json", include=_FIELDS), length=10)
