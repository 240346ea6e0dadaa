"""Chromium's sandbox is given up only by those who say so, and where there can be none."""

import os

import pytest

from artgrab.common.errors import BadInputError
from artgrab.scraper.sandboxes import decide, has_sandbox, is_possible


def never() -> bool:
    raise AssertionError("nobody has to look")


@pytest.mark.parametrize("user", [0, 1000])
def test_a_setting_holds_for_everybody(user: int) -> None:
    assert decide("on", user=user, possible=never)
    assert not decide("off", user=user, possible=never)


def test_root_can_have_none() -> None:
    assert not decide("auto", user=0, possible=never)


@pytest.mark.parametrize("possible", [True, False])
def test_others_have_one_where_they_can(possible: bool) -> None:
    assert decide("auto", user=1000, possible=lambda: possible) is possible


def test_what_is_possible_is_found_out_without_changing_this_process() -> None:
    before = os.readlink("/proc/self/ns/user")
    assert isinstance(is_possible(), bool)
    assert os.readlink("/proc/self/ns/user") == before


def test_a_wrong_word_is_told_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTGRAB_BROWSER_SANDBOX", "maybe")
    with pytest.raises(BadInputError, match=r"^environment: ARTGRAB_BROWSER_SANDBOX: .*'auto'"):
        has_sandbox()
