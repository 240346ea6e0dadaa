"""A bucket that cannot be used: one line that says why, the right exit code, and no secret."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from artgrab.common.errors import ObjectMissingError, SurroundingsError
from artgrab.common.store import Store
from artgrab.common.store.store import LOOKS
from tests.support.cli_calls import artgrab
from tests.support.model_folders import write_model
from tests.support.s3 import BUCKET, READER_KEY, READER_SECRET, SECRET_KEY, S3Server
from tests.support.s3_proxy import CUT, DROP, UNAVAILABLE, S3Proxy, s3_proxy

URI = f"s3://{BUCKET}/failures"
QUICK = (0.01, 0.02)
WRONG_SECRET = "a-secret-that-belongs-to-nobody"


@pytest.fixture
def proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """A proxy before the server, which clients find instead of it."""
    with s3_proxy(s3.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.endpoint)
        yield proxy


def refused(
    captured: pytest.CaptureFixture[str], uri: str, *, code: int, saying: str, write: bool = False
) -> None:
    """Expect of a command one line with these words, and no secret."""
    command = ["add", "http://a.test/1.jpg"] if write else ["list"]
    said = artgrab(captured, "takedown", *command, "--store", uri)
    assert said.code == code, said
    (line,) = said.err.splitlines()
    assert line.startswith(f"artgrab: store {uri}"), line
    assert saying in line
    for secret in (SECRET_KEY, READER_SECRET, WRONG_SECRET):
        assert secret not in said.err + said.out


def test_a_bucket_that_is_not_there(s3: S3Server, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, "s3://no-such-bucket/x", code=4, saying="make it (aws s3 mb s3://no-such-buck")


@pytest.mark.parametrize(
    ("environment", "saying"),
    [
        ({"AWS_ACCESS_KEY_ID": "NOBODY"}, "InvalidAccessKeyId"),
        ({"AWS_SECRET_ACCESS_KEY": WRONG_SECRET}, "check AWS_SECRET_ACCESS_KEY"),
        ({"AWS_SESSION_TOKEN": "none"}, "check AWS_ACCESS_KEY_ID"),
    ],
)
def test_credentials_that_are_wrong(
    environment: dict[str, str],
    saying: str,
    s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    refused(capsys, URI, code=4, saying=saying)


def test_credentials_that_may_only_read(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", READER_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", READER_SECRET)
    assert artgrab(capsys, "takedown", "list", "--store", URI).code == 0
    said = artgrab(capsys, "takedown", "add", "http://a.test/1.jpg", "--store", URI)
    assert said.code == 4
    assert "they need list, get, put and delete in the bucket (AccessDenied)" in said.last


def test_no_credentials_at_all(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    refused(capsys, URI, code=4, saying="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_P")


def test_half_a_pair_of_credentials(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    refused(capsys, URI, code=2, saying="AWS_SECRET_ACCESS_KEY")


def test_a_profile_that_nobody_wrote_down(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "museum")
    refused(capsys, URI, code=2, saying="(museum) could not be found; check AWS_PROFILE")


def test_a_profile_gives_credentials_region_and_endpoint(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = s3.environment
    config = tmp_path / "config"
    config.write_text(
        "[profile museum]\n"
        f"aws_access_key_id = {environment['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {environment['AWS_SECRET_ACCESS_KEY']}\n"
        f"region = {environment['AWS_REGION']}\nendpoint_url = {s3.endpoint}\n"
    )
    for name in environment:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "museum")
    store = Store.open(f"{URI}/profile")
    store.put("a", b"1")
    assert store.get("a") == b"1"


def test_a_clock_that_is_wrong(proxy: S3Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    """The request's own time is set back on its way; the server is real and checks it first."""
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    proxy.headers["X-Amz-Date"] = an_hour_ago.strftime("%Y%m%dT%H%M%SZ")
    refused(capsys, URI, code=4, saying="set the clock (RequestTimeTooSkewed)")


