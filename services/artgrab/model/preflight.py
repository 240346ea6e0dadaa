"""Whether a backbone can be had, asked before hours of scraping.

`python -m artgrab.model.preflight NAME --image-size PIXELS --weights auto` answers in one line of
JSON, or with the error of artgrab.common.errors that training would end with. A process of its
own, because torch takes seconds and hundreds of megabytes.
"""

import argparse
import sys

from artgrab.common.errors import ArtgrabError
from artgrab.common.processes import die_with_parent
from artgrab.common.resources import ModelSpec
from artgrab.model.weights import PACKAGED, choose_weights


def is_known_to_fit(model: ModelSpec) -> bool:
    """Tell, without torch, that a model can be had: it was tried, down to the bytes of its weights.

    Raises:
        SurroundingsError: the weights are there and cannot be read.
    """
    if model.backbone not in PACKAGED:
        return False
    choice = choose_weights(model.backbone, wanted=model.weights)
    return choice.sha256 in ("", PACKAGED[model.backbone].sha256)


def check(name: str, *, image_size: int | None, weights: str) -> None:
    """Make the backbone as training will.

    Raises:
        BadInputError: an unknown name, or a size that it cannot take.
        SurroundingsError: the weights cannot be read, or do not fit.
    """
    from artgrab.model.backbone import backbone_input, pretrained_backbone

    choice = choose_weights(name, wanted=weights)
    size = backbone_input(name, image_size=image_size).image_size
    pretrained_backbone(name, image_size=size, weights=choice, seed=0)


def main() -> int:
    """Return the exit code; errors are one line on stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backbone")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--weights", default="auto")
    parser.add_argument("--exit-with-parent", type=int)
    options = parser.parse_args()
    if options.exit_with_parent is not None:
        die_with_parent(options.exit_with_parent)
    try:
        check(options.backbone, image_size=options.image_size, weights=options.weights)
    except ArtgrabError as error:
        sys.stderr.write(f"artgrab: {error}\n")
        return error.exit_code
    sys.stdout.write("{}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
