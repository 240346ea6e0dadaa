"""What is sent to a site."""

from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from artgrab.common.network import NetworkSettings
from artgrab.downloader.errors import FetchError
from artgrab.downloader.fetch import request_for
from artgrab.downloader.guard import Guard

GUARD = Guard(NetworkSettings())


def test_a_request_asks_for_a_picture_as_it_is_and_says_who_asks() -> None:
    url = GUARD.check_url("http://n\u00e4me.example/a/%C3%A4?sig=%2f+b#part")
    assert request_for(url, user_agent="artgrab/1 (+mail@example.org)").split(b"\r\n") == [
        b"GET /a/%C3%A4?sig=%2f+b HTTP/1.1",
        b"Host: xn--nme-qla.example",
        b"User-Agent: artgrab/1 (+mail@example.org)",
        b"Accept: image/webp,image/*;q=0.9,*/*;q=0.1",
        b"Accept-Encoding: identity",
        b"",
        b"",
    ]


def test_a_port_of_its_own_and_an_address_stand_in_the_request_as_rules_have_it() -> None:
    def host(url: str) -> bytes:
        return request_for(URL(url), user_agent="x").split(b"\r\n")[1]

    assert host("https://a.example:443/") == b"Host: a.example"
    assert host("http://a.example:8080/") == b"Host: a.example:8080"
    assert host("http://[2606:4700::1111]/") == b"Host: [2606:4700::1111]"


@given(st.text(max_size=60))
def test_no_url_that_may_be_asked_for_says_more_than_what_is_asked_for(text: str) -> None:
    for url in (f"http://{text}", f"http://example.org/{text}"):
        try:
            target = GUARD.check_url(url)
        except FetchError:
            continue
        lines = request_for(target, user_agent="x").split(b"\r\n")
        assert len(lines) == 7
        assert lines[0].count(b" ") == 2
        assert not any(b"\n" in line or b"\r" in line for line in lines)
