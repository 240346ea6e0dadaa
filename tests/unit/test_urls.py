"""What makes two URLs the same, and whose they are: spelling, identity, domains, hostile input."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from artgrab.common.errors import BadInputError
from artgrab.common.urls import (
    MAX_URL_LENGTH,
    candidate_id,
    normalise_any,
    normalise_host,
    normalise_url,
    registrable_domain,
    site_of,
)

_PATHS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp", "Cs")),
    max_size=30,
)
_HOSTS = st.sampled_from(
    ["example.org", "EXAMPLE.org", "bücher.example", "127.0.0.1", "[::1]", "a.b.co.uk", "x.test"]
)
_URLS = st.builds(
    lambda scheme, host, port, path: f"{scheme}://{host}{port}/{path}",
    st.sampled_from(["http", "https", "HTTP", "Https"]),
    _HOSTS,
    st.sampled_from(["", ":80", ":443", ":8080"]),
    _PATHS,
)


@pytest.mark.parametrize(
    ("spelled", "normal"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("http://example.org:80/a", "http://example.org/a"),
        ("https://example.org:443/a", "https://example.org/a"),
        ("http://example.org:443/a", "http://example.org:443/a"),
        ("http://example.org/a#part", "http://example.org/a"),
        ("http://example.org/%7euser/%2fx", "http://example.org/~user/%2Fx"),
        ("http://example.org/é", "http://example.org/%C3%A9"),
        ("http://example.org/a?B=%2f&c=%7e", "http://example.org/a?B=%2f&c=%7e"),
        ("http://BÜCHER.example/", "http://xn--bcher-kva.example/"),
        ("http://[::1]:8080/a", "http://[::1]:8080/a"),
    ],
)
def test_equal_urls_have_one_spelling(spelled: str, normal: str) -> None:
    assert normalise_url(spelled) == normal


@pytest.mark.parametrize(
    "url",
    [
        "",
        "//example.org/a",
        "/a.jpg",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "javascript:alert(1)",
        "data:image/gif;base64,R0lGODlhAQABAAAAACw=",
        "http://",
        "http:///a",
        "http://exa mple.org/",
        "http://example.org/a\nHost: evil",
        "http://example.org/\x00",
        "http://example.org/?\udcff",
        "http://[::1/",
        "http://[::1]@/",
        "http://example.org:99999/",
        "http://example.org:port/",
        "http://\xb8/",
        "http://exa%20mple.org/",
        "http://example.org/" + "a" * MAX_URL_LENGTH,
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(BadInputError):
        normalise_url(url)


@given(_URLS)
def test_normalising_twice_changes_nothing(url: str) -> None:
    once = normalise_url(url)
    assert normalise_url(once) == once


_NEARLY_NORMAL = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["http", "https", "HTTP", "ftp", ""]),
    st.text(alphabet="aZ0.-_:@[]é%", max_size=8) | st.just("img.site-1.test"),
    st.sampled_from(["", "/", ":80/", ":443/", "?", "#"]),
    st.text(alphabet='aZ/.~-_?#&=%2F7eEc;[]\\^|"<> é\x7f', max_size=12),
)


@given(_NEARLY_NORMAL | _URLS)
@settings(max_examples=400)
def test_the_short_way_to_a_normal_url_leads_where_the_long_one_does(url: str) -> None:
    try:
        normal = normalise_any(url)
    except BadInputError:
        with pytest.raises(BadInputError):
            normalise_url(url)
        return
    assert normalise_url(url) == normal
    assert site_of(url) == registrable_domain(URL(url).raw_host or "")


@given(_URLS)
def test_a_normal_url_is_plain_ascii_without_a_fragment(url: str) -> None:
    normal = normalise_url(url)
    assert normal.isascii()
    assert "#" not in normal
    assert not any(character.isspace() for character in normal)


@given(st.text())
def test_any_text_is_either_normalised_or_refused(text: str) -> None:
    try:
        normal = normalise_url(text)
    except BadInputError:
        return
    assert normalise_url(normal) == normal


@given(st.text())
def test_any_text_behind_a_scheme_is_either_normalised_or_refused(text: str) -> None:
    try:
        normal = normalise_url(f"http://{text}")
    except BadInputError:
        return
    assert normalise_url(normal) == normal


@given(_URLS, st.text(alphabet="abc", max_size=5))
def test_the_id_is_the_digest_of_the_normal_url_whatever_the_fragment(url: str, part: str) -> None:
    without = url.partition("#")[0]
    expected = hashlib.sha256(normalise_url(without).encode()).digest()
    assert candidate_id(f"{without}#{part}") == expected


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.co.uk", "example.co.uk"),
        ("img.site-017.test", "site-017.test"),
        ("IMG.Example.ORG.", "example.org"),
        ("me.github.io", "me.github.io"),
        ("co.uk", "co.uk"),
        ("127.0.0.1", "127.0.0.1"),
        ("192.0.2.7", "192.0.2.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("localhost", "localhost"),
    ],
)
def test_the_registrable_domain_is_what_somebody_registered(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain


@given(st.text())
def test_the_site_of_any_text_is_a_text(text: str) -> None:
    assert isinstance(site_of(text), str)


def test_what_has_no_host_has_no_site() -> None:
    assert site_of("data:image/gif;base64,AAAA") == ""
    assert site_of("http://[::1") == ""
    assert site_of("http://[::1]@/") == ""


def test_a_url_that_only_percent_encoding_makes_too_long_is_refused() -> None:
    with pytest.raises(BadInputError, match="characters"):
        normalise_url("http://a.test/" + "\u044f" * (MAX_URL_LENGTH // 4))


@pytest.mark.parametrize(
    ("spelled", "normal"),
    [
        ("Example.ORG", "example.org"),
        ("www.example.org.", "www.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("☃.net", "xn--n3h.net"),
        ("my_blog.github.io", "my_blog.github.io"),
        ("github.io", "github.io"),
        ("127.0.0.1", "127.0.0.1"),
        ("[2001:DB8::1]", "2001:db8::1"),
    ],
)
def test_a_host_has_one_spelling(spelled: str, normal: str) -> None:
    assert normalise_host(spelled) == normalise_host(normal) == normal


@pytest.mark.parametrize("text", ["com", "co.uk", "xn--p1ai", "localhost", "рф"])
def test_what_anybody_may_register_below_is_no_host(text: str) -> None:
    with pytest.raises(BadInputError, match="anybody"):
        normalise_host(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "a b.org", "*.example.org", "a.org:80", "me@a.org", "a..org", "0.0.1", "-a.org",
     "a\nb.org", "a\0.org", "%41.org", "a\u200b.org", "x" * 64 + ".org", "a." * 200 + "org"],
)  # fmt: skip
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="not the name of a host"):
        normalise_host(text)


@given(st.text())
def test_any_text_is_a_host_or_refused(text: str) -> None:
    try:
        host = normalise_host(text)
    except BadInputError:
        return
    assert normalise_host(host) == host
