"""What pages of dataset and model share: strangers' text, and pictures that are taken down."""

from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.pages import Thumbnail, environment, percent, plain, withdraw_pictures

_PAGE = """{% import 'pages/parts.html.j2' as parts %}
{% for one in shown %}{{ parts.picture(one, 'x') }}{% endfor %}"""


def _page(*sources: str) -> str:
    shown = [Thumbnail(source, f"bytes of {source}".encode(), 3, 2) for source in sources]
    return environment("artgrab.trainer").from_string(_PAGE).render(shown=shown)


def test_a_picture_that_is_withdrawn_is_gone_and_the_others_stay() -> None:
    gone = Thumbnail("aa", b"bytes of aa", 3, 2).uri
    page = withdraw_pictures(_page("aa", "bb", "aa"), {"aa"})
    assert gone not in page
    assert page.count('data-source="aa"') == 2
    assert Thumbnail("bb", b"bytes of bb", 3, 2).uri in page


def test_withdrawing_again_changes_nothing() -> None:
    once = withdraw_pictures(_page("aa", "bb"), {"aa"})
    assert withdraw_pictures(once, {"aa"}) == once
    assert withdraw_pictures(_page("aa"), {"cc"}) == _page("aa")


@given(st.text(), st.integers(1, 40))
def test_strangers_text_is_one_short_line_without_marks_of_direction(
    text: str, length: int
) -> None:
    shown = plain(text, length)
    assert len(shown) <= length
    assert shown.isprintable()
    assert shown == shown.strip()


def test_a_share_that_is_not_known_is_a_dash() -> None:
    assert (percent(None), percent(0.1234), percent(1, decimals=0)) == (
        "\N{EN DASH}",
        "12.3\xa0%",
        "100\xa0%",
    )
