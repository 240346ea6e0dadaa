"""HOST:PORT: what is taken, what is refused, and in which words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.client.channels import host_of
from artgrab.common.addresses import resolve
from artgrab.common.endpoints import Endpoint, endpoint_of, split_endpoint
from artgrab.common.errors import BadInputError
from artgrab.common.network import NetworkSettings
from artgrab.common.servers import check_address


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("127.0.0.1:50051", ("127.0.0.1", 50051)),
        ("downloader.art.svc:1", ("downloader.art.svc", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("[fe80::1%eth0]:80", ("fe80::1%eth0", 80)),
    ],
)
def test_an_endpoint_is_host_and_port(text: str, endpoint: tuple[str, int]) -> None:
    assert split_endpoint(text) == endpoint
    assert str(split_endpoint(text)) == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is not HOST:PORT"),
        ("localhost", "'localhost' is not HOST:PORT: the port is missing"),
        (":80", "':80' is not HOST:PORT"),
        ("localhost:", "'localhost:' is not HOST:PORT: a port is from 1 to 65535"),
        ("localhost:http", "is not HOST:PORT: a port is from 1 to 65535"),
        ("localhost:0", "is not HOST:PORT: a port is from 1 to 65535"),
        ("localhost:65536", "is not HOST:PORT: a port is from 1 to 65535"),
        ("localhost:\u0663", "is not HOST:PORT: a port is from 1 to 65535"),
        ("::1:80", "is not HOST:PORT: an IPv6 address goes into brackets"),
        ("[::1]", "'[::1]' is not HOST:PORT"),
        ("http://localhost:80", "is a URL and not HOST:PORT; leave 'http://' out"),
        ("me@host:80", "'me@host:80' is not HOST:PORT"),
        ("a b:80", "'a b:80' is not HOST:PORT"),
        ("localhost:80/path", "is not HOST:PORT: a port is from 1 to 65535"),
        ("a\x1b[2J:1", "is not HOST:PORT"),
    ],
)
def test_what_is_none_is_told_with_its_fault(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT") as told:
        split_endpoint(text)
    assert complaint in str(told.value)
    assert str(told.value).isprintable()


def test_a_free_port_is_taken_only_where_one_is_asked_for() -> None:
    assert split_endpoint("127.0.0.1:0", any_port=True) == ("127.0.0.1", 0)


def test_an_option_is_told_by_its_name_with_an_example() -> None:
    with pytest.raises(BadInputError) as told:
        endpoint_of("host", option="--endpoint", example="127.0.0.1:8500")
    assert str(told.value) == (
        "--endpoint: 'host' is not HOST:PORT: the port is missing; for example 127.0.0.1:8500"
    )


@given(st.text(alphabet="ab:[]-019./@ \u0660", max_size=12) | st.just("a:" + "9" * 5000))
def test_any_text_is_an_endpoint_that_is_written_the_same_or_refused(text: str) -> None:
    try:
        found = split_endpoint(text)
    except ValueError as error:
        assert "HOST:PORT" in str(error)[:300]  # noqa: PT017 - most texts are refused
    else:
        assert found.host
        assert 0 < found.port < 65536
        assert split_endpoint(str(Endpoint(*found))) == found


@pytest.mark.parametrize("text", ["localhost", "::1:80", "http://a:80", "a:99999", "10.0.0.0/8:80"])
async def test_all_who_take_endpoints_refuse_the_same(text: str) -> None:
    with pytest.raises(BadInputError, match="HOST:PORT"):
        await resolve([text])
    with pytest.raises(BadInputError, match="HOST:PORT"):
        host_of(text)
    with pytest.raises(BadInputError, match="HOST:PORT"):
        check_address(text)
    with pytest.raises(ValueError, match=r"HOST:PORT|does not appear"):
        NetworkSettings(resolve={"*": text})


def test_a_network_and_port_are_read_likewise() -> None:
    targets = ["10.0.0.0/8:80", "[fd00::/8]:443"]
    assert NetworkSettings(allowed_targets=targets).allowed_targets == targets
