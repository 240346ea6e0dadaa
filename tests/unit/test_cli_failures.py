"""What is told where categories failed: alike ones together, and the code that fits."""

import pytest

from artgrab.cli.failures import raise_together
from artgrab.common.errors import BadInputError, PartlyDoneError, SurroundingsError


def test_nothing_is_raised_where_nothing_failed() -> None:
    raise_together({}, all_failed=False)


def test_some_that_failed_are_named_and_the_work_is_partly_done() -> None:
    with pytest.raises(PartlyDoneError, match=r"^a: no selector; the other categories are done"):
        raise_together({"a": BadInputError("no selector")}, all_failed=False)


def test_categories_that_failed_alike_share_one_message() -> None:
    down = "the site is down"
    failed = {
        "a": SurroundingsError(down),
        "b": BadInputError("no selector"),
        "c": SurroundingsError(down),
    }
    with pytest.raises(SurroundingsError) as raised:
        raise_together(failed, all_failed=True)
    assert str(raised.value) == "a, c: the site is down; b: no selector"
