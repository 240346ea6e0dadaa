"""How far a running scrape is, as its pod says: optional, so what fails is passed over."""

import re
from collections.abc import Awaitable, Callable

import aiohttp

from artgrab.common.statuses import RunCounts
from artgrab.operator.scrape_jobs import METRICS_PORT

Ask = Callable[[str], Awaitable[RunCounts | None]]
"""Asks the pod at an address."""

_SECONDS = 3.0
_MAX_BYTES = 256 * 1024
_PLAIN = {"Accept-Encoding": "identity"}
"""Few bytes may be compressed that are very many."""
_FIELDS = {"candidates": "found", "stored": "stored", "rejected": "rejected", "failed": "failed"}
_SAMPLE = re.compile(r"^artgrab_scrape_(\w+)(?:\{[^}\n]*\})? ([0-9.e+]{1,20})$", re.MULTILINE)


async def ask_pod(address: str) -> RunCounts | None:
    """Return the counts that a pod serves; None where it does not answer in time."""
    host = f"[{address}]" if ":" in address else address
    try:
        async with aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_SECONDS), trust_env=False, auto_decompress=False
        ) as session:
            url = f"http://{host}:{METRICS_PORT}/metrics"
            async with session.get(url, headers=_PLAIN, allow_redirects=False) as answer:
                return read_counts((await answer.content.read(_MAX_BYTES)).decode(errors="replace"))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None


def read_counts(text: str) -> RunCounts | None:
    """Return the counts of a page of metrics; None where one is missing."""
    samples = dict(_SAMPLE.findall(text))
    try:
        values = {name: int(float(samples[metric])) for name, metric in _FIELDS.items()}
        return RunCounts(**values)
    except (KeyError, ValueError, OverflowError):
        return None
