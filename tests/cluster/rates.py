"""How often sites were asked, as they saw it themselves: what politeness is measured by."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

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


def too_close(seen: Visits, *, seconds: float) -> list[str]:
    """Tell of each pair of requests to one site that came closer than so many seconds."""
    return [
        f"{site}: {after - before:.2f} s apart, at {after:.2f}"
        for site, times in seen.items()
        for before, after in pairwise(times)
        if after - before < seconds
    ]


def too_many(seen: Visits, *, most: int, window: float) -> list[str]:
    """Tell of each site that got more than so many requests within some window of seconds."""
    return [
        f"{site}: {most + 1} requests in {last - first:.2f} s, at {last:.2f}"
        for site, times in seen.items()
        for first, last in zip(times, times[most:], strict=False)
        if last - first < window
    ]
