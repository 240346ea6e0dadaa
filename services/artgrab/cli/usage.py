"""Wrong command lines, in one line instead of typer's box of several."""

from typing import Any

import typer

from artgrab.cli.texts import clean


def usage_problem(error: typer.TyperException) -> str:
    """Return what is wrong with a command line and who explains it; empty where help was shown."""
    options: Any = getattr(error, "possibilities", None)
    said = clean(str(error) if options else error.format_message()).rstrip(".?")
    if not said:
        return ""
    said = said.replace("Value error, ", "").replace(" option: ", " option ")
    said = said.replace(". Did you mean", "; did you mean")
    if options:
        said += f"; did you mean {' or '.join(sorted(options))}"
    return f"{said[0].lower()}{said[1:]} (see {_path(error)} --help)"


def _path(error: typer.TyperException) -> str:
    context: Any = getattr(error, "ctx", None)
    return str(context.command_path) if context else "artgrab"
