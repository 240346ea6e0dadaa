"""A downloader over TLS: who has the right certificates is served, the others are told why not."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.records import Candidate
from artgrab.common.servers import reserved_port
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from artgrab.scraper.channels import PLAIN, Channels, TlsSettings
from artgrab.scraper.ending import RunEnd, end_run
from artgrab.scraper.ingest import IngestClient
from artgrab.scraper.reachable import SERVICE, check_downloaders
from tests.support.certificates import Authority, Pair, make_authority
from tests.support.ingest_client import downloader, hello, open_stream
from tests.support.playing_hosts import PlayingHosts
from tests.support.waiting import WAIT_SECONDS

pytestmark = pytest.mark.folder_only("about connections")
_SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return make_authority(tmp_path / "ours")


@pytest.fixture
def theirs(tmp_path: Path) -> Authority:
    """Somebody whom nobody here trusts."""
    return make_authority(tmp_path / "theirs")


def _server(pair: Pair, *, client_ca: Authority | None = None) -> dict[str, Any]:
    """Return settings of a downloader."""
    return {
        "tls_certificate_file": pair.certificate,
        "tls_key_file": pair.key,
        "tls_client_ca_file": client_ca.certificate if client_ca else None,
    }


def _client(ca: Authority, pair: Pair | None = None) -> TlsSettings:
    """Return settings of a scraper."""
    return TlsSettings(
        tls_ca_file=ca.certificate,
        tls_certificate_file=pair.certificate if pair else None,
        tls_key_file=pair.key if pair else None,
    )


async def _ingest(endpoint: str, channels: Channels, url: str) -> str:
    """Do all that a scraper does with a downloader; return what it says of the picture."""
    acked: list[str] = []
    await check_downloaders([endpoint], channels=channels)
    async with asyncio.timeout(WAIT_SECONDS):
        async with IngestClient(
            [endpoint],
            hello=hello,
            on_ack=lambda ack: acked.append(ack.reason),
            channels=channels,
        ) as client:
            one = Candidate(candidate_id=candidate_id(url).hex(), url=url, source="x")
            await client.send(one)
            await client.finish()
        end = RunEnd(namespace="default", category="cats", run_id="run-1", reason="TargetReached")
        assert (await end_run(end, endpoints=[endpoint], channels=channels)).candidates == 1
    return acked[0]


@pytest.mark.parametrize("mutual", [False, True])
async def test_with_the_right_certificates_a_scrape_goes_as_without_any(
    mutual: bool, ours: Authority, hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    server, shown = ours.issue(tmp_path / "server"), ours.issue(tmp_path / "client", names="DNS:x")
    settings = _server(server, client_ca=ours if mutual else None)
    url = hosts.put("http://a.test/gone.jpg", status=404)
    async with downloader(store, hosts.network, **settings) as endpoint:
        channels = Channels([endpoint], _client(ours, shown if mutual else None))
        assert await _ingest(endpoint, channels, url) == "http-404"


def _trusts_others(ours: Authority, theirs: Authority, at: Path) -> tuple[Any, Any]:
    return _server(ours.issue(at / "server")), _client(theirs)


def _expired(ours: Authority, theirs: Authority, at: Path) -> tuple[Any, Any]:
    return _server(ours.issue(at / "server", days=-1)), _client(ours)


def _of_another_name(ours: Authority, theirs: Authority, at: Path) -> tuple[Any, Any]:
    return _server(ours.issue(at / "server", names="DNS:other.test")), _client(ours)


def _shows_none(ours: Authority, theirs: Authority, at: Path) -> tuple[Any, Any]:
    return _server(ours.issue(at / "server"), client_ca=ours), _client(ours)


def _shows_one_of_others(ours: Authority, theirs: Authority, at: Path) -> tuple[Any, Any]:
    server = _server(ours.issue(at / "server"), client_ca=ours)
    return server, _client(ours, theirs.issue(at / "client"))


def _shows_an_expired_one(ours: Authority, theirs: Authority, at: Path) -> tuple[Any, Any]:
    server = _server(ours.issue(at / "server"), client_ca=ours)
    return server, _client(ours, ours.issue(at / "client", days=-1))


def _speaks_in_the_clear(ours: Authority, theirs: Authority, at: Path) -> tuple[Any, Any]:
    return _server(ours.issue(at / "server")), None


def _speaks_tls_to_one_without(ours: Authority, theirs: Authority, at: Path) -> tuple[Any, Any]:
    return {}, _client(ours)


REFUSED: dict[str, tuple[Callable[[Authority, Authority, Path], tuple[Any, Any]], str]] = {
    "trusts others": (_trusts_others, "unable to get local issuer certificate; see .*_TLS_CA_FILE"),
    "expired": (_expired, "certificate has expired"),
    "of another name": (_of_another_name, "IP address mismatch"),
    "shows none": (_shows_none, "refuses us without a certificate; set .*_TLS_CERTIFICATE_FILE"),
    "shows one of others": (_shows_one_of_others, "refuses our certificate; set"),
    "shows an expired one": (_shows_an_expired_one, "refuses our certificate; set"),
    "speaks in the clear": (_speaks_in_the_clear, "it wants TLS; set ARTGRAB_SCRAPE_TLS_CA_FILE"),
    "speaks TLS to one without": (_speaks_tls_to_one_without, "does not speak TLS; take .* away"),
}


@pytest.mark.parametrize(("made", "told"), REFUSED.values(), ids=REFUSED.keys())
async def test_whoever_has_not_is_told_in_one_line_what_to_set(
    made: Callable[[Authority, Authority, Path], tuple[Any, Any]],
    told: str,
    ours: Authority,
    theirs: Authority,
    hosts: PlayingHosts,
    store: Store,
    tmp_path: Path,
) -> None:
    server, client = made(ours, theirs, tmp_path)
    async with downloader(store, hosts.network, **server) as endpoint:
        channels = Channels([endpoint], client) if client else PLAIN
        with pytest.raises(SurroundingsError, match=told) as refused:
            await check_downloaders([endpoint], patience_seconds=0, channels=channels)
    assert len(str(refused.value).splitlines()) == 1
    assert endpoint in str(refused.value)


_ASKING = """
import asyncio, sys
from pathlib import Path
from artgrab.common.errors import SurroundingsError
from artgrab.scraper.channels import Channels, TlsSettings
from artgrab.scraper.reachable import check_downloaders
endpoints, file = sys.argv[1:2], Path(sys.argv[2])
channels = Channels(endpoints, TlsSettings(tls_ca_file=file))
try:
    asyncio.run(check_downloaders(endpoints, patience_seconds=0, channels=channels))
