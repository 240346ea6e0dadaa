"""What a run will cost, before it runs: estimates, each with what it rests on.

Sizes of our own work were measured on the demo world (1,872 pictures). Its times come from
processor seconds measured there (`artgrab dataset build` and `train`, each on 268 and on 545
pictures, a busy machine), spread over two cores that have nothing else to do: a wall clock of a
quiet machine was not read. What other people's servers take is assumed, as nobody can measure what
was not asked yet.
"""

import math
from collections.abc import Sequence

import msgspec

KEPT_SHARE = 0.8
"""Assumed: of ten pictures found, two are too small, gone, refused or there already."""
SECONDS_A_FETCH = 0.5
"""Assumed: of a picture from a server on the internet."""
API_BATCH = 50
"""Files in one answer of a MediaWiki (its limit for anonymous callers)."""
ORIGINAL_BYTES = {"mediawiki": 2_000_000, "gallery": 200_000}
"""Assumed, by kind of source: originals of a wiki are photographs at full size."""
STORED_BYTES = 36_000
"""Measured: a picture whose shorter side is the full 384 pixels, re-encoded."""
RECORD_BYTES = 700
"""Measured: of a candidate, compacted."""
LEARNT_BYTES = 16_000
"""Measured, of a picture: its features on two grounds, and its share of the contact sheets."""
MODEL_BYTES = 14_000_000
"""Measured: tf_efficientnet_lite0 with its head and report."""
DATASET_SECONDS = 0.003
"""Measured: processor seconds of a picture (3.4 s for 268, 4.2 s for 545); one core does it."""
LEARN_SECONDS = 0.038
"""Measured: processor seconds of a picture (44 s for 268, 65 s for 545), spread over two cores:
features on two grounds, head and left-out evaluation."""
LEARN_START_SECONDS = 30.0
"""Measured: 23 processor seconds of each training whatever its size (loading torch and the
backbone, report), mostly on one core; serving for the last predictions is assumed to add 7."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """An estimate; seconds are those of a wall clock."""

    requests: int = 0
    download_bytes: int = 0
    disk_bytes: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            requests=self.requests + other.requests,
            download_bytes=self.download_bytes + other.download_bytes,
            disk_bytes=self.disk_bytes + other.disk_bytes,
            seconds=self.seconds + other.seconds,
        )


def collecting_cost(
    missing: int, *, kinds: Sequence[str], questions: int, at_once: int, spacing: float
) -> Cost:
    """Return what it takes to get so many pictures more.

    Args:
        missing: pictures.
        kinds: of the category's sources, taken to give alike.
        questions: pairs of source and query.
        at_once: fetches from one site at a time.
        spacing: least seconds between the starts of two.
    """
    if not missing:
        return Cost()
    candidates = math.ceil(missing / KEPT_SHARE)
    original = sum(ORIGINAL_BYTES[kind] for kind in kinds) // len(kinds)
    return Cost(
        requests=candidates + math.ceil(candidates / API_BATCH) + questions,
        download_bytes=candidates * original,
        disk_bytes=missing * STORED_BYTES + candidates * RECORD_BYTES,
        seconds=candidates * max(SECONDS_A_FETCH / at_once, spacing),
    )


def learning_cost(pictures: int, *, dataset: bool, train: bool) -> Cost:
    """Return what dataset and model take for so many pictures."""
    seconds = pictures * (DATASET_SECONDS * dataset + LEARN_SECONDS * train)
    return Cost(
        disk_bytes=train * (pictures * LEARNT_BYTES + MODEL_BYTES),
        seconds=seconds + LEARN_START_SECONDS * train,
    )


ASSUMPTIONS = (
    f"{KEPT_SHARE:.0%} of what is found is kept; a fetch takes {SECONDS_A_FETCH} s; all pictures "
    "of a category are on one site (several sites are quicker); assumed, and the sources may hold "
    "less than the targets",
    "an original has {wiki} MB at a wiki and {gallery} MB in a gallery; assumed".format(
        wiki=ORIGINAL_BYTES["mediawiki"] / 1e6, gallery=ORIGINAL_BYTES["gallery"] / 1e6
    ),
    f"a stored picture has {STORED_BYTES / 1000:.0f} kB, a record {RECORD_BYTES} B, a model "
    f"{MODEL_BYTES / 1e6:.0f} MB; measured on the demo world",
    f"to learn takes {LEARN_SECONDS * 1000:.0f} ms a picture and {LEARN_START_SECONDS:.0f} s; "
    "from processor seconds measured with tf_efficientnet_lite0, spread over two idle cores",
)
"""What the figures rest on, one sentence each."""
