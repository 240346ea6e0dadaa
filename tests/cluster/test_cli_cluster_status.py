"""`artgrab cluster status` against a real API server: what it shows, and to whom."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.categories import category, gallery_source
from tests.cluster.installed import PICTURES, Installation
from tests.cluster.kubectl import Kubectl
from tests.cluster.worlds import shown

pytestmark = pytest.mark.xdist_group("trial")

READER, STRANGER = "status-reader", "status-stranger"
IN_PICTURES = ("--namespace", PICTURES)


def status(kubeconfig: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Call it in a pipe, as whoever the kubeconfig says; it must end with this code."""
    done = subprocess.run(
        [sys.executable, "-m", "artgrab.cli", "cluster", "status", *(words or IN_PICTURES)],
        env={"KUBECONFIG": str(kubeconfig), "PATH": "", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    return done


def document(kubeconfig: Path) -> Mapping[str, Any]:
    told = status(kubeconfig, *IN_PICTURES, "--output", "json").stdout
    found: Mapping[str, Any] = json.loads(told)
    return found


@pytest.fixture(scope="module")
def ready(installed: Installation) -> str:
    """A category that is Ready."""
    name = "status-words"
    words = installed.world.galleries["www.word-drawings.test"]
    source = gallery_source(words, words="q={query}&limit=4")
    installed.kubectl.apply(category(name, source, queries=["word drawings"]))
    installed.wait_ready(name)
    assert len(shown(words, query="word drawings", limit=4)) == 4
    return name


def test_it_tells_what_kubectl_tells(installed: Installation, ready: str) -> None:
    kubeconfig = installed.kubectl.kubeconfig
    (row,) = (one for one in document(kubeconfig)["categories"] if one["name"] == ready)
    assert (row["ready"], row["stored"], row["target"]) == ("True", 4, 1000)
    assert row["reason"] == installed.condition(ready)["reason"]
    assert row["message"] == installed.condition(ready)["message"]
    table = status(kubeconfig).stdout.splitlines()
    (line,) = (one for one in table if one.startswith(ready))
    assert line.split()[1:4] == ["True", "SourcesExhausted", "4/1000"]


def test_a_namespace_that_is_not_there_is_told(installed: Installation) -> None:
    said = status(installed.kubectl.kubeconfig, "--namespace", "artgrab-test-nowhere", code=2)
    assert "namespace artgrab-test-nowhere is not in this cluster" in said.stderr


@pytest.fixture(scope="module")
def accounts(installed: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with two kubeconfigs: of who may view the namespace, and of who may do nothing."""
    folder, kubectl = tmp_path_factory.mktemp("accounts"), installed.kubectl
    for name in (READER, STRANGER):
        kubectl("create", "serviceaccount", name)
        (folder / name).write_text(_kubeconfig(kubectl, name))
    account = f"--serviceaccount={PICTURES}:{READER}"
    kubectl("create", "rolebinding", READER, "--clusterrole=view", account)
    yield folder
    kubectl("delete", "rolebinding", READER)
    kubectl("delete", "serviceaccount", READER, STRANGER)


def _kubeconfig(kubectl: Kubectl, account: str) -> str:
    """Return the kubeconfig of the tests with the token of an account instead."""
    found = yaml.safe_load(kubectl("config", "view", "--raw", "--flatten", "--minify"))
    (user,) = found["users"]
    user["user"] = {"token": kubectl("create", "token", account).strip()}
    return yaml.safe_dump(found)


def test_whoever_may_view_a_namespace_may_see_it(
    installed: Installation, ready: str, accounts: Path
) -> None:
    assert ready in [one["name"] for one in document(accounts / READER)["categories"]]


def test_whoever_may_not_is_told_so_in_one_line(installed: Installation, accounts: Path) -> None:
    for reader, words in ((STRANGER, IN_PICTURES), (READER, ("--all-namespaces",))):
        said = status(accounts / reader, *words, code=4)
        assert "artgrab: you may not: artcategories.artgrab.dev is forbidden" in said.stderr
        assert len(said.stderr.splitlines()) == 1
