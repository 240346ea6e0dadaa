"""What the page of a gallery says on the use of the pictures it shows; pure."""

from collections.abc import Sequence

from artgrab.common.politeness.optouts import bounded_signals, page_signals

OPT_OUT_HEADERS = (
    "x-robots-tag",
    "content-usage",
    "content-signal",
    "tdm-reservation",
    "tdm-policy",
)


class OptOuts:
    """What is known of one page: its robots.txt, and its headers as the browser tells them."""

    def __init__(self, robots: Sequence[str] = (), headers: object = None) -> None:
        """Take what the page let us have; headers are its word and may be anything."""
        self._robots = [f"page {signal}" for signal in robots]
        values = headers if isinstance(headers, list) else []
        self._headers = {
            name: [value]
            for name, value in zip(OPT_OUT_HEADERS, values, strict=False)
            if isinstance(value, str)
        }

    def with_metas(self, metas: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Return all signals, given the meta elements as they are now: scripts can add some."""
        found = page_signals(metas, lambda name: self._headers.get(name, []))
        return bounded_signals([*found, *self._robots])
