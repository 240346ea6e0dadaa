"""What a test needs of the system: where it is missing the test is skipped, or fails in CI."""

import importlib.util
import os
import shutil

import pytest


def need_programs(*programs: str, packages: str) -> None:
    """Skip unless all programs are there; fail where ARTGRAB_NO_SKIPS=1 forbids skipping."""
    need(not [name for name in programs if shutil.which(name) is None], packages=packages)


def need(present: bool, *, packages: str) -> None:
    """Skip unless something is present; fail where ARTGRAB_NO_SKIPS=1 forbids skipping."""
    if present:
        return
    reason = f"missing here; on Debian: apt-get install {packages}"
    if os.environ.get("ARTGRAB_NO_SKIPS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def need_browser() -> None:
    """Skip, or fail, where there is no Chromium with its driver."""
    need_programs("chromium", "chromedriver", packages="chromium chromium-driver")


def need_torchserve() -> None:
    """Skip, or fail, where there is no TorchServe (make setup installs it) or no Java for it."""
    present = importlib.util.find_spec("ts") is not None and shutil.which("java") is not None
    need(present, packages="openjdk-17-jre-headless, and make setup for TorchServe itself")
