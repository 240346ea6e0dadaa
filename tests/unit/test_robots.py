"""robots.txt as RFC 9309 has it: whom its groups address, and what they say of which path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.politeness.robots import MAX_BYTES, PathPreferences, RobotsRules

_SITE = "http://a.test"


def rules(text: str) -> RobotsRules:
    return RobotsRules(text.encode())


def allows(text: str, path: str = "/x") -> bool:
    return rules(text).allows(_SITE + path)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("User-agent: artgrab\nDisallow: /", False),
        ("user-AGENT: ArtGrab\ndisALLOW: /", False),
        ("User-agent: artgrab/1.0 (a comment)\nDisallow: /", False),
        ("User-agent: art\nDisallow: /", True),
        ("User-agent: artgrabber\nDisallow: /", True),
        ("User-agent: my-artgrab\nDisallow: /", True),
        ("User-agent: art\nAllow: /\n\nUser-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: artgrab\nAllow: /", True),
        ("User-agent: artgrab\nAllow: /\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: artgrab\nDisallow:\n\nUser-agent: *\nDisallow: /", True),
        ("User-agent: artgrab\n\nUser-agent: *\nDisallow: /", False),  # one group of two agents
        ("User-agent: * for all\nDisallow: /", False),
        ("User-agent: otherbot\nDisallow: /", True),
        ("Disallow: /\nUser-agent: otherbot\nDisallow: /", True),  # before any group
        ("", True),
    ],
)
def test_a_group_is_ours_by_its_product_token_and_wins_over_the_one_for_all(
    text: str, allowed: bool
) -> None:
    assert allows(text) is allowed


@pytest.mark.parametrize("agent", ["artgrab", "*"])
def test_all_groups_that_address_us_are_combined(agent: str) -> None:
    text = (
        f"User-agent: {agent}\nDisallow: /a\n\nUser-agent: otherbot\nDisallow: /b\n\n"
        f"User-agent: {agent}\nDisallow: /c"
    )
    assert [path for path in ("/a", "/b", "/c") if not allows(text, path)] == ["/a", "/c"]


@pytest.mark.parametrize("between", ["Sitemap: /s.xml", "Crawl-delay: 1", "Host: b", "", "# x"])
def test_other_records_end_no_group(between: str) -> None:
    assert not allows(f"User-agent: artgrab\n{between}\nUser-agent: otherbot\nDisallow: /")
    assert not allows(f"User-agent: *\n{between}\nDisallow: /")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_anybody_ends_them(end: str) -> None:
    assert not allows(f"User-agent: *{end}{end}Disallow: /x{end}")


def test_a_byte_order_mark_hides_nothing() -> None:
    assert not allows("\ufeffUser-agent: *\nDisallow: /")


@pytest.mark.parametrize(
    "line", ["Dissallow: /x", "Disalow: /x", "Disallow /x", " disallow : /x # y"]
)
def test_careless_spelling_is_understood(line: str) -> None:
    assert not allows(f"User agent: *\n{line}\n")


@pytest.mark.parametrize(
    ("lines", "path", "allowed"),
    [
        ("Allow: /p\nDisallow: /", "/page", True),
        ("Allow: /folder\nDisallow: /folder", "/folder/page", True),
        ("Allow: /page\nDisallow: /*.htm", "/page.htm", False),
        ("Allow: /$\nDisallow: /", "/", True),
        ("Allow: /$\nDisallow: /", "/page", False),
        ("Disallow: /*.gif$", "/a/b.gif", False),
        ("Disallow: /*.gif$", "/a/b.gif?x=1", True),
        ("Disallow: /a*b*c", "/a1b2c3", False),
        ("Disallow: /Private", "/private", True),
        ("Disallow: /caf%C3%A9", "/café", False),
        ("Disallow: /café", "/caf%c3%a9", False),
        ("Disallow: /%62%61%7A", "/baz", False),
        ("Disallow: /a%2Fb", "/a/b", True),
        ("Disallow: /search?q=", "/search?q=cats", False),
        ("Disallow: private", "/private", True),
        ("Disallow: /", "/robots.txt", True),
    ],
)
def test_the_longest_path_that_matches_decides(lines: str, path: str, allowed: bool) -> None:
    assert allows(f"User-agent: *\n{lines}", path) is allowed


def test_rules_are_read_up_to_the_bound_and_no_further() -> None:
    filler = "#" * (MAX_BYTES - 200) + "\n"
    assert not allows(f"User-agent: *\n{filler}Disallow: /x")
    assert allows(f"User-agent: *\n{filler}{'#' * 400}\nDisallow: /x")


def test_many_groups_with_many_rules_cost_what_they_are_long() -> None:
    agents = "".join(f"User-agent: robot{number}\n" for number in range(12_000))
    text = f"{agents}{'Allow: /x' + chr(10)}" + "Disallow: /y\n" * 18_000
    assert len(text) < MAX_BYTES
    assert allows(text, "/y")  # as a product of the two this would take gigabytes
    assert not allows(text.replace("robot77\n", "artgrab\n"), "/y")


@pytest.mark.parametrize(
    ("lines", "signals"),
    [
        ("Content-Usage: train-ai=n", ["content-usage train-ai=n"]),
        ("content-usage:TRAIN-AI=N, search=y", ["content-usage train-ai=n"]),
        ("Content-Usage: bots=n", ["content-usage bots=n"]),
        ("Content-Usage: bots=n, train-ai=y", []),
        ("Content-Usage: train-genai=n, search=n", []),
        ("Content-Usage: train-ai=y", []),
        ("Content-Usage: /pictures train-ai=n", ["content-usage train-ai=n"]),
        ("Content-Usage: /pictures/*.jpg$\ttrain-ai=n", ["content-usage train-ai=n"]),
        ("Content-Usage: /other train-ai=n", []),
        ("Content-Usage: train-ai=n\nContent-Usage: /pictures/ train-ai=y", []),
        (
            "Content-Usage: train-ai=y\nContent-Usage: /pictures/ train-ai=n",
            ["content-usage train-ai=n"],
        ),
        (
            "Content-Usage: /pictures train-ai=y\nContent-Usage: /pictures train-ai=n",
            ["content-usage train-ai=n"],
        ),
        ("Content-Signal: search=yes,ai-train=no", ["content-signal ai-train=no"]),
        ("Content-Signal: ai-train=yes, ai-input=no", []),
        ("Content-Usage: /pictures", []),
        ("Content-Usage:", []),
    ],
)
def test_what_is_said_on_usage_is_a_signal_where_it_refuses_training(
    lines: str, signals: list[str]
) -> None:
    found = rules(f"User-agent: *\n{lines}\nAllow: /").opt_outs(f"{_SITE}/pictures/1.jpg")
    assert found == tuple(f"robots.txt: {one}" for one in signals)
    assert allows(f"User-agent: *\n{lines}\nAllow: /"), "whether to fetch is another question"


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("User-agent: artgrab\nContent-Usage: train-ai=n", True),
        ("User-agent: otherbot\nContent-Usage: train-ai=n", False),
        ("User-agent: artgrab\nAllow: /\n\nUser-agent: *\nContent-Usage: train-ai=n", False),
        ("Content-Usage: train-ai=n\nUser-agent: otherbot\nDisallow: /", True),
        ("Content-Signal: ai-train=no\nUser-agent: artgrab\nAllow: /", True),
    ],
)
def test_usage_is_said_to_a_group_or_before_all_groups_to_everybody(
    text: str, refused: bool
) -> None:
    assert bool(rules(text).opt_outs(_SITE)) is refused


def test_whether_we_are_meant_by_name_is_known() -> None:
    assert rules("User-agent: artgrab\nDisallow:").names_us
    assert not rules("User-agent: *\nDisallow: /").names_us


_FIELDS = ("User-agent", "Allow", "Disallow", "Content-Usage", "Crawl-delay")
_PIECES = (":", " ", "*", "/", "$", "#", "\n", "\r", "\u2028", "\ufeff", "\0", "%", "%zz", "é", '"')
_WORDS = st.sampled_from((*_FIELDS, *_PIECES, "artgrab", "train-ai=n", "1e999"))


@given(st.lists(_WORDS | st.text(max_size=5)).map("".join), st.text(max_size=20))
def test_nothing_makes_the_reading_fail(text: str, path: str) -> None:
    found = RobotsRules(text.encode("utf-8", "surrogatepass"))
    found.allows(f"{_SITE}/{path}")
    assert all(one.startswith("robots.txt: ") for one in found.opt_outs(f"{_SITE}/{path}"))
    assert 0 <= found.delay < float("inf")


@given(st.lists(st.tuples(st.text(max_size=8), st.sampled_from(["", "no", "never"]))))
def test_preferences_are_only_ever_those_that_were_given(rules: list[tuple[str, str]]) -> None:
    assert set(PathPreferences(rules).kinds(f"{_SITE}/a")) <= {kind for _, kind in rules if kind}
