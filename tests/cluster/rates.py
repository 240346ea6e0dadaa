"""How often sites were asked, as they saw it themselves: what politeness is measured by."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from artgrab.common.urls import site_of
from tests.world.sites import SeenRequest

Visits = Mapping[str, Sequence[float]]
"""Times of the requests to each registrable domain, in order, in seconds."""


def visits(requests: Iterable[SeenRequest]) -> Visits:
    """Group requests by whom they went to."""
    times: dict[str, list[float]] = defaultdict(list)
    for one in requests:
        times[site_of(f"http://{one.host}/")].append(one.time)
    return {site: sorted(seen) for site, seen in times.items()}


def too_often(seen: Visits, *, spacing: float, tolerance: float) -> list[str]:
    """Tell of each site that got more requests in some while than so many seconds apart fit into.

    A request that was late on its way makes the next one come early, and no more than that: the
    tolerance is how late, in seconds. Below the spacing it lets no request through that is one too
    many, whoever sent it.
    """
    found = ((site, _haste(times, spacing)) for site, times in seen.items())
    return [
        f"{site}: {haste.requests} requests in {haste.seconds:.2f} s, until {haste.until:.2f}"
        for site, haste in found
        if haste.lead > tolerance
    ]


class _Haste(NamedTuple):
    """The while in which a site was asked most hastily."""

    lead: float
    """Seconds that are missing between the requests, all in all."""
    requests: int
    seconds: float
    until: float


def _haste(times: Sequence[float], spacing: float) -> _Haste:
    """Return the worst while: of all first and last requests those most ahead of their time."""
    worst, first = _Haste(0.0, 1, 0.0, times[0]), 0
    for last, time in enumerate(times):
        if time - last * spacing > times[first] - first * spacing:
            first = last
        seconds = time - times[first]
        lead = (last - first) * spacing - seconds
        if lead > worst.lead:
            worst = _Haste(lead, last - first + 1, seconds, time)
    return worst
