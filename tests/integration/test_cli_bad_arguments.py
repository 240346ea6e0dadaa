"""Each command on options that are wrong: one line that names what to change, nothing made.

Most are told before a store is opened. `STORE` in a command stands for an empty one of either kind.
"""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from artgrab.common.store import Store
from artgrab.scraper import reachable
from tests.support.cli_calls import Said, artgrab
from tests.support.documents import category_text, classifier_text, gallery, together

SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: Any) -> Any:
    """Call the command in a folder of its own, which holds some documents and no store."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reachable, "PATIENCE_SECONDS", 0.0)
    graffiti, bikes = category_text("graffiti"), category_text("bikes", of="everyday")
    Path("graffiti.yaml").write_text(graffiti)
    Path("both.yaml").write_text(together(graffiti, bikes, classifier_text()))
    Path("only.yaml").write_text(classifier_text())
    Path("selector.yaml").write_text(category_text("odd", gallery("http://a.test", item="a[")))
    Path("a.jpg").write_bytes(b"\xff\xd8\xff no more than that")
    Path("empty").mkdir()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    def _call(command: str) -> Said:
        said = artgrab(capfd, *command.split())
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
        return said

    return _call


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("run graffiti.yaml --store ftp://a", "store ftp://a: ftp:// is not known; give a folder"),
        ("run graffiti.yaml --store s3://", "store s3://: "),
        ("run graffiti.yaml --predict no.jpg", "no.jpg: no such file"),
        ("run graffiti.yaml --predict empty", "empty: no picture in it"),
        (f"run graffiti.yaml --predict {'x' * 300}", "x: cannot be read: File name too long"),
        ("run graffiti.yaml --dry-run --store s3:", "store s3:"),
        ("scrape graffiti.yaml --downloader host", "'host' is not HOST:PORT: the port is missing"),
        ("scrape graffiti.yaml --downloader http://a:1", "is a URL and not HOST:PORT; leave 'http"),
        ("scrape only.yaml --downloader 127.0.0.1:1", "no ArtCategory is given"),
        ("scrape selector.yaml --downloader 127.0.0.1:1", "selectors.item: is not CSS"),
        ("download --listen 8080", "--listen: '8080' is not HOST:PORT: the port is missing; for"),
        ("download --listen ::1:80", "an IPv6 address goes into brackets; for example 127.0.0.1:0"),
        ("download --listen 0.0.0.0:0 --store new", "only loopback is allowed; use 127.0.0.1"),
        ("dataset build graffiti.yaml", "0 ArtClassifiers are given; this takes exactly one"),
        ("dataset build both.yaml", "artgrab-store: there is none; check --store"),
        ("dataset build only.yaml", "class not-art selects no category; there is no ArtCategory"),
        ("train both.yaml", "artgrab-store: there is none; check --store"),
        ("train graffiti.yaml", "0 ArtClassifiers are given"),
        ("serve art-or-not", "artgrab-store: there is none; check --store"),
        ("serve art-or-not --listen 127.0.0.1:99999", "a port is from 0 to 65535; for example"),
        ("predict a.jpg --endpoint 127.0.0.1", "'127.0.0.1' is not HOST:PORT: the port is missing"),
        ("predict a.jpg --endpoint a:0", "'a:0' is not HOST:PORT: a port is from 1 to 65535"),
        ("predict no.jpg --endpoint 127.0.0.1:1", "no.jpg"),
        ("predict empty --endpoint 127.0.0.1:1", "empty"),
        (f"predict {'x' * 300} --endpoint 127.0.0.1:1", "x: cannot be read: File name too long"),
    ],
)
def test_an_option_that_is_wrong_is_bad_input(call: Any, command: str, line: str) -> None:
    said = call(command)
    assert said.code == 2, said
    assert line in said.last
    assert said.err.startswith("artgrab: ")
    assert said.out == ""


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("train both.yaml --store STORE", "store has no dataset of art-or-not; artgrab dataset b"),
        ("train both.yaml --store STORE --snapshot 0abc", "has no complete snapshot 0abc; artgrab"),
        ("train both.yaml --store STORE --snapshot ../x", "has no complete snapshot ../x; artgrab"),
        ("serve art-or-not --store STORE", "store has no model of art-or-not; artgrab run makes o"),
        ("predict a.jpg --store STORE --classifier cats", "store has no model of cats; artgrab ru"),
        (
            "dataset verify 0abc --store STORE",
            "no dataset with key '0abc'; give `all` or a key that",
        ),
        ("takedown remove 0abc --store STORE", "0abc"),
        ("run graffiti.yaml --store STORE --predict no.jpg", "no.jpg: no such file"),
    ],
)
def test_what_an_empty_store_lacks_is_told_with_the_command_that_makes_it(
    store: Store, call: Any, command: str, line: str
) -> None:
    said = call(command.replace("STORE", store.uri))
    assert said.code == 2, said
    assert line in said.last
    assert said.err.startswith("artgrab: ")
    assert said.out == ""
    assert list(store.list("")) == []


def test_a_wrong_setting_of_the_environment_is_named_before_a_store_is_made(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTGRAB_RESOLVE", '{"*.test": "here"}')
    said = call("run graffiti.yaml --store new")
    assert said.code == 2
    assert said.last == (
        "artgrab: environment: ARTGRAB_RESOLVE[*.test]: 'here' is not HOST:PORT: "
        "the port is missing"
    )


def test_a_store_with_a_name_too_long_is_told_by_a_dry_run_as_well(call: Any) -> None:
    said = call(f"run graffiti.yaml --dry-run --store {'x' * 300}")
    assert said.code == 4
    assert said.last.startswith("artgrab: store ")
    assert "File name too long" in said.last


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("command", ["download --store new", "serve art-or-not --store empty"])
def test_a_port_in_use_is_the_fault_of_the_surroundings(
    call: Any, taken_port: int, command: str
) -> None:
    said = call(f"{command} --listen 127.0.0.1:{taken_port}")
    assert said.code == 4
    assert said.last == (
        f"artgrab: 127.0.0.1:{taken_port} cannot be listened on (Address already in use); "
        "choose another with --listen, as 127.0.0.1:0"
    )


def test_a_downloader_that_is_not_there_is_told_with_how_to_start_one(call: Any) -> None:
    said = call("scrape graffiti.yaml --downloader 127.0.0.1:1")
    assert said.code == 4
    assert said.last == (
        "artgrab: no downloader answers at 127.0.0.1:1 (connection refused); check --downloader, "
        "or start one: artgrab download --listen 127.0.0.1:1"
    )


def test_a_downloader_without_an_address_is_told_as_that(call: Any) -> None:
    said = call("scrape graffiti.yaml --downloader nobody.invalid:50051")
    assert said.code == 4
    assert "no downloader answers at nobody.invalid:50051 (no address is known" in said.last


@contextmanager
def answering(service: str = "", status: int = SERVING) -> Iterator[str]:
    """A gRPC server that tells its health, and does nothing else."""
    servicer = health.HealthServicer()
    servicer.set(service, status)
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        yield f"127.0.0.1:{port}"
        server.stop(None).wait()


@pytest.fixture
def other_service() -> Iterator[str]:
    with answering() as endpoint:
        yield endpoint


async def test_one_downloader_that_serves_is_enough() -> None:
    with answering(reachable.SERVICE) as endpoint:
        await reachable.check_downloaders(["127.0.0.1:1", endpoint])


def test_a_downloader_that_is_not_ready_is_told_as_that(call: Any) -> None:
    with answering(reachable.SERVICE, health_pb2.HealthCheckResponse.NOT_SERVING) as endpoint:
        said = call(f"scrape graffiti.yaml --downloader {endpoint}")
    assert said.code == 4
    assert f"no downloader answers at {endpoint} (it is not ready)" in said.last


def test_another_service_behind_the_port_is_bad_input(call: Any, other_service: str) -> None:
    said = call(f"scrape graffiti.yaml --downloader {other_service}")
    assert said.last == f"artgrab: {other_service} is no downloader; check --downloader"
    assert said.code == 2
    said = call(f"predict a.jpg --endpoint {other_service}")
    assert said.last == f"artgrab: {other_service} is no predict server; check --endpoint"
    assert said.code == 2
