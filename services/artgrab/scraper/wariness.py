"""Sites that do not want us or are not there: noticed, and not asked again while a run lasts."""

from collections import Counter

from artgrab.common.urls import site_of

MAX_REFUSALS = 3
"""In a row. A gallery is asked once for each query: a person would have given up before."""


class Wariness:
    """Which sites are left alone; one serves all scrapes of a run."""

    def __init__(self) -> None:
        self._refusals: Counter[str] = Counter()
        self._left: dict[str, str] = {}

    def problem(self, url: str) -> str:
        """Say why the site of a URL is not to be asked; empty where it may be."""
        return self._left.get(site_of(url), "")

    def refused(self, url: str, how: str, *, at_once: bool = False) -> None:
        """Note that a site refused us; it is left at once, or after MAX_REFUSALS."""
        site = site_of(url)
        self._refusals[site] += 1
        if at_once or self._refusals[site] >= MAX_REFUSALS:
            self.leave(url, f"turns us away ({how})")

    def leave(self, url: str, why: str) -> None:
        """Ask a site nothing more."""
        site = site_of(url)
        self._left.setdefault(site, f"{site} {why}: not asked again in this run")

    def welcomed(self, url: str) -> None:
        """Note that a site answered well."""
        self._refusals.pop(site_of(url), None)
