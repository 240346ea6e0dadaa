"""What README shows is true of the code."""

import re
from pathlib import Path

from artgrab.cli.main import app
from artgrab.common.documents import load_documents

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_documents_it_shows_are_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    (tmp_path / "shown.yaml").write_text(block)
    shown = load_documents([tmp_path / "shown.yaml"])
    assert [one.metadata.name for one in shown.categories] == ["graffiti"]
    assert [one.metadata.name for one in shown.classifiers] == ["art-or-not"]


def test_the_commands_it_shows_exist() -> None:
    named = {
        str(command.callback.__name__) for command in app.registered_commands if command.callback
    }
    assert set(re.findall(r"^ {4}artgrab (\w+)", README, flags=re.MULTILINE)) <= named
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"^ {4}make (\w+)", README, flags=re.MULTILINE)) <= targets


def test_the_files_it_links_to_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).is_file(), target