except SurroundingsError as error:
    sys.exit(str(error))
"""


async def test_nothing_of_grpc_is_said_beside_that_line(
    ours: Authority, theirs: Authority, hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    settings = _server(ours.issue(tmp_path / "server"))
    async with downloader(store, hosts.network, **settings) as endpoint:
        asking = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _ASKING, endpoint, str(theirs.certificate)),
            stderr=asyncio.subprocess.PIPE,
        )
        _, said = await asking.communicate()
    assert asking.returncode == 1
    (line,) = said.decode().splitlines()
    assert "certificate is not good" in line


async def test_a_stream_in_the_clear_gets_nowhere_where_there_is_tls(
    ours: Authority, hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    settings = _server(ours.issue(tmp_path / "server"))
    async with downloader(store, hosts.network, **settings) as endpoint:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            async with open_stream(endpoint):
                pytest.fail("served")
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_certificates_that_are_renewed_are_taken_by_both_sides_without_a_restart(
    ours: Authority, theirs: Authority, hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    server, shown = ours.issue(tmp_path / "server"), ours.issue(tmp_path / "client")
    trusted = make_authority(tmp_path / "trusted")
    trusted.certificate.write_bytes(ours.certificate.read_bytes())
    async with downloader(store, hosts.network, **_server(server, client_ca=trusted)) as endpoint:
        channels = Channels([endpoint], _client(trusted, shown))
        await check_downloaders([endpoint], patience_seconds=0, channels=channels)
        server.replace(theirs.issue(tmp_path / "new-server"))
        with pytest.raises(SurroundingsError, match="certificate is not good"):
            await check_downloaders([endpoint], patience_seconds=0, channels=channels)
        shown.replace(theirs.issue(tmp_path / "new-client"))
        trusted.certificate.write_bytes(theirs.certificate.read_bytes() + b"\n")
        await check_downloaders([endpoint], channels=channels)


async def test_health_needs_no_tls_on_its_own_port(
    ours: Authority, hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    settings = _server(ours.issue(tmp_path / "server"), client_ca=ours)
    with reserved_port() as port:
        own = f"127.0.0.1:{port}"
        async with (
            downloader(store, hosts.network, health_listen=own, **settings),
            grpc.aio.insecure_channel(own) as channel,
        ):
            for name in ("", SERVICE):
                answer = await health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(service=name), timeout=WAIT_SECONDS
                )
                assert answer.status == _SERVING


async def test_a_certificate_is_for_the_name_of_the_downloaders_and_not_for_their_addresses(
    ours: Authority, hosts: PlayingHosts, store: Store, tmp_path: Path
) -> None:
    name = "downloader.art.svc"
    server = ours.issue(tmp_path / "server", names=f"DNS:{name}")
    async with downloader(store, hosts.network, **_server(server)) as endpoint:
        channels = Channels([f"{name}:50051"], _client(ours))
        async with channels.open(endpoint) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=WAIT_SECONDS
            )
        assert answer.status == _SERVING
        assert await channels.trouble(endpoint) == ""


def test_one_certificate_stands_for_one_name(ours: Authority) -> None:
    with pytest.raises(BadInputError, match=r"a\.test, b\.test are several"):
        Channels(["a.test:1", "b.test:1"], _client(ours))


def test_files_that_hold_no_certificates_are_told_at_once(ours: Authority, tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("none")
    for wrong in (tmp_path / "none.pem", tmp_path / "absent.pem"):
        with pytest.raises(BadInputError, match=wrong.name):
            Channels(["a.test:1"], TlsSettings(tls_ca_file=wrong))
