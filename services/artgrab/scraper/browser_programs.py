"""Chromium and its driver as programs: where they are, and whether they fit."""

import re
import resource
import shutil
import subprocess
from collections.abc import Mapping

from artgrab.common.errors import SurroundingsError

ADVICE = "on Debian: apt-get install chromium chromium-driver"
_PACKAGES: Mapping[str, str] = {"chromium": "chromium", "chromedriver": "chromium-driver"}
_VERSION = re.compile(r"\b(\d+)\.\d+\.\d+[\d.]*")
_SECONDS = 30
_FILES = 256
"""Open at once; with 100 Chromium ends without a word, with 200 it runs (Chromium 156)."""


class BrowserMissingError(SurroundingsError):
    """A program is not there, does not fit the other, or would not run."""


def find_programs() -> tuple[str, str]:
    """Return the paths of Chromium and of its driver.

    Raises:
        BrowserMissingError: one is not installed.
    """
    found = {name: shutil.which(name) for name in _PACKAGES}
    missing = [_PACKAGES[name] for name, path in found.items() if path is None]
    if missing:
        raise BrowserMissingError(f"{' and '.join(missing)} not found on the PATH; {ADVICE}")
    return str(found["chromium"]), str(found["chromedriver"])


def check_programs() -> None:
    """Make sure that both are there, of one major version, and may open the files they need.

    Raises:
        BrowserMissingError: one is missing, they do not fit, or would end at once.
    """
    if complaint := mismatch(*find_programs()) or _too_few_files():
        raise BrowserMissingError(complaint)


def _too_few_files() -> str:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY or most >= _FILES:
        return ""
    return f"{most} files may be open at once and the browser needs {_FILES}; ulimit -n 4096"


def mismatch(browser: str, driver: str) -> str:
    """Say which versions two programs have where those do not fit; empty where they may."""
    versions = version_of(browser), version_of(driver)
    majors = {version.partition(".")[0] for version in versions if version}
    if len(majors) < 2:
        return ""
    return f"chromium is {versions[0]} and chromedriver is {versions[1]}; both must fit; {ADVICE}"


def version_of(program: str) -> str:
    """Return the version that a program says it has; empty where it says none."""
    try:
        said = subprocess.run(  # noqa: S603 - found on the user's own PATH
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = _VERSION.search(said.stdout.decode(errors="replace"))
    return found[0] if found else ""
