"""The first process of a scraper's pod hears SIGTERM from its first moments on."""

import subprocess
import sys

from artgrab.common.errors import SurroundingsError

_TOLD_EARLY = """
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == "artgrab.scraper.job":
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Finder())
runpy.run_module("artgrab.scraper", run_name="__main__", alter_sys=True)
"""
_BEFORE = """
import runpy, sys

runpy.run_module("artgrab.scraper.__main__", run_name="imported")
print(*sorted({"grpc", "numpy", "aiohttp", "obstore", "selenium"} & set(sys.modules)))
"""


def test_a_scrape_that_is_to_go_while_it_imports_goes_at_once() -> None:
    command = [sys.executable, "-c", _TOLD_EARLY]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (SurroundingsError.exit_code, "")


def test_nothing_that_takes_long_is_imported_before() -> None:
    assert subprocess.check_output([sys.executable, "-c", _BEFORE], text=True).strip() == ""
