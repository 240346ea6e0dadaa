"""How the tests are spread over processes, and how hypothesis searches."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # xdist has no types

ROOT = Path(__file__).parents[1]

# Time says nothing on a machine whose cores are shared.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

# What fails once fails again; `pytest --hypothesis-profile=search` looks for more.
settings.register_profile("repeatable", _PATIENT, derandomize=True)
settings.register_profile("search", _PATIENT, max_examples=1000)
settings.load_profile("repeatable")


class _ByGroupOfFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Gives all files that name one xdist_group to one process, and so a file of its own fixtures.

    Other tests go anywhere.

    xdist 3.8 does so itself, but not with pytest 9.2 (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return _group_of(nodeid.partition("::")[0]) or nodeid


@cache
def _group_of(file: str) -> str:
    text = (ROOT / file).read_text()
    if found := re.search(r'xdist_group\("(\w+)"\)', text):
        return found[1]
    return file if 'scope="module"' in text else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Spread the tests of `--dist loadgroup`."""
    return _ByGroupOfFile(config, log) if config.getoption("dist") == "loadgroup" else None
