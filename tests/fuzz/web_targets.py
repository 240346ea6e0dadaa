"""What sites send besides pictures: addresses, headers, robots.txt, tdmrep.json, pages."""

import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from artgrab.common.errors import BadInputError
from artgrab.common.network import NetworkSettings
from artgrab.common.politeness.challenges import is_challenge
from artgrab.common.politeness.optouts import MAX_SIGNAL_CHARACTERS, MAX_SIGNALS
from artgrab.common.politeness.robots import RobotsRules
from artgrab.common.urls import normalise_any, normalise_url, site_of
from artgrab.downloader.errors import FetchError
from artgrab.downloader.fetch import absolute, retry_after
from artgrab.downloader.guard import WEB_PORTS, Guard, is_global
from artgrab.downloader.optouts import headers_of_interest, opt_out_signals
from artgrab.downloader.reservations import parse_reservations, signals_at
from artgrab.images.sniffing import is_html
from tests.fuzz.targets import Target, corpus
from tests.support.fed_answers import feed, new_response, told

_GUARD = Guard(NetworkSettings())
_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_URLS = ("http://a.test/", "http://a.test/pictures/a%20b.jpg?x=1&y=/2#z")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _urls(data: bytes) -> object:
    url = _text(data)
    try:
        normal = normalise_url(url)
    except BadInputError:
        normal = ""
    else:
        assert normalise_any(url) == normal == normalise_url(normal)
        site_of(normal)
    target = _GUARD.check_url(absolute(URL("http://a.test/b/c"), url))
    assert target.scheme in ("http", "https")
    assert target.port in WEB_PORTS
    assert not target.user
    host = target.raw_host or ""
    if ":" in host or host.replace(".", "").isdigit():
        assert is_global(ipaddress.ip_address(host)), "an address that is none stands for another"
    return bool(normal), target.scheme, host.count("."), bool(target.query_string)


def _addresses(data: bytes) -> object:
    if len(data) in (4, 16):
        address = ipaddress.ip_address(data)
    else:
        address = ipaddress.ip_address(_text(data))
    allowed = is_global(address)
    if allowed and isinstance(address, ipaddress.IPv4Address):
        assert address.is_global
        assert not address.is_multicast
    return address.version, allowed, address.is_private


def _retry_after(data: bytes) -> object:
    seconds = retry_after({"Retry-After": _text(data)}, _NOW)
    assert seconds is None or 0 <= seconds < 1e12
    return None if seconds is None else len(str(int(seconds)))


def _responses(data: bytes) -> object:
    """Feed an answer at once, and cut into pieces as long as its first byte says."""
    size = 1 + (data[0] if data else 0)
    whole, pieces = new_response(), new_response()
    try:
        feed(whole, [data[1:]])
    except FetchError as error:
        return error.reason
    feed(pieces, [data[at : at + size] for at in range(1, len(data), size)])
    assert told(whole) == told(pieces), "it depends on where it is cut"
    return whole.status, whole.is_complete, whole.can_be_followed, sorted(whole.headers)[:2]


def _headers(lines: Iterable[str]) -> CIMultiDictProxy[str]:
    pairs = (line.partition(":") for line in lines)
    return CIMultiDictProxy(CIMultiDict((name, value.strip()) for name, _, value in pairs))


def _answers(data: bytes) -> object:
    head, _, body = data.partition(b"\n\n")
    headers = _headers(_text(head).split("\n"))
    signals = opt_out_signals(headers)
    assert len(signals) <= MAX_SIGNALS
    assert all(len(one) <= MAX_SIGNAL_CHARACTERS and one.isprintable() for one in signals)
    for value in headers_of_interest(headers).values():
        value.encode()
    return signals[:2], is_html(body), is_challenge(body, headers)


def _robots(data: bytes) -> object:
    rules = RobotsRules(data)
    assert 0 <= rules.delay < float("inf")
    return [(rules.allows(url), rules.opt_outs(url)) for url in _URLS]


def _reservations(data: bytes) -> object:
    rules = parse_reservations(data)
    return [len(signals_at(url, rules)) for url in _URLS]


URLS = Target(
    _urls,
    lambda: corpus("urls"),
    may_raise=(FetchError,),
    words=(b"http://", b"https:", b"@", b"//", b"[::1]", b"127.0.0.1", b"%2e", b"xn--", b"\\"),
)
ADDRESSES = Target(_addresses, lambda: corpus("addresses"), may_raise=(ValueError,))
RETRY_AFTER = Target(
    _retry_after,
    lambda: corpus("retry-after"),
    words=(b"GMT", b"-0000", b"Thu, ", b" Jan ", b"9999", b":60"),
)
ANSWERS = Target(
    _answers,
    lambda: corpus("answers"),
    words=(b"X-Robots-Tag: ", b"Content-Usage: ", b"train-ai=n", b"noai", b"artgrab:", b"<title>"),
)
RESPONSES = Target(
    _responses,
    lambda: corpus("responses"),
    words=(
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"Content-Length: 5\r\n"),
        *(b"Transfer-Encoding: chunked\r\n", b"Content-Encoding: gzip\r\n", b"\r\n\r\n"),
        *(b"0\r\n\r\n", b"5;a=b\r\nhello\r\n", b"Connection: close\r\n", b"HTTP/1.0", b"\0"),
    ),
)
ROBOTS = Target(
    _robots,
    lambda: corpus("robots"),
    words=(b"User-agent: *\n", b"Disallow: /", b"Content-Usage: ", b"Crawl-delay: ", b"*", b"$"),
)
RESERVATIONS = Target(
    _reservations,
    lambda: corpus("reservations"),
    words=(b'"location"', b'"tdm-reservation":1', b'"tdm-policy"', b"://", b"[[", b'{"'),
)
