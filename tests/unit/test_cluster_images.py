"""When images for a cluster are built anew, and what those without packages need beside them."""

import os
import sys
from pathlib import Path

import pytest

from artgrab.common.errors import SurroundingsError
from tests.cluster import builds
from tests.cluster.images import Learning, Part, wants_whole_images
from tests.cluster.packages import CLAIM, FOLDER, documents, host_folder, learning_values

_BARE = Learning("artgrab-bare", "artgrab-bare", tag="1")
_WHOLE = Learning("artgrab-trainer", "artgrab-serving", tag="2")


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


def test_what_former_inputs_gave_goes_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builds, "cluster_cache", lambda: tmp_path)
    for name in ("images-all-old", "images-all-young", "images-other-old"):
        (tmp_path / name).mkdir()
    for old in tmp_path.glob("*-old"):
        os.utime(old, (0, 0))
    kept = builds.ensure_only("images-all-new", lambda folder: None)
    os.utime(kept, (0, 0))
    assert builds.ensure_only("images-all-new", lambda folder: None) == kept
    there = {one.name for one in tmp_path.iterdir() if one.is_dir()}
    assert there == {"images-all-new", "images-all-young", "images-other-old"}


def test_real_images_bring_their_packages_along() -> None:
    values = learning_values(_WHOLE)
    assert values["trainer"] == {"image": {"name": "artgrab-trainer", "tag": "2"}}
    assert values["serving"] == {"image": {"name": "artgrab-serving", "tag": "2"}}


@pytest.mark.parametrize("service", ["trainer", "serving"])
def test_stand_ins_have_the_packages_of_the_host(service: str) -> None:
    values = learning_values(_BARE)[service]
    (volume,), (mount,) = values["volumes"], values["volumeMounts"]
    assert volume["persistentVolumeClaim"] == {"claimName": CLAIM, "readOnly": True}
    assert mount == {"name": volume["name"], "mountPath": FOLDER, "readOnly": True}


def test_a_claim_and_its_volume_name_each_other() -> None:
    volume, claim = documents("pictures")
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    named = {"namespace": claim["metadata"]["namespace"], "name": claim["metadata"]["name"]}
    assert volume["spec"]["claimRef"] == named
    assert volume["metadata"]["name"] != documents("others")[0]["metadata"]["name"]


def test_the_packages_of_the_host_can_be_read_by_everybody() -> None:
    folder = host_folder()
    assert (folder / "torch/__init__.py").is_file()
    closed = [path for path in folder.iterdir() if not path.stat().st_mode & os.R_OK]
    assert not closed


@pytest.mark.parametrize(("asked", "whole"), [("bare", False), ("full", True)])
def test_whoever_asks_for_real_images_has_them(
    asked: str, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.cluster.images.PYTHON", sys.version_info[:2])
    monkeypatch.setenv("ARTGRAB_CLUSTER_IMAGES", asked)
    assert wants_whole_images() is whole


def test_packages_of_another_python_do_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARTGRAB_CLUSTER_IMAGES", raising=False)
    monkeypatch.setattr("tests.cluster.images.PYTHON", (3, 2))
    assert wants_whole_images()


def test_what_is_no_kind_of_image_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTGRAB_CLUSTER_IMAGES", "half")
    with pytest.raises(SurroundingsError, match="bare or full"):
        wants_whole_images()
