"""Whether Chromium gets its sandbox: as the settings say, else wherever it can have one."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from artgrab.common.servers import read_settings

_HELPER = Path("/usr/lib/chromium/chrome-sandbox")
"""Of Debian's package chromium-sandbox: it needs no user namespaces, but its setuid bit."""
_SECONDS = 20
# A namespace for users alone tells too little: some systems then refuse all that it is good for.
_PROBE = """
import ctypes, sys
unshare, user, pid, net = ctypes.CDLL(None).unshare, 0x10000000, 0x20000000, 0x40000000
sys.exit(unshare(user) != 0 or unshare(pid | net) != 0)
"""


class BrowserSettings(BaseSettings):
    """Read from the environment: ARTGRAB_BROWSER_SANDBOX."""

    model_config = SettingsConfigDict(env_prefix="ARTGRAB_BROWSER_", frozen=True)

    sandbox: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Chromium's own sandbox: auto is on wherever this user and kernel allow it.",
    )


def has_sandbox() -> bool:
    """Return whether Chromium is to be started with its sandbox.

    Raises:
        BadInputError: ARTGRAB_BROWSER_SANDBOX is none of auto, on and off.
    """
    return decide(read_settings(BrowserSettings).sandbox, user=os.geteuid(), possible=is_possible)


def decide(setting: str, *, user: int, possible: Callable[[], bool]) -> bool:
    """Return whether to use the sandbox; Chromium refuses it to root, who is user 0."""
    return setting == "on" or (setting == "auto" and user != 0 and possible())


def is_possible() -> bool:
    """Return whether this process may make the namespaces that a sandbox is made of."""
    return _makes_namespaces() or (_is_setuid(_HELPER) and not _gains_no_privileges())


def _makes_namespaces() -> bool:
    try:
        tried = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def _is_setuid(program: Path) -> bool:
    try:
        return bool(program.stat().st_mode & stat.S_ISUID)
    except OSError:
        return False


def _gains_no_privileges() -> bool:
    """Return whether setuid bits are ignored, as in most pods."""
    return "NoNewPrivs:\t1" in Path("/proc/self/status").read_text()
