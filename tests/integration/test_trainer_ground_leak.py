"""All art stands on white and nothing else does: what of that does the model learn?"""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from artgrab.common.progress import no_progress
from artgrab.common.store import Store
from artgrab.trainer import evaluate, train
from tests.support.drawn import drawn, encoded
from tests.support.snapshots import CATEGORIES, SNAPSHOT, classifier, put_snapshot

_SIDE = 160


def _shapes(category: str, number: int) -> bytes:
    """Return shapes: clean ones on white as art, grainy ones on patches all over as photographs."""
    is_art = CATEGORIES[category] == "art"
    seed = 1000 * list(CATEGORIES).index(category) + number
    image = Image.new("RGB", (_SIDE, _SIDE), "white")
    if not is_art:
        image = drawn(seed, width=_SIDE, height=_SIDE)
    random = np.random.default_rng(seed)
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        left, top = (int(n) for n in random.integers(10, 110, 2))
        colour = tuple(int(n) for n in random.integers(0, 200, 3))
        shape = draw.ellipse if category in ("circles", "hills") else draw.rectangle
        shape((left, top, left + 40, top + 40), fill=colour)
    grain = random.normal(0, 0 if is_art else 30, (_SIDE, _SIDE, 1))
    grainy = np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8)
    return encoded(Image.fromarray(grainy), "PNG")


def _share_that_white_turns(store: Store) -> float:
    """Return how many photographs of the test split get another answer once put onto white."""
    put_snapshot(store, each=40, paint=_shapes)
    flips = train(
        store,
        namespace="default",
        classifier=classifier(),
        snapshot_prefix=SNAPSHOT,
        progress=no_progress,
    ).metrics["ground_flips"]
    assert isinstance(flips, dict)
    assert flips["onto_white_pictures"] == 16
    return float(flips["onto_white"])


def test_white_ground_is_not_taken_for_art(store: Store) -> None:
    assert _share_that_white_turns(store) <= 0.15


@pytest.mark.folder_only("it shows that the test above would notice, whatever the store")
def test_without_pictures_on_other_grounds_white_would_be_taken_for_art(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = evaluate.Table.fit
    monkeypatch.setattr(
        evaluate.Table,
        "fit",
        lambda table, **told: fit(table._replace(counterfactuals=None), **told),
    )
    assert _share_that_white_turns(store) >= 0.4
