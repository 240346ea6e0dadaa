"""Progress on a real terminal: it fits, leaves the terminal as it was, and answers stay clean."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.support.predicting import BrightnessClassifier, grey_png, predict_server
from tests.support.terminals import COLUMNS, ROWS, Terminal, terminal

_ESCAPE = re.compile(r"\x1b\[[?\d;]*[A-Za-z]")
_COLOUR = re.compile(r"\x1b\[(?:[\d;]*;)?(?:3|4|9|10)\d(?:;[\d;]*)?m")

FOURTEEN_CATEGORIES = """
import sys, time
from artgrab.cli.render import progress_sink
from artgrab.common.progress import Progress

names = [f"category-{n}" for n in range(14)]
with progress_sink(sys.stderr) as sink:
    sink.expect("scrape", names)
    for name in names:
        for done in (0, 40, 80):
            reasons = {"too-small": 5, "robots": 1}
            counts = {"found": done + 6, "stored": done, "rejected": 6}
            sink(Progress(stage="scrape", item=name, done=done, total=100, counts=counts,
                          reasons=reasons, at_most=True, finished=done == 80))
            time.sleep(0.02)  # so that frames are drawn meanwhile
        if name.endswith("3"):
            sink.warn("careful: " + "x" * 200)
print("answer")
"""


def run(one: Terminal, *command: str | Path, **environment: str) -> str:
    """Run with stderr on the terminal; return stdout."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=one.slave,
        text=True,
        timeout=240,
        env=os.environ | {"TERM": "xterm-256color", "LANG": "C.UTF-8"} | environment,
    )
    assert done.returncode == 0
    return done.stdout


def assert_it_fitted(text: str) -> None:
    """The cursor never went up beyond the screen, and no line of the board was too long."""
    ups = [run.count("1A") for run in re.findall(r"(?:\x1b\[1A\x1b\[2K|\x1b\[1A)+", text)]
    assert max(ups, default=0) < ROWS
    lines = _ESCAPE.sub("", text).replace("\r", "\n").splitlines()
    too_long = [line for line in lines if cell_len(line) > COLUMNS and "careful" not in line]
    assert too_long == []


@pytest.mark.parametrize("no_colour", ["", "1"])
def test_fourteen_categories_fit_and_leave_the_terminal_as_it_was(no_colour: str) -> None:
    with terminal() as one:
        assert run(one, "-c", FOURTEEN_CATEGORIES, NO_COLOR=no_colour) == "answer\n"
    assert_it_fitted(one.text)
    plain = _ESCAPE.sub("", one.text)
    assert "14 categories collected: 1204 found, 1120 stored, 84 rejected" in plain
    assert plain.count("careful") == 1
    assert one.text.rindex("\x1b[?25h") > one.text.rindex("\x1b[?25l")
    assert bool(_COLOUR.search(one.text)) is not bool(no_colour)


async def test_answers_on_stdout_are_clean_while_bars_are_on_the_terminal(tmp_path: Path) -> None:
    for number in range(80):
        (tmp_path / f"{number:02}.png").write_bytes(grey_png(200, side=24))
    command = ("-m", "artgrab.cli", "predict", tmp_path, "--output", "json", "--endpoint")
    async with predict_server(BrightnessClassifier()) as endpoint:
        with terminal() as one:
            out = await asyncio.to_thread(run, one, *command, endpoint)
    assert len(json.loads(out)) == 80
    assert "80/80 pictures" in _ESCAPE.sub("", one.text)
    assert_it_fitted(one.text)
