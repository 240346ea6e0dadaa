"""Figures on pictures like those that were learned, and on categories that never were."""

from collections.abc import Mapping

import numpy as np
import pytest

from artgrab.trainer.evaluate import Table, count_flips, leave_each_category_out, score

LABELS = ("art", "not-art")


def _table(centres: Mapping[str, tuple[int, float]], *, each: int = 30) -> Table:
    """Return pictures of categories: class and centre of all features of each."""
    random = np.random.default_rng(0)
    features = [random.normal(centre, 1, (each, 4)) for _, centre in centres.values()]
    return Table(
        features=np.concatenate(features).astype(np.float32),
        classes=np.repeat([one for one, _ in centres.values()], each),
        categories=[name for name in centres for _ in range(each)],
        labels=LABELS,
    )


FAR_APART = {"oil": (0, 4.0), "ink": (0, 5.0), "cats": (1, -4.0), "dogs": (1, -5.0)}


def test_a_category_like_the_others_of_its_class_is_known_without_being_seen() -> None:
    left_out = leave_each_category_out(_table(FAR_APART))
    assert set(left_out.categories) == set(FAR_APART)
    assert left_out.accuracy == pytest.approx(1)


def test_a_category_like_the_other_class_is_wrong_when_it_was_not_seen() -> None:
    left_out = leave_each_category_out(_table({**FAR_APART, "photo-like": (0, -4.5)}))
    assert left_out.categories["photo-like"] == 0
    figures = list(left_out.categories.values())
    assert left_out.accuracy == pytest.approx(sum(figures) / len(figures))


def test_nothing_of_a_category_reaches_the_head_that_is_asked_for_it() -> None:
    table = _table({**FAR_APART, "between": (0, 0.0)})
    turned = table._replace(
        classes=np.where(np.asarray(table.categories) == "between", 1, table.classes)
    )
    one, other = (leave_each_category_out(t).categories["between"] for t in (table, turned))
    assert 0 < one < 1
    assert one + other == pytest.approx(1)


def test_the_only_category_of_a_class_cannot_be_left_out() -> None:
    left_out = leave_each_category_out(_table({"oil": (0, 3.0), "cats": (1, -3.0)}))
    assert left_out.accuracy is None
    assert left_out.omitted == {
        "oil": "the only category of art",
        "cats": "the only category of not-art",
    }


def test_who_watches_is_told_of_each_category() -> None:
    told: list[tuple[int, int]] = []
    leave_each_category_out(_table(FAR_APART), told=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_scores_count_every_picture_once() -> None:
    table = _table({**FAR_APART, "photo-like": (0, -4.5)})
    trained_without = table.where(np.asarray(table.categories) != "photo-like").fit()
    scores = score(trained_without, table)
    assert scores.confusion == [[60, 30], [0, 60]]
    assert scores.accuracy == pytest.approx(120 / 150)
    assert scores.pictures == 150
    assert scores.per_category == {"oil": 1, "ink": 1, "cats": 1, "dogs": 1, "photo-like": 0}
    assert 0 < scores.calibration_error < 1


def test_what_is_learned_on_other_grounds_belongs_to_the_same_pictures() -> None:
    table = _table(FAR_APART)
    turned = table._replace(counterfactuals=-table.features)
    undecided = turned.fit().probabilities(table.features)
    assert np.allclose(undecided, 0.5, atol=0.01)
    chosen = np.asarray(table.categories) != "ink"
    part = turned.where(chosen).counterfactuals
    assert part is not None
    assert np.array_equal(part, -table.features[chosen])


def test_flips_are_counted_for_each_of_the_two_grounds() -> None:
    table = _table(FAR_APART)
    names = np.asarray(table.categories)
    on_white = table.classes == 0
    changed = table.features.copy()
    changed[names == "oil"] *= -1
    changed[np.flatnonzero(names == "cats")[:15]] *= -1
    flips = count_flips(table.fit(), table.features, changed, on_white)
    assert (flips.off_white, flips.off_white_pictures) == (0.5, 60)
    assert (flips.onto_white, flips.onto_white_pictures) == (0.25, 60)


def test_where_no_picture_stands_on_white_there_is_no_figure_for_them() -> None:
    table = _table(FAR_APART)
    nowhere = np.zeros(len(table.classes), np.bool_)
    flips = count_flips(table.fit(), table.features, table.features, nowhere)
    assert (flips.onto_white, flips.off_white, flips.off_white_pictures) == (0, None, 0)
