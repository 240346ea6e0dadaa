"""The sources by name: one module each."""

from collections.abc import Mapping

from artgrab.scraper.sources import gallery, mediawiki
from artgrab.scraper.sources.base import Driver, Found, SourceError, SourceLeftError, Tools

DRIVERS: Mapping[str, Driver] = {"gallery": gallery.pictures, "mediawiki": mediawiki.pictures}
"""Drivers by Source.kind."""

__all__ = ["DRIVERS", "Driver", "Found", "SourceError", "SourceLeftError", "Tools"]
