"""Which cluster `artgrab cluster` asks: the one that kubectl would."""

from pathlib import Path

import pytest
import yaml

from artgrab.cli.cluster_access import ClusterAccess
from artgrab.cli.cluster_config import read_config
from artgrab.common.errors import SurroundingsError
from tests.support.played_api_server import write_kubeconfig


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    return tmp_path


def test_without_any_it_says_where_one_is_looked_for() -> None:
    with pytest.raises(SurroundingsError, match="no cluster is known: set KUBECONFIG"):
        read_config()


def test_the_usual_file_is_taken(home: Path) -> None:
    (home / ".kube").mkdir()
    write_kubeconfig(home / ".kube" / "config", "http://usual:1", namespace="art")
    found = read_config()
    assert (found.cluster.server, found.namespace) == ("http://usual:1", "art")


def test_the_file_that_the_environment_names_comes_first(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".kube").mkdir()
    write_kubeconfig(home / ".kube" / "config", "http://usual:1")
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(home / "mine", "http://mine:1")))
    assert read_config().cluster.server == "http://mine:1"


def test_several_files_are_one_and_the_first_to_name_a_thing_defines_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contexts = {"contexts": [{"name": "both", "context": {"cluster": "played", "user": "me"}}]}
    (home / "contexts").write_text(yaml.safe_dump({"current-context": "both", **contexts}))
    write_kubeconfig(home / "one", "http://one:1", token="mine")
    write_kubeconfig(home / "two", "http://two:1")
    names = ("contexts", "absent", "one", "two")
    monkeypatch.setenv("KUBECONFIG", ":".join(str(home / name) for name in names))
    found = read_config()
    assert found.context_name == "both"
    assert found.cluster.server == "http://one:1"
    assert found.user is not None
    assert found.user.token == "mine"


def test_files_are_looked_for_beside_the_kubeconfig_that_names_them(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "clusters"
    folder.mkdir()
    path = write_kubeconfig(folder / "mine", "https://mine:1")
    document = yaml.safe_load(path.read_text())
    document["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(path))
    config = read_config()
    assert config.cluster.certificate_auth == str(folder / "ca.crt")
    with pytest.raises(SurroundingsError, match=r"context played: .*No such file"):
        ClusterAccess(config, namespace="default")


def test_a_context_without_a_user_is_an_unnamed_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_kubeconfig(home / "mine", "http://mine:1")
    document = yaml.safe_load(path.read_text())
    del document["contexts"][0]["context"]["user"]
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setenv("KUBECONFIG", str(path))
    with ClusterAccess(read_config(), namespace="default") as access:
        assert access.server == "http://mine:1"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "kubeconfig .*mine: "),
        ("[]", "kubeconfig .*mine: "),
        ("a: [", "kubeconfig .*mine: while parsing"),
        ("clusters: []", "no current-context: kubectl config use-context NAME chooses one"),
        ("current-context: gone", "Context 'gone' not found"),
        (
            "{current-context: a, contexts: [{name: a, context: {cluster: b}}]}",
            "'b' is missing",
        ),
        ("clusters: [{cluster: {server: x}}]", "'name' is missing"),
        ("{current-context: a, contexts: [{name: a}]}", "'context' is missing"),
    ],
)
def test_a_file_that_is_none_is_told_in_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    (home / "mine").write_text(text)
    monkeypatch.setenv("KUBECONFIG", str(home / "mine"))
    with pytest.raises(SurroundingsError, match=told) as raised:
        read_config()
    assert "\n" not in str(raised.value)
