"""Which pictures the report shows."""

import random
from pathlib import Path

import msgspec
import pytest
import torch

from artgrab.common.manifest import ManifestRow
from artgrab.common.store import Store
from artgrab.trainer.examples import Judged, judge, pick_examples
from tests.support.snapshots import put_snapshot

LABELS = ("art", "not-art")


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[ManifestRow]:
    folder: Path = tmp_path_factory.mktemp("store")
    return put_snapshot(Store.open(str(folder)))


def _judged(rows: list[ManifestRow]) -> list[Judged]:
    """Everything is taken for art, the later the surer."""
    sure = torch.linspace(0.6, 0.9, len(rows), dtype=torch.double)
    return judge(torch.stack([sure, 1 - sure], dim=1), rows, LABELS)


def test_only_the_test_split_is_judged(rows: list[ManifestRow]) -> None:
    judged = _judged(rows)
    assert [one.row for one in judged] == [row for row in rows if row.split == "test"]
    assert all(one.margin == pytest.approx(2 * one.probability - 1) for one in judged)
    assert all(one.right == (one.row.label == "art") for one in judged)


def test_mistakes_are_shown_the_surest_first_and_doubts_the_least_sure(
    rows: list[ManifestRow],
) -> None:
    examples = pick_examples(_judged(rows), LABELS, most=6)
    tested = [row for row in rows if row.split == "test"]
    wrong = [row for row in tested if row.label == "not-art"]
    assert [one.row for one in examples.mistakes] == wrong[::-1][:6]
    assert {one.answer for one in examples.mistakes} == {"art"}
    assert [one.row for one in examples.doubts] == tested[:3]
    assert {(one.answer, one.right) for one in examples.successes} == {("art", True)}


def test_the_order_of_the_pictures_does_not_matter(rows: list[ManifestRow]) -> None:
    judged = _judged(rows)
    mixed = random.Random(1).sample(judged, len(judged))
    assert pick_examples(mixed, LABELS) == pick_examples(judged, LABELS)


def test_with_many_classes_no_more_pictures_are_shown(rows: list[ManifestRow]) -> None:
    labels = [f"class-{n}" for n in range(60)]
    judged = [Judged(rows[0], label, 0.9, 0.8) for label in labels for _ in range(9)]
    right = [one._replace(row=_labelled(rows[0], one.answer)) for one in judged]
    shown = pick_examples([*judged, *right], labels)
    assert sum(map(len, shown)) <= 24 + 12 + 32
    assert len({one.answer for one in shown.successes}) == 32


def _labelled(row: ManifestRow, label: str) -> ManifestRow:
    return msgspec.structs.replace(row, label=label)
