"""Targets: global addresses on the web's ports, and what the settings add; nothing else."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.network import NetworkSettings
from artgrab.common.resolving import AddrInfo, Names
from artgrab.downloader.errors import FetchError
from artgrab.downloader.guard import Guard, is_global

PRIVATE = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001:db8::1",
    "2001:10::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "93.184.215.14",
    "172.32.0.1",
    "2606:4700:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "2002:101:101::",
]
GUARD = Guard(NetworkSettings())
NETWORKS_V4 = [
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "224.0.0.0/4",
]


PRIVATE_V4 = st.one_of(
    *(
        st.integers(int(network[0]), int(network[-1])).map(ipaddress.IPv4Address)
        for network in map(ipaddress.IPv4Network, NETWORKS_V4)
    )
)


def answer(host: str, port: int = 443, *, scope: int = 0) -> AddrInfo:
    if ":" in host:
        return socket.AF_INET6, socket.SOCK_STREAM, 6, "", (host, port, 0, scope)
    return socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_global_is_refused(address: str) -> None:
    assert not is_global(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_global_address_is_allowed_on_the_ports_of_the_web_only(address: str) -> None:
    parsed = ipaddress.ip_address(address)
    assert is_global(parsed)
    assert GUARD.allows(parsed, 80)
    assert GUARD.allows(parsed, 443)
    assert not GUARD.allows(parsed, 22)


@given(PRIVATE_V4)
def test_a_private_address_is_refused_in_every_wrapping(inside: ipaddress.IPv4Address) -> None:
    value = int(inside)
    wrapped: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [
        inside,
        ipaddress.IPv6Address(0xFFFF << 32 | value),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | value),
        ipaddress.IPv6Address(0x2002 << 112 | value << 80 | 1),
        ipaddress.IPv6Address(0x20010000 << 96 | value << 64 | 0xFFFFFFFF),
        ipaddress.IPv6Address(0x20010000 << 96 | 0x01010101 << 64 | (value ^ 0xFFFFFFFF)),
        ipaddress.IPv6Address(value),
    ]
    assert not any(is_global(address) for address in wrapped)


@given(st.ip_addresses())
def test_we_allow_no_address_that_python_knows_to_be_special(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if is_global(address):
        assert not address.is_multicast
        assert not address.is_loopback
        assert not address.is_link_local
        assert not address.is_unspecified
        if isinstance(address, ipaddress.IPv4Address):
            assert address.is_global


@given(
    st.lists(st.sampled_from(PUBLIC), max_size=3),
    st.sampled_from([one for one in PRIVATE if "%" not in one]),
    st.lists(st.sampled_from(PUBLIC), max_size=3),
)
def test_one_private_answer_among_public_ones_refuses_the_name(
    before: list[str], private: str, after: list[str]
) -> None:
    with pytest.raises(FetchError, match="private-address"):
        GUARD.check_answers([answer(host) for host in [*before, private, *after]])


def test_a_name_with_public_answers_only_keeps_them_all() -> None:
    answers = [answer(host) for host in PUBLIC]
    assert GUARD.check_answers(answers) == answers


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "bad-url"),
        ("ftp://example.org/a.jpg", "bad-url"),
        ("data:image/png;base64,AAAA", "bad-url"),
        ("gopher://example.org/", "bad-url"),
        ("//example.org/a.jpg", "bad-url"),
        ("http://", "bad-url"),
        ("http://example.org/" + "a" * 8192, "bad-url"),
        ("http://example.org/a b", "bad-url"),
        ("http://2130706433/", "bad-url"),
        ("http://0x7f000001/", "bad-url"),
        ("http://0x7f.1/", "bad-url"),
        ("http://127.1/", "bad-url"),
        ("http://0177.0.0.1/", "bad-url"),
        ("http://127.0.0.1./", "private-address"),
        ("http://16843009/", "bad-url"),
        ("http://a.b.0x/", "bad-url"),
        ("http://user@example.org/", "userinfo"),
        ("http://user:secret@example.org/", "userinfo"),
        ("http://example.org:22/", "port"),
        ("https://example.org:8443/", "port"),
        ("http://127.0.0.1/", "private-address"),
        ("http://[::1]/", "private-address"),
        ("http://[::ffff:169.254.169.254]/latest/", "private-address"),
        ("http://169.254.169.254/latest/meta-data/", "private-address"),
    ],
)
def test_a_url_that_is_never_allowed_is_refused_before_any_look_up(url: str, reason: str) -> None:
    with pytest.raises(FetchError) as caught:
        GUARD.check_url(url)
    assert caught.value.reason == reason
    assert not caught.value.passing


@given(st.text(max_size=60))
def test_no_text_makes_the_guard_fail_in_another_way(text: str) -> None:
    for url in (text, f"http://{text}", f"http://example.org/{text}"):
        try:
            parsed = GUARD.check_url(url)
        except FetchError:
            continue
        assert parsed.scheme in ("http", "https")
        assert parsed.port in (80, 443)


def test_a_query_reaches_the_site_as_it_was_written() -> None:
    url = "http://example.org/a?sig=%2f%2F+b%20&x=%C3%A4"
    assert str(GUARD.check_url(url)) == url


def test_an_allowed_target_is_one_address_range_and_one_port() -> None:
    guard = Guard(NetworkSettings(allowed_targets=["127.0.0.0/8:8080", "[fd00::/8]:9000"]))
    assert guard.allows(ipaddress.ip_address("127.0.0.1"), 8080)
    assert guard.allows(ipaddress.ip_address("fd00::1"), 9000)
    assert not guard.allows(ipaddress.ip_address("127.0.0.1"), 80)
    assert not guard.allows(ipaddress.ip_address("127.0.0.1"), 9000)
    assert not guard.allows(ipaddress.ip_address("10.0.0.1"), 8080)
    assert guard.check_url("http://127.0.0.1:8080/").port == 8080


def test_the_last_gate_opens_no_socket_to_a_private_address() -> None:
    with pytest.raises(PermissionError):
        GUARD.open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80)))
    with GUARD.open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", 80))) as made:
        assert made.family is socket.AF_INET


def test_an_address_that_holds_on_one_network_only_is_refused() -> None:
    assert GUARD.check_answers([answer("2606:4700::1111")])
    with pytest.raises(FetchError, match="private-address"):
        GUARD.check_answers([answer("2606:4700::1111", scope=1)])


async def test_a_name_set_to_a_private_address_is_refused_without_being_allowed() -> None:
    names = Names(NetworkSettings(resolve={"*.test": "127.0.0.1:8080"}))
    with pytest.raises(FetchError, match="private-address"):
        GUARD.check_answers(await names.look_up("a.test", 80))
    names.close()


@pytest.mark.parametrize("name", ["localhost", "2130706433", "127.1", "0x7f.1", "0177.0.0.1"])
async def test_every_spelling_of_loopback_is_refused(name: str) -> None:
    names = Names(NetworkSettings())
    with pytest.raises((FetchError, OSError)) as caught:
        GUARD.check_answers(await names.look_up(name, 80))
    assert isinstance(caught.value, socket.gaierror) or str(caught.value) == "private-address"
    names.close()
