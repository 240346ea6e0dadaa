"""Logs of a child that its parent shows: each event one line, told once, without a trace."""

import os
import subprocess
import sys

import pytest

from artgrab.common.logs import FORWARDED
from artgrab.common.progress import parse_forwarded_warning

SCRIPT = """
import structlog
from artgrab.common.logs import configure_logs

configure_logs()
log = structlog.get_logger()
log.info("nobody asked")
for _ in range(2):
    log.warning("host is slow", site="a.test")
try:
    raise ValueError("no such\\nthing")
except ValueError:
    log.exception("candidate failed", site="b.test")
"""


def said(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    return done.stderr.splitlines()


def test_a_child_marks_its_logs_as_warnings_that_are_alike_where_the_events_are() -> None:
    slow, again, failed = map(parse_forwarded_warning, said(**FORWARDED))
    assert slow == again == "host is slow site=a.test"
    assert failed is not None
    assert failed.startswith("candidate failed")
    assert "site=b.test" in failed
    assert "thing" in failed
    assert "Traceback" not in failed


def test_a_child_tells_all_where_somebody_asks_for_it() -> None:
    told = [parse_forwarded_warning(line) for line in said(**FORWARDED, ARTGRAB_LOG_LEVEL="debug")]
    assert "nobody asked" in str(told[0])
    assert "Traceback" in str(told[-1])


@pytest.mark.parametrize("level", ["info", "debug"])
def test_other_processes_write_for_people(level: str) -> None:
    told = said(ARTGRAB_LOG_LEVEL=level)
    assert "[info" in told[0]
    assert "nobody asked" in told[0]
    assert not any(line.startswith("@") for line in told)
