"""The layer that is learned, and the weight of each picture in it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.progress import Progress
from artgrab.trainer.evaluate import Table
from artgrab.trainer.features import Features
from artgrab.trainer.head import MAX_STEPS, Head, Indices, balanced_weights, train_head
from artgrab.trainer.history import Recorder

_Pictures = list[tuple[int, str]]
_pictures = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=30
)


def _blobs(centres: dict[str, tuple[int, float]], *, each: int = 20) -> tuple[Features, Indices]:
    random = np.random.default_rng(0)
    parts = [random.normal(at, 1, (each, 5)) for _, at in centres.values()]
    classes = np.repeat([one for one, _ in centres.values()], each)
    return np.concatenate(parts).astype(np.float32), classes


@given(_pictures)
def test_classes_weigh_the_same_and_so_do_the_categories_of_each(pictures: _Pictures) -> None:
    classes = np.array([one for one, _ in pictures])
    categories = [f"{one}-{name}" for one, name in pictures]
    weights = balanced_weights(classes, categories)
    assert weights.sum() == pytest.approx(1)
    by_class = [weights[classes == one].sum() for one in np.unique(classes)]
    assert by_class == pytest.approx([1 / len(by_class)] * len(by_class))
    for one in np.unique(classes):
        names = {name for name in categories if name.startswith(f"{one}-")}
        parts = [weights[np.asarray(categories) == name].sum() for name in names]
        assert parts == pytest.approx([parts[0]] * len(parts))


def test_a_category_counts_the_same_however_many_pictures_it_has() -> None:
    features, classes = _blobs({"a": (0, -2), "b": (0, 0), "c": (1, 3)})
    categories = ["a"] * 20 + ["b"] * 20 + ["c"] * 20
    head = train_head(features, classes, categories, count=2)
    twice = np.concatenate([features, features[:20]]), np.concatenate([classes, classes[:20]])
    again = train_head(*twice, [*categories, *["a"] * 20], count=2)
    assert np.allclose(head.weight, again.weight, atol=1e-4)
    assert np.allclose(head.bias, again.bias, atol=1e-4)


@pytest.mark.parametrize("labels", [2, 3, 5])
def test_what_can_be_told_apart_is_told_apart(labels: int) -> None:
    features, classes = _blobs({str(n): (n, 8.0 * n) for n in range(labels)})
    head = train_head(features, classes, [str(n) for n in classes], count=labels)
    probabilities = head.probabilities(features)
    assert (probabilities.argmax(dim=1).numpy() == classes).mean() > 0.95
    assert np.allclose(probabilities.sum(dim=1), 1)


def test_the_scale_of_a_feature_does_not_matter() -> None:
    features, classes = _blobs({"a": (0, -1), "b": (1, 1)})
    categories = [str(n) for n in classes]
    scales = np.array([1, 1e3, 1e-3, 5, 0.2], np.float32)
    one = train_head(features, classes, categories, count=2).probabilities(features)
    other = train_head(features * scales, classes, categories, count=2)
    assert np.allclose(one, other.probabilities(features * scales), atol=1e-2)


def test_a_feature_that_never_changes_does_no_harm() -> None:
    features, classes = _blobs({"a": (0, -3), "b": (1, 3)})
    features[:, 2] = 7
    head = train_head(features, classes, [str(n) for n in classes], count=2)
    assert head.probabilities(features).isfinite().all()


def test_the_same_pictures_give_the_same_head_to_the_last_bit() -> None:
    features, classes = _blobs({"a": (0, -1), "b": (1, 1)})
    heads = [train_head(features, classes, [str(n) for n in classes], count=2) for _ in range(2)]
    assert np.array_equal(heads[0].weight, heads[1].weight)
    assert np.array_equal(heads[0].bias, heads[1].bias)


def test_who_watches_sees_the_loss_fall_to_the_head_that_is_learned_and_changes_nothing() -> None:
    features, classes = _blobs({"a": (0, -1), "b": (1, 1)})
    categories = [str(n) for n in classes]
    seen: list[tuple[float, Head]] = []
    watched = train_head(
        features, classes, categories, count=2, watch=lambda loss, head: seen.append((loss, head))
    )
    alone = train_head(features, classes, categories, count=2)
    losses = [loss for loss, _ in seen]
    assert losses[0] == pytest.approx(np.log(2))
    assert all(later < earlier for earlier, later in pairwise(losses))
    assert np.array_equal(watched.weight, alone.weight)
    assert np.array_equal(watched.bias, alone.bias)
    assert np.allclose(seen[-1][1].weight, alone.weight, atol=1e-3)
    assert np.allclose(seen[0][1].probabilities(features), 0.5)


def test_without_a_validation_split_the_loss_is_told_alone() -> None:
    features, classes = _blobs({"a": (0, -1), "b": (1, 1)})
    categories = [str(n) for n in classes]
    table = Table(features, classes, categories, ("one", "other"))
    told: list[Progress] = []
    nothing = table.where(np.zeros(len(classes), np.bool_))
    recorder = Recorder(nothing, progress=told.append, item="art-or-not")
    table.fit(watch=recorder)
    recorder.finish()
    assert {one.validation_accuracy for one in recorder.steps} == {None}
    assert {tuple(one.figures) for one in told} == {("loss",)}
    assert (told[-1].finished, told[-1].done) == (True, told[-1].total)
    assert all(one.at_most and one.total == MAX_STEPS for one in told[:-1])


def test_a_head_that_was_never_learned_is_told_as_nothing() -> None:
    told: list[Progress] = []
    table = Table(np.zeros((0, 2), np.float32), np.zeros(0, np.int64), [], ("one", "other"))
    Recorder(table, progress=told.append, item="art-or-not").finish()
    assert told == []
