"""What the demo world is made of: Debian and npm packages, fetched by name and unpacked."""

import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from artgrab.common.errors import SurroundingsError

_ATTEMPTS = 3
_PHP_MODULES = {
    "pdo_sqlite": "php-sqlite3",
    "dom": "php-xml",
    "mbstring": "php-mbstring",
    "intl": "php-intl",
    "gd": "php-gd",
}
_PROGRAMS = {
    "chromium": "chromium",
    "chromedriver": "chromium-driver",
    "php": "php-cli",
    "npm": "npm",
}


def missing_requirements() -> list[str]:
    """Return the Debian packages that must be installed before the world can start, sorted."""
    missing = {package for program, package in _PROGRAMS.items() if not shutil.which(program)}
    return sorted(missing | _missing_php_modules())


def _missing_php_modules() -> set[str]:
    if not shutil.which("php"):
        return set(_PHP_MODULES.values())
    listed = subprocess.run(["php", "-m"], capture_output=True, text=True, check=False).stdout
    loaded = {line.strip().lower() for line in listed.splitlines()}
    return {package for module, package in _PHP_MODULES.items() if module not in loaded}


def require(*programs: str) -> None:
    """Raise SurroundingsError, which says what to do, unless all the programs can be run."""
    for program in programs:
        if not shutil.which(program):
            raise SurroundingsError(_advice(program))


def require_php() -> None:
    """Raise SurroundingsError, which says what to do, unless PHP can run MediaWiki."""
    require("php")
    if missing := _missing_php_modules():
        wanted = " ".join(sorted(missing))
        raise SurroundingsError(
            f"PHP lacks modules: install them (apt-get install --no-install-recommends {wanted})"
        )


def _advice(program: str) -> str:
    if program in ("apt-get", "dpkg-deb"):
        return (
            f"{program} is missing: the demo world takes its pictures from Debian packages,"
            " so it is built on Debian only"
        )
    package = _PROGRAMS.get(program, program)
    return f"{program} is missing: install it (apt-get install --no-install-recommends {package})"


def unpack_debian(
    package: str,
    folder: Path,
    *,
    into: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """Fetch a Debian package by name, unpack it to `folder/into` and return that folder.

    Without `into` the package's own name is taken. apt verifies the digest; a download that was cut
    off is tried again. Nothing is installed.
    """
    require("apt-get", "dpkg-deb")
    target = folder / (into or package)
    download = folder / f"{package}.download"
    download.mkdir(parents=True)
    _retried(lambda: _apt_download(package, download), sleep=sleep)
    (archive,) = download.glob("*.deb")
    run(["dpkg-deb", "-x", str(archive), str(target)], cwd=folder)
    shutil.rmtree(download)
    return target


def _apt_download(package: str, folder: Path) -> None:
    try:
        run(["apt-get", "download", package], cwd=folder)
    except SurroundingsError as error:
        # The usual reason on a fresh system is that there are no package lists yet.
        if os.geteuid() != 0:
            raise SurroundingsError(f"{error} (run `apt-get update` as root)") from error
        run(["apt-get", "update"], cwd=folder)
        run(["apt-get", "download", package], cwd=folder)


def unpack_npm(package: str, folder: Path, *, sleep: Callable[[float], None] = time.sleep) -> Path:
    """Fetch an npm package (`name@version`), unpack it below `folder` and return its own folder."""
    require("npm")
    target = folder / package.partition("@")[0]
    target.mkdir(parents=True)
    _retried(lambda: run(["npm", "pack", "--silent", package], cwd=target), sleep=sleep)
    (archive,) = target.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    archive.unlink()
    return target / "package"


def _retried(step: Callable[[], None], *, sleep: Callable[[float], None]) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            step()
            return
        except SurroundingsError:
            if attempt == _ATTEMPTS:
                raise
            sleep(2.0 * attempt)


def run(
    command: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Run a command to its end, silently; raise SurroundingsError with its last words if it fails.

    The environment is added to that of this process.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise SurroundingsError(
            f"{' '.join(map(str, command))} failed: {said[-1] if said else 'no message'}"
        )