@pytest.mark.parametrize(
    ("endpoint", "code", "saying"),
    [
        ("http://127.0.0.1:1", 4, "cannot be reached (Connection refused)"),
        ("http://no-such-host.invalid", 4, "cannot be reached"),
        ("nonsense", 2, "AWS_ENDPOINT_URL"),
        ("http://127.0.0.1:port", 2, "AWS_ENDPOINT_URL"),
        ("ftp://127.0.0.1", 2, "AWS_ENDPOINT_URL"),
    ],
)
def test_an_endpoint_that_is_none(
    endpoint: str,
    code: int,
    saying: str,
    s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("artgrab.common.store.store.PATIENCE", QUICK)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("NO_PROXY", "*")
    refused(capsys, URI, code=code, saying=saying)


def test_a_server_that_speaks_no_tls(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("artgrab.common.store.store.PATIENCE", QUICK)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint.replace("http:", "https:"))
    refused(capsys, URI, code=4, saying="it does not speak TLS")


@pytest.mark.parametrize(
    ("uri", "saying"),
    [
        ("s3://", "names no bucket; give s3://BUCKET/PREFIX"),
        ("s3:///prefix", "names no bucket"),
        ("s3://A_Bucket/x", "'A_Bucket' is no bucket name"),
        ("s3://bucket/a//b", "'' cannot be part of the prefix"),
        ("s3://bucket/../x", "'..' cannot be part of the prefix"),
        ("s3://bucket/a b", "'a b' cannot be part of the prefix"),
        ("s3://bucket/a#1", "'a#1' cannot be part of the prefix"),
    ],
)
def test_an_address_that_is_none(uri: str, saying: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, uri, code=2, saying=saying)


def test_a_put_whose_answer_was_lost_is_still_ours(proxy: S3Proxy) -> None:
    store = Store.open(f"{URI}/lost", patience=QUICK)
    for number, spoilt in enumerate((DROP, UNAVAILABLE)):
        proxy.spoil.append(("PUT", spoilt))
        assert store.put_if_absent(f"a/{number}", b"ours")
        assert not store.put_if_absent(f"a/{number}", b"ours")
        proxy.spoil.append(("PUT", spoilt))
        assert not store.put_if_absent(f"a/{number}", b"another's")
        assert store.get(f"a/{number}") == b"ours"


async def test_an_asynchronous_put_whose_answer_was_lost_is_still_ours(proxy: S3Proxy) -> None:
    store = Store.open(f"{URI}/lost-async", patience=QUICK)
    proxy.spoil.append(("PUT", DROP))
    assert await store.put_if_absent_async("a", b"ours")
    assert not await store.put_if_absent_async("a", b"ours")


def test_what_does_not_pass_is_told_after_some_tries(proxy: S3Proxy) -> None:
    store = Store.open(f"{URI}/busy", patience=QUICK)
    proxy.spoil.extend([("PUT", UNAVAILABLE)] * 3)
    with pytest.raises(SurroundingsError, match=r"key a: the server failed \(503 SlowDown\)"):
        store.put_if_absent("a", b"1")
    assert sum(one.startswith("PUT") for one in proxy.seen) == 3


def test_an_answer_that_is_cut_off_is_never_taken_for_the_object(proxy: S3Proxy) -> None:
    store = Store.open(f"{URI}/cut", patience=QUICK)
    store.put("a", b"whole" * 1000)
    proxy.spoil.append(("GET", CUT))
    assert store.get("a") == b"whole" * 1000
    assert sum(one.startswith("GET") and one.endswith("/a") for one in proxy.seen) == 2


def test_only_what_every_server_of_the_kind_knows_is_asked(proxy: S3Proxy) -> None:
    store = Store.open(f"{URI}/plain", patience=QUICK)
    store.put_if_absent("a/small", b"1")
    store.put("a/large", b"1" * 12_000_000)
    assert len(store.get("a/large")) == 12_000_000
    assert store.exists("a/small")
    assert [one.key for one in store.list("a")] == ["a/large", "a/small"]
    store.delete(["a/large", "a/small", "a/none"])
    with pytest.raises(ObjectMissingError):
        store.get("a/small")
    path = f"/{BUCKET}/failures/plain/a"
    asked = {one.partition("=")[0].partition("&")[0] for one in proxy.seen}
    assert {one.split(" ")[0] for one in asked} == {"GET", "PUT", "POST", "HEAD", "DELETE"}
    posts = [one for one in proxy.seen if one.startswith("POST")]
    assert all(one.startswith(f"POST {path}/large?upload") for one in posts), posts
    assert len(posts) == 2


def test_a_server_that_is_gone_for_a_moment_is_waited_for(s3: S3Server) -> None:
    store = Store.open(f"{URI}/gone")
    store.put_if_absent("a", b"1")
    s3.kill()
    with pytest.raises(SurroundingsError, match="cannot be reached"):
        Store.open(f"{URI}/gone", patience=QUICK)
    s3.start()
    assert store.get("a") == b"1"
    assert store.put_if_absent("b", b"2")


def test_who_fetches_a_model_waits_longer_for_a_store_than_who_sits_before_a_command(
    proxy: S3Proxy, tmp_path: Path
) -> None:
    digest = write_model(Store.open(f"{URI}/slow"), "default/models/m")
    proxy.spoil.extend([("GET", UNAVAILABLE)] * (len(LOOKS) + 2))
    module = [sys.executable, "-m", "artgrab.serving.fetch", "--store", f"{URI}/slow"]
    asked = ["--model", "default/models/m", "--content-sha256", digest, "--to", str(tmp_path)]
    done = subprocess.run([*module, *asked], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert not proxy.spoil
