"""The cache of features: what is computed again, and what never is."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import ObjectCorruptError
from artgrab.common.progress import Progress, no_progress
from artgrab.common.store import ObjectInfo, Store
from artgrab.images import process_picture
from artgrab.model.backbone import backbone_input, pretrained_backbone
from artgrab.model.weights import RANDOM, WeightsChoice
from artgrab.trainer.extractors import backbone_features, simple_features
from artgrab.trainer.features import (
    BATCH,
    Features,
    Share,
    StoredPicture,
    cached_features,
    fill_cache,
)
from tests.support.drawn import drawn, encoded, jpeg

PREFIX = "default/features/of-something"


class Counter:
    """Computes the length and first byte of each picture and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def __call__(self, stored: Sequence[bytes]) -> Features:
        assert 0 < len(stored) <= BATCH
        self.asked += stored
        return np.array([[len(one), one[0]] for one in stored], np.float32)


def _put(store: Store, count: int) -> list[StoredPicture]:
    pictures = []
    for number in range(count):
        data = bytes([number % 256]) * (number + 1)
        pictures.append(StoredPicture(f"default/images/{number}", sha256_hex(data)))
        store.put(pictures[-1].key, data)
    return pictures


def _features(
    store: Store,
    pictures: Sequence[StoredPicture],
    compute: Counter,
    progress: list[Progress] | None = None,
) -> list[tuple[float, float]]:
    rows = cached_features(
        store,
        pictures,
        compute,
        prefix=PREFIX,
        threads=3,
        progress=no_progress if progress is None else progress.append,
        item="test",
    )
    return [(float(size), float(first)) for size, first in rows]


def _expected(count: int) -> list[tuple[float, float]]:
    return [(number + 1.0, float(number % 256)) for number in range(count)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(str(tmp_path))


def test_rows_come_in_the_order_asked_for(store: Store) -> None:
    pictures = _put(store, 300)
    assert _features(store, pictures, Counter()) == _expected(300)
    assert _features(store, pictures[::-1], Counter()) == _expected(300)[::-1]


def test_what_was_computed_is_not_computed_again(store: Store) -> None:
    pictures = _put(store, 150)
    _features(store, pictures[:140], Counter())
    later = Counter()
    assert _features(store, pictures, later) == _expected(150)
    assert len(later.asked) == 10


def test_a_picture_that_is_there_twice_is_computed_once(store: Store) -> None:
    pictures = _put(store, 3)
    compute = Counter()
    assert _features(store, [*pictures, *pictures], compute) == _expected(3) * 2
    assert len(compute.asked) == 3


def test_a_run_that_broke_off_goes_on_from_its_last_chunk(store: Store) -> None:
    pictures = _put(store, 300)

    class Breaking(Counter):
        def __call__(self, stored: Sequence[bytes]) -> Features:
            if len(self.asked) > 200:
                raise KeyboardInterrupt
            return super().__call__(stored)

    with pytest.raises(KeyboardInterrupt):
        _features(store, pictures, Breaking())
    later = Counter()
    assert _features(store, pictures, later) == _expected(300)
    assert len(later.asked) == 300 - 128


@pytest.mark.parametrize("damage", [b"", b"not safetensors"])
def test_a_damaged_chunk_is_computed_again(store: Store, damage: bytes) -> None:
    pictures = _put(store, 5)
    _features(store, pictures, Counter())
    (chunk,) = store.list(PREFIX)
    store.put(chunk.key, damage)
    later = Counter()
    assert _features(store, pictures, later) == _expected(5)
    assert len(later.asked) == 5
    assert _features(store, pictures, Counter()) == _expected(5)


def test_a_picture_with_other_bytes_than_recorded_is_refused(store: Store) -> None:
    pictures = _put(store, 5)
    store.put(pictures[2].key, b"others")
    with pytest.raises(ObjectCorruptError, match=pictures[2].key):
        _features(store, pictures, Counter())


def test_progress_ends_with_all_pictures(store: Store) -> None:
    told: list[Progress] = []
    _features(store, _put(store, 200), Counter(), told)
    assert [one.done for one in told] == [128, 200, 200]
    assert [one.finished for one in told] == [False, False, True]
    assert {(one.stage, one.item, one.total) for one in told} == {("features", "test", 200)}


def test_the_features_of_a_picture_do_not_hang_on_the_others_of_its_batch() -> None:
    name = "tf_efficientnet_lite0"
    backbone = pretrained_backbone(
        name, image_size=64, weights=WeightsChoice(source=RANDOM), seed=0
    )
    compute = backbone_features(backbone, backbone_input(name, image_size=64))
    pictures = [process_picture(jpeg(seed)).object_bytes for seed in range(BATCH)]
    together = compute(pictures)
    for number, picture in enumerate(pictures):
        assert np.array_equal(compute([picture])[0], together[number])


def test_simple_features_tell_colours_and_edges_apart_but_no_size() -> None:
    soft, other = (process_picture(jpeg(seed)).object_bytes for seed in (1, 2))
    small = encoded(drawn(1).resize((160, 120)))
    rows = simple_features([soft, other, process_picture(small).object_bytes])
    assert np.isfinite(rows).all()
    assert np.abs(rows[0] - rows[2]).sum() < np.abs(rows[0] - rows[1]).sum() / 3


def _fill(store: Store, pictures: Sequence[StoredPicture], compute: Counter, share: Share) -> None:
    fill_cache(
        store,
        pictures,
        compute,
        prefix=PREFIX,
        threads=2,
        progress=no_progress,
        item="test",
        share=share,
    )


@pytest.mark.parametrize("shares", [1, 2, 3, 7])
def test_shares_computed_at_once_are_the_whole_and_nothing_is_computed_twice(
    tmp_path: Path, shares: int
) -> None:
    store = Store.open(str(tmp_path))
    pictures = _put(store, 200)
    counters = [Counter() for _ in range(shares)]
    with ThreadPoolExecutor(shares) as pool:
        for number, compute in enumerate(counters):
            pool.submit(_fill, store, pictures, compute, Share(number, shares))
    asked = [picture for compute in counters for picture in compute.asked]
    assert len(asked) == len(set(asked)) == 200
    nothing = Counter()
    assert [size for size, _ in _features(store, pictures, nothing)] == list(range(1, 201))
    assert nothing.asked == []


def test_a_share_that_was_lost_is_computed_by_whoever_asks_for_all(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    pictures = _put(store, 50)
    first, rest = Counter(), Counter()
    _fill(store, pictures, first, Share(0, 2))
    _features(store, pictures, rest)
    assert 0 < len(first.asked) < 50
    assert len(first.asked) + len(rest.asked) == 50


def test_a_part_that_another_process_removes_while_it_is_listed_is_computed_again(
    tmp_path: Path,
) -> None:
    class Losing(Store):
        def list(self, prefix: str) -> Iterator[ObjectInfo]:
            found = [*super().list(prefix)]
            self.delete([one.key for one in found])
            return iter(found)

    pictures = _put(Store.open(str(tmp_path)), 5)
    _features(Store.open(str(tmp_path)), pictures, Counter())
    again = Counter()
    _features(Losing.open(str(tmp_path)), pictures, again)
    assert len(again.asked) == 5
