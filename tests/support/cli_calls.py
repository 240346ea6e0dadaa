"""The `artgrab` command inside of this process: what it said, and its exit code."""

import sys
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest

from artgrab.cli.main import main


class Said(NamedTuple):
    """How a call ended."""

    code: int
    out: str
    err: str


def artgrab(captured: pytest.CaptureFixture[str], *arguments: Any) -> Said:
    """Call the command as a shell would; a second faster than a process of its own."""
    captured.readouterr()
    argv = ["artgrab", *map(str, arguments)]
    with patch.object(sys, "argv", argv), pytest.raises(SystemExit) as ended:
        main()
    out, err = captured.readouterr()
    assert "Traceback" not in err
    return Said(int(ended.value.code or 0), out, err)
