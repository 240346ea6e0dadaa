"""`artgrab cluster status` asks an API server over HTTP, and tells what it says."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from artgrab.cli import cluster_access
from tests.support.cli_calls import Said, artgrab
from tests.support.played_api_server import (
    CATEGORIES,
    CLASSIFIERS,
    DATASET,
    SERVING,
    PlayedApiServer,
    category,
    classifier,
    condition,
    counts,
    played_api_server,
    write_kubeconfig,
)
from tests.support.terminals import Terminal, terminal
from tests.support.waiting import eventually

READY = condition("Ready", "True", "TargetReached", "100 pictures are stored")
FAILED = condition("Ready", "False", "ScrapeFailed", "its pod was killed; delete the Job")
SERVED = condition("Ready", "True", "ModelServed", "art-or-not is served")


@pytest.fixture
def server() -> Iterator[PlayedApiServer]:
    with played_api_server() as one:
        yield one


@pytest.fixture
def kubeconfig(server: PlayedApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = write_kubeconfig(tmp_path / "kubeconfig", server.url, token="secret")
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("COLUMNS", "100")
    return path


Call = Callable[..., Said]


@pytest.fixture
def call(kubeconfig: Path, capfd: pytest.CaptureFixture[str]) -> Call:
    """Call `artgrab cluster status` in this process, its stdout no terminal."""
    return lambda *options: artgrab(capfd, "cluster", "status", *options)


def fill(server: PlayedApiServer) -> None:
    server.held[CATEGORIES] = [
        category("murals", FAILED, counts=counts(3)),
        category("graffiti", READY, counts=counts(100), nextRunAt="2026-11-08T03:00:00Z"),
    ]
    server.held[CLASSIFIERS] = [classifier("art-or-not", SERVED, dataset=DATASET, serving=SERVING)]


def test_a_pipe_gets_one_table_for_two_questions(server: PlayedApiServer, call: Call) -> None:
    fill(server)
    said = call()
    assert said.code == 0, said.err
    assert "\x1b" not in said.out
    rows = {line.split()[0]: line.split() for line in said.out.splitlines() if line.split()}
    assert rows["graffiti"][1:4] == ["True", "TargetReached", "100/100"]
    assert rows["murals"][1:4] == ["False", "ScrapeFailed", "3/100"]
    assert rows["art-or-not"][1:] == [
        *("True", "ModelServed", "93.4", "%", "812", "0123456789ab", "2")
    ]
    assert "1 of 2 categories ready, 1 of 1 classifiers ready" in said.out
    assert "murals: its pod was killed; delete the Job" in said.out
    assert "art-or-not-serving.default.svc:8500" in said.out
    assert [path.partition("?")[0] for path in server.asked] == [
        "/apis/artgrab.dev/v1alpha1/namespaces/default/artcategories",
        "/apis/artgrab.dev/v1alpha1/namespaces/default/artclassifiers",
    ]
    assert server.tokens == {"Bearer secret"}


def test_a_program_gets_one_document(server: PlayedApiServer, call: Call) -> None:
    fill(server)
    said = call("--output", "json")
    told: dict[str, Any] = json.loads(said.out)
    assert (told["context"], told["namespace"]) == ("played", "default")
    assert [one["name"] for one in told["categories"]] == ["graffiti", "murals"]
    assert told["categories"][0] == {
        "namespace": "default",
        "name": "graffiti",
        "ready": "True",
        "reason": "TargetReached",
        "message": "100 pictures are stored",
        "created_at": "2026-11-02T09:00:00Z",
        "stored": 100,
        "target": 100,
        "next_run_at": "2026-11-08T03:00:00Z",
    }
    (served,) = told["classifiers"]
    assert served["served"] == SERVING["contentSha256"]
    assert (served["accuracy_permille"], served["images"], served["ready_replicas"]) == (
        *(934, 812, 2),
    )


def test_a_server_is_never_asked_for_more_than_500_objects_at_once(
    server: PlayedApiServer, call: Call
) -> None:
    server.held[CATEGORIES] = [category(f"c{n}", READY) for n in range(1201)]
    told = json.loads(call("--output", "json").out)
    assert len({one["name"] for one in told["categories"]}) == 1201
    asked = [path for path in server.asked if "artcategories" in path]
    assert len(asked) == 3
    assert all("limit=500" in path for path in asked)


def test_the_namespace_is_the_one_of_kubectl_unless_another_is_named(
    server: PlayedApiServer, kubeconfig: Path, call: Call
) -> None:
    write_kubeconfig(kubeconfig, server.url, namespace="art")
    server.namespaces |= {"art", "other"}
    server.held[CATEGORIES] = [category(name, READY, namespace=name) for name in ("art", "other")]
    names = [
        [one["name"] for one in json.loads(call("--output", "json", *more).out)["categories"]]
        for more in ((), ("--namespace", "other"), ("--all-namespaces",))
    ]
    assert names == [["art"], ["other"], ["art", "other"]]
    assert "namespace  category" in call("--all-namespaces").out


def test_an_empty_cluster_says_how_to_begin(call: Call) -> None:
    said = call("--no-watch")
    assert said.code == 0
    assert "kubectl apply -f k8s/examples/first-category.yaml" in said.out.replace("\n", " ")


def test_a_namespace_that_is_not_there_is_told(server: PlayedApiServer, call: Call) -> None:
    said = call("--namespace", "atr")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "artgrab: namespace atr is not in this cluster; "
        "kubectl get namespaces lists those that are\n"
    )
    server.refusals["namespaces"] = 403  # then nobody can know
    assert call("--namespace", "atr").code == 0


def test_a_cluster_without_the_definitions_tells_how_to_install_them(
    server: PlayedApiServer, call: Call
) -> None:
    server.refusals[CATEGORIES] = 404
    said = call()
    assert said.code == 2
    assert f"{server.url} knows no artcategories: install artgrab there (helm install" in said.err
    command = re.search(r"kubectl apply --server-side((?: -f \S+)+)", said.err)
    assert command
    files = command[1].split(" -f ")[1:]
    assert all((Path(__file__).parents[2] / file.strip()).is_file() for file in files)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (401, "does not know who you are: log in again, as for kubectl"),
        (403, 'you may not: artclassifiers.artgrab.dev is forbidden: User "me" cannot list it'),
        (500, "refuses: artclassifiers.artgrab.dev is internalerror"),
    ],
)
def test_a_refusal_is_one_line(server: PlayedApiServer, call: Call, code: int, told: str) -> None:
    server.refusals[CLASSIFIERS] = code
    said = call()
    assert (said.code, said.out) == (4, "")
    assert told in said.err
    assert len(said.err.splitlines()) == 1


def test_where_nothing_answers_it_says_so(kubeconfig: Path, call: Call) -> None:
    write_kubeconfig(kubeconfig, "http://127.0.0.1:1")
    said = call()
    assert said.code == 4
    assert "artgrab: the API server http://127.0.0.1:1 cannot be reached: " in said.err
    assert len(said.err.splitlines()) == 1


def test_another_server_is_seen_to_be_none(server: PlayedApiServer, call: Call) -> None:
    server.page = "<h1>It works!</h1>"
    said = call()
    assert said.code == 4
    assert "does not answer as an API server does" in said.err


def test_a_server_that_hangs_is_given_up(
    kubeconfig: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_access, "_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        write_kubeconfig(kubeconfig, f"http://127.0.0.1:{silent.getsockname()[1]}")
        said = call()
    assert said.code == 4
    assert "does not answer within" in said.err


def test_a_namespace_and_all_of_them_contradict_each_other(call: Call) -> None:
    said = call("-n", "art", "-A")
    assert (said.code, "exclude each other" in said.err) == (2, True)


async def shown(one: Terminal, text: str) -> None:
    try:
        await eventually(lambda: text in one.text)
    except TimeoutError:
        raise AssertionError(one.text) from None


async def test_a_terminal_is_shown_what_changes_until_it_is_interrupted(
    server: PlayedApiServer, kubeconfig: Path
) -> None:
    fill(server)
    with terminal() as one:
        process = subprocess.Popen(
            [sys.executable, "-m", "artgrab.cli", "cluster", "status"],
            stdout=one.slave,
            stderr=one.slave,
            env=os.environ | {"TERM": "xterm-256color", "LANG": "C.UTF-8", "COLUMNS": "80"},
        )
        try:
            await shown(one, "1 of 2 categories ready")
            server.held[CATEGORIES][0] = category("murals", READY, counts=counts(100))
            await shown(one, "2 of 2 categories ready")
            server.refusals[CLASSIFIERS] = 500
            await shown(one, "Trying again")
            server.refusals.clear()
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
            process.wait()
    assert one.text.rindex("\x1b[?25h") > one.text.rindex("\x1b[?25l")  # the cursor is back
