"""What README and quickstart show is true of the code."""

import re
import shlex
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from artgrab.cli.app import app
from artgrab.common.documents import Documents, load_documents, select
from artgrab.common.resources import ArtClassifierSpec
from artgrab.operator.names import serving_name
from tests.support.command_lines import block_below, commands_in, parsed

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/quickstart.md")
EXAMPLES = ROOT / "k8s/examples"
FIRST = [EXAMPLES / "first-category.yaml", EXAMPLES / "first-classifier.yaml"]


def text_of(page: str) -> str:
    return (ROOT / page).read_text()


def shown_documents(page: str, folder: Path, *, name: str = "shown.yaml") -> Documents:
    """Save the documents that a page shows, and read them."""
    (block,) = re.findall(r"```yaml\n(.*?)```", text_of(page), flags=re.DOTALL)
    (folder / name).write_text(block)
    return load_documents([folder / name])


@pytest.mark.parametrize("page", PAGES)
def test_the_documents_it_shows_are_valid_and_fit_together(page: str, tmp_path: Path) -> None:
    shown = shown_documents(page, tmp_path)
    (classifier,) = shown.classifiers
    if page != "README.md":  # it shows one category only
        assert sorted(select(classifier, shown)) == sorted(
            one.metadata.name for one in shown.categories
        )


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_it_shows_can_be_called(page: str) -> None:
    lines = commands_in(text_of(page))
    assert {parsed(line)[:1] for line in lines if "--install-completion" not in line} >= {
        ("run",),
        ("serve",),
        ("predict",),
    }
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), flags=re.MULTILINE))
    assert set(re.findall(r"^ {4}make (?:-s )?([a-z-]+)", text_of(page), re.MULTILINE)) <= targets


def test_the_quickstart_names_what_its_documents_define(tmp_path: Path) -> None:
    page = "docs/quickstart.md"
    (classifier,) = shown_documents(page, tmp_path).classifiers
    named = re.findall(r"(?:serve|--classifier) ([a-z-]+)", "\n".join(commands_in(text_of(page))))
    assert set(named) == {classifier.metadata.name}


def test_the_dry_run_of_the_quickstart_works_as_it_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "docs/quickstart.md"
    shown_documents(page, tmp_path, name="pets.yaml")
    monkeypatch.chdir(tmp_path)
    (line,) = [line for line in commands_in(text_of(page)) if "--dry-run" in line]
    result = CliRunner().invoke(app, line.split()[1:])
    assert result.exit_code == 0, result.output
    assert "commons.wikimedia.org" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pets.yaml"]


@pytest.mark.parametrize("page", PAGES)
def test_the_files_it_links_to_are_there(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", text_of(page)):
        assert ((ROOT / page).parent / target).is_file(), target


def test_the_python_it_shows_is_python() -> None:
    for block in re.findall(r"```python\n(.*?)```", text_of("docs/quickstart.md"), re.DOTALL):
        compile(block, "quickstart", "exec")


def values_of_the_chart() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text_of("helm/artgrab/values.yaml"))
    return found


def test_the_first_category_and_classifier_fit_together() -> None:
    assert sorted(EXAMPLES.iterdir()) == FIRST
    documents = load_documents(FIRST)
    (classifier,) = documents.classifiers
    labels = select(classifier, documents)
    assert labels == {"graffiti": "art", "streets": "not-art"}


def test_the_first_classifier_is_the_one_that_the_chart_makes() -> None:
    """So that applying it trains nothing a second time."""
    (classifier,) = load_documents(FIRST).classifiers
    ours = values_of_the_chart()["defaultClassifier"]
    assert classifier.metadata.name == ours["name"]
    assert classifier.spec == ArtClassifierSpec.model_validate(ours["spec"])


def test_the_path_on_a_cluster_names_what_chart_and_examples_define() -> None:
    commands = [shlex.split(line) for line in block_below("## On Kubernetes", text_of("README.md"))]
    words = [tuple(command[:2]) for command in commands]
    assert words == [
        ("scripts/images", "--registry"),
        ("helm", "install"),
        ("kubectl", "config"),
        ("kubectl", "apply"),
        ("artgrab", "cluster"),
        ("kubectl", "wait"),
        ("kubectl", "port-forward"),
        ("artgrab", "predict"),
    ]
    images, install, config, apply, _, wait, forward, predict = commands
    chosen = [install[n + 1] for n, word in enumerate(install) if word == "--set"]
    for path, _, _ in (one.partition("=") for one in chosen):
        reduce(getitem, path.split("."), values_of_the_chart())  # each of them is a value
    assert f"image.registry={images[2]}" in chosen
    assert config[-1] == f"--namespace={install[install.index('--namespace') + 1]}"
    assert [word for word in apply if word.startswith("k8s")] == [
        str(file.relative_to(ROOT)) for file in FIRST
    ]
    (classifier,) = load_documents(FIRST).classifiers
    name = classifier.metadata.name
    assert f"artclassifier/{name}" in wait
    assert forward[2:4] == [f"service/{serving_name(name)}", predict[-1].rpartition(":")[2]]
