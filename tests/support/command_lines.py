"""Command lines of help and documents, parsed as `artgrab` would, and not run."""

import re
import shlex
from typing import Any

import typer.main

from artgrab.cli.app import app

ROOT: Any = typer.main.get_command(app)


def parsed(line: str) -> tuple[str, ...]:
    """Parse a command line without running it; return the names of the commands it goes through."""
    program, *arguments = shlex.split(line)
    assert program == "artgrab", line
    command: Any = ROOT
    path: tuple[str, ...] = ()
    context = command.make_context(program, arguments)
    while hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        if not rest:
            return path
        name, command, arguments = command.resolve_command(context, rest)
        path = (*path, name)
        context = command.make_context(name, list(arguments), parent=context)
    return path


def commands_in(markdown: str) -> list[str]:
    """Return the command lines of artgrab that a page shows, without the notes behind them."""
    return re.findall(r"^ {4}(artgrab .+?)(?: +# .*)?$", markdown, flags=re.MULTILINE)


def block_below(heading: str, markdown: str) -> list[str]:
    """Return the command lines of the first block below a heading: each whole, without its note."""
    section = markdown.split(f"\n{heading}\n\n", 1)[1]
    block = re.match(r"(?: {4}.*\n)+", section)
    assert block, f"no block below {heading}"
    whole = re.sub(r" *\\\n +", " ", block[0])
    return [re.sub(r" +# .*$", "", line.strip()) for line in whole.splitlines()]
