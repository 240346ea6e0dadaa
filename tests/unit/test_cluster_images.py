"""When images for a cluster are built anew."""

from pathlib import Path

import pytest

from tests.cluster.images import Part


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository of two files."""
    (tmp_path / "services/artgrab/__pycache__").mkdir(parents=True)
    (tmp_path / "services/artgrab/one.py").write_text("1")
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    return tmp_path


def _part(tree: Path) -> Part:
    return Part("all", ("operator",), ("Dockerfile", "services"), root=tree)


def test_the_same_files_give_the_same_tag(tree: Path) -> None:
    before = _part(tree).tag
    (tree / "services/artgrab/__pycache__/one.pyc").write_text("of some run")
    (tree / "README.md").write_text("not in the image")
    assert _part(tree).tag == before


@pytest.mark.parametrize("file", ["Dockerfile", "services/artgrab/one.py", "scripts/images"])
def test_another_content_gives_another_tag(file: str, tree: Path) -> None:
    before = _part(tree).tag
    (tree / file).parent.mkdir(exist_ok=True)
    (tree / file).write_text("2")
    assert _part(tree).tag != before


def test_another_name_gives_another_tag(tree: Path) -> None:
    before = _part(tree).tag
    (tree / "services/artgrab/one.py").rename(tree / "services/artgrab/two.py")
    assert _part(tree).tag != before
