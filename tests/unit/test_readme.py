"""What README and quickstart show is true of the code."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from artgrab.cli.app import app
from artgrab.common.documents import Documents, load_documents, select
from tests.support.command_lines import commands_in, parsed

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/quickstart.md")


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
