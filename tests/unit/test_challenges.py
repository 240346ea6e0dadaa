"""Pages that want a person, told from pages that merely mention robots."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.politeness.challenges import is_challenge


@pytest.mark.parametrize(
    "page",
    [
        "<title>Just a moment...</title><script>window._cf_chl_opt={}</script>",
        "<title>Attention Required! | Cloudflare</title>",
        "<h1>Are you a robot?</h1>",
        "<title>Oops</title><h1 class='x'>Our systems have detected unusual traffic</h1>",
        "<form action='/checkcaptcha?key=1' method=post>",
        "<form id=challenge-form action='/'>",
        "<TITLE lang=en>Please verify you are human</TITLE>",
        "<title>Access to this page has been denied</title>",
    ],
)
def test_a_page_that_wants_a_person_is_known_by_headline_or_form(page: str) -> None:
    assert is_challenge(f"<!doctype html>{page}".encode())


@pytest.mark.parametrize(
    "page",
    [
        "<title>Robots in art</title><h1>Paintings of robots</h1>",
        "<title>Cats</title><script src='https://www.google.com/recaptcha/api.js'></script>",
        "<title>Cats</title><div class='g-recaptcha'></div><p>Are you a robot?",
        "<title>Sign in</title>",
        "",
    ],
)
def test_other_pages_are_none(page: str) -> None:
    assert not is_challenge(f"<!doctype html>{page}".encode())


def test_headers_of_those_who_guard_sites_are_known() -> None:
    assert is_challenge(b"<!doctype html>", ["Content-Type", "CF-Mitigated"])
    assert not is_challenge(b"<!doctype html>", ["Content-Type", "CF-Ray"])


@given(st.lists(st.sampled_from(["<title", "<h1 ", ">", " ", "captcha", "action=", "'", "x"])))
def test_no_page_makes_the_reading_fail(words: list[str]) -> None:
    is_challenge("".join(words).encode() * 200)
