"""The demo world for visitors from elsewhere, as in a pod: its address, and its log over HTTP."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.support.requirements import need
from tests.support.waiting import WAIT_SECONDS
from tests.world.sites import LOG_HOST
from tests.world.world import missing_requirements

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("world")]

ROOT = Path(__file__).parents[2]
Ask = Callable[[str, str], bytes]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Ask a host for a path of a world that listens on all addresses, in another process."""
    missing = missing_requirements()
    need(not missing, packages=" ".join(missing))
    command = [sys.executable, "-m", "tests.world", "serve", "--no-wiki", "--host", "0.0.0.0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().partition(";")[0].rpartition(":")[2])

        def get(host: str, path: str) -> bytes:
            # Not 127.0.0.1, where it would listen anyway.
            request = Request(f"http://127.0.0.2:{port}{path}", headers={"Host": host})
            with urlopen(request, timeout=WAIT_SECONDS) as answer:
                body: bytes = answer.read()
                return body

        yield get
        process.terminate()
        process.communicate()


def test_another_process_reads_what_was_asked_of_which_host(ask: Ask) -> None:
    ask("www.clipart.test", "/gallery?limit=3")
    ask("www.energy.test", "/robots.txt")
    (seen,) = json.loads(ask(LOG_HOST, "/requests?host=*.clipart.test"))
    assert (seen["host"], seen["path"]) == ("www.clipart.test", "/gallery?limit=3")
    assert (seen["status"], seen["user_agent"][:13]) == (200, "Python-urllib")
    (robots,) = json.loads(ask(LOG_HOST, "/requests?host=*.energy.test&path=/robots*"))
    assert robots["time"] >= seen["time"]
    assert len(json.loads(ask(LOG_HOST, "/requests"))) == 2


def test_reading_the_log_is_no_entry_of_it(ask: Ask) -> None:
    before = ask(LOG_HOST, "/requests")
    assert ask(LOG_HOST, "/requests") == before


def test_the_log_has_nothing_else_to_say(ask: Ask) -> None:
    with pytest.raises(HTTPError, match="404"):
        ask(LOG_HOST, "/")
