"""Where Java and TorchServe are on this machine."""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from artgrab.common.errors import SurroundingsError

_LEAST_JAVA = 17
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_SECONDS = 30.0
_INSTALL = "pip install artgrab[torchserve], or serve with --runtime native"
_ADVICE = "on Debian: apt-get install openjdk-17-jre-headless, or serve with --runtime native"


@dataclass(frozen=True, kw_only=True)
class Programs:
    """What TorchServe is made of."""

    java: str
    home: Path
    """Folder that holds the package `ts`."""

    @property
    def jar(self) -> Path:
        """The half of TorchServe that is Java."""
        return self.home / "ts/frontend/model-server.jar"


def find_programs() -> Programs:
    """Return both.

    Raises:
        SurroundingsError: one is missing, or its version will not do.
    """
    programs = Programs(java=_find_java(), home=_find_home())
    if not programs.jar.is_file():
        raise SurroundingsError(f"no TorchServe in {programs.home}: {_INSTALL}")
    _check_version(programs.java)
    return programs


def _find_java() -> str:
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(f"{home}/bin/java" if home else "java")
    if found is None:
        where = f" in JAVA_HOME ({home})" if home else ""
        raise SurroundingsError(f"TorchServe needs Java, and there is none{where}; {_ADVICE}")
    return found


def _find_home() -> Path:
    found = importlib.util.find_spec("ts")
    if found is None or found.origin is None:
        raise SurroundingsError(f"TorchServe is not installed: {_INSTALL}")
    return Path(found.origin).parents[1]


def _check_version(java: str) -> None:
    try:
        said = subprocess.run(  # noqa: S603 - of PATH or JAVA_HOME
            [java, "-version"], check=False, capture_output=True, text=True, timeout=_SECONDS
        ).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SurroundingsError(f"{java} does not run; {_ADVICE}") from error
    found = _VERSION.search(said)
    if found is None or int(found[1]) < _LEAST_JAVA:
        is_what = f"is Java {found[1]}" if found else "does not tell its version"
        raise SurroundingsError(
            f"TorchServe needs Java {_LEAST_JAVA}, and {java} {is_what}; {_ADVICE}"
        )
