"""Progress in words: what bars, plain lines and tables say alike."""

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len, set_cell_size

from artgrab.cli.pace import clock_text
from artgrab.common.progress import Progress

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str) -> str:
    """Return text without control and format characters: no escape sequence, no reversed line."""
    return "".join(" " if unicodedata.category(c) in _UNSAFE else c for c in text)


def readable(name: str) -> str:
    """Return the name of a file as Unicode; bytes that are none are escaped."""
    return os.fsencode(name).decode(errors="backslashreplace")


def fit(text: str, cells: int) -> str:
    """Return text cut to cells of a terminal, the cut shown."""
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, max(0, cells - 1)).rstrip() + "…" if cells > 0 else ""


def name_of(progress: Progress, *, cells: int = 40) -> str:
    """Return stage and item, safe to write to a terminal."""
    return fit(clean(f"{progress.stage} {progress.item}".strip()), cells)


def amount_of(progress: Progress) -> str:
    """Return how much is done, and of how much."""
    total = "" if progress.total is None else f"/{progress.total}"
    return f"{progress.done}{total} {clean(progress.unit)}"


def rate_of(per_second: float | None) -> str:
    """Return a rate; empty where there is none."""
    return f"{per_second:.1f}/s" if per_second else ""


def eta_of(seconds: float | None, *, at_most: bool, mark: str = "at most ") -> str:
    """Return the time left; empty where nobody can tell."""
    if seconds is None:
        return ""
    return f"{mark if at_most else ''}{clock_text(seconds)} left"


def counts_of(progress: Progress, *, reasons: int = 3) -> str:
    """Return the further counts, the reasons against pictures, and the measures."""
    counts = [f"{count} {clean(name)}" for name, count in progress.counts.items() if count]
    figures = [f"{clean(name)} {value:.3f}" for name, value in progress.figures.items()]
    why = top(progress.reasons, most=reasons)
    return joined([*counts, *figures]) + (f" ({why})" if why else "")


def top(reasons: Mapping[str, int], *, most: int = 3) -> str:
    """Return the most frequent reasons with their counts."""
    ordered = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    shown = [f"{clean(name)} {count}" for name, count in ordered[:most] if count]
    return joined([*shown, *(["…"] if len(ordered) > most else [])])


def joined(parts: Iterable[str], *, separator: str = ", ") -> str:
    """Return what is not empty, put together."""
    return separator.join(part for part in parts if part)


def listed(names: Sequence[str], *, cells: int) -> str:
    """Return as many names as fit, and how many more there are."""
    for shown in range(len(names), 0, -1):
        more = f" and {len(names) - shown} more" if shown < len(names) else ""
        text = joined(names[:shown]) + more
        if cell_len(text) <= cells:
            return text
    return ""
