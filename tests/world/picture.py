"""A picture of a terminal: what `tmux capture-pane -e -p` gives on stdin becomes SVG on stdout."""

import io
import re
import sys

from rich.console import Console
from rich.text import Text

_WEB_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""A picture in a README asks nobody for anything."""


def svg_of(captured: str, *, columns: int, title: str) -> str:
    """Return a terminal of so many columns that shows what was captured; the same each time."""
    console = Console(
        file=io.StringIO(),
        record=True,
        width=columns,
        force_terminal=True,
        color_system="truecolor",
    )
    console.print(Text.from_ansi(captured.rstrip()), soft_wrap=True)
    picture = console.export_svg(title=title, unique_id="terminal")
    return _WEB_FONTS.sub("", picture).replace("Fira Code", "DejaVu Sans Mono")


if __name__ == "__main__":
    sys.stdout.write(svg_of(sys.stdin.read(), columns=int(sys.argv[1]), title=sys.argv[2]))
