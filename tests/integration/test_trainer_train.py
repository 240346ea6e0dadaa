"""The whole stage on drawn pictures: done once, the same every time, whenever it was killed."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from artgrab.common.digests import sha256_hex
from artgrab.common.errors import BadInputError, ObjectCorruptError, ObjectMissingError
from artgrab.common.manifest import TRAIN
from artgrab.common.progress import Progress, no_progress
from artgrab.common.resources import ArtClassifier
from artgrab.common.store import Store
from artgrab.model.classifier import Classifier, Prediction
from artgrab.model.documents import read_info
from artgrab.trainer import TrainedModel, train
from tests.support.snapshots import (
    CATEGORIES,
    SNAPSHOT,
    classifier,
    picture,
    put_manifest,
    put_snapshot,
)

FILES = {"config.json", "metrics.json", "model.json", "model.safetensors", "report.html"}


def _train(store: Store, *, threads: int = 2, **model: object) -> TrainedModel:
    return _train_one(store, classifier(**model), threads=threads)


def _train_one(store: Store, one: ArtClassifier, *, threads: int = 2) -> TrainedModel:
    return train(
        store,
        namespace="default",
        classifier=one,
        snapshot_prefix=SNAPSHOT,
        progress=no_progress,
        threads=threads,
    )


def _contents(store: Store, prefix: str) -> dict[str, bytes]:
    return {info.key.removeprefix(prefix): store.get(info.key) for info in store.list(prefix)}


@pytest.fixture
def store(store_uri: str) -> Store:
    store = Store.open(store_uri)
    put_snapshot(store)
    return store


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, TrainedModel]:
    store = Store.open(str(tmp_path_factory.mktemp("undisturbed")))
    put_snapshot(store)
    return store, _train(store)


def test_a_model_is_trained_stored_and_answers(undisturbed: tuple[Store, TrainedModel]) -> None:
    store, trained = undisturbed
    assert trained.trained
    assert set(_contents(store, f"{trained.prefix}/")) == FILES
    answers = Classifier.load(store, trained.prefix).predict(
        [picture(category, 100) for category in CATEGORIES]
    )
    labels = [answer.label for answer in answers if isinstance(answer, Prediction)]
    assert labels == list(CATEGORIES.values())


def test_the_metrics_are_those_of_the_contract(undisturbed: tuple[Store, TrainedModel]) -> None:
    store, trained = undisturbed
    metrics = json.loads(store.get(f"{trained.prefix}/metrics.json"))
    assert metrics == trained.metrics
    assert set(metrics["left_out"]) == set(metrics["left_out_baseline"]) == set(CATEGORIES)
    mean = sum(metrics["left_out"].values()) / len(CATEGORIES)
    assert metrics["left_out_accuracy"] == pytest.approx(mean)
    assert metrics["accuracy"] > 0.9
    assert 0 <= metrics["left_out_baseline_accuracy"] <= 1
    assert metrics["test"]["pictures"] == 16
    assert metrics["ground_flips"]["onto_white_pictures"] == 8
    assert metrics["ground_flips"]["off_white_pictures"] == 8
    assert [one["label"] for one in metrics["details"]["classes"]] == ["art", "not-art"]
    steps = metrics["history"]
    assert [one["step"] for one in steps] == list(range(len(steps)))
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert steps[-1]["validation_accuracy"] > 0.8


def test_a_second_call_does_nothing_and_loads_no_torch(
    undisturbed: tuple[Store, TrainedModel],
) -> None:
    store, trained = undisturbed
    script = f"""
import json, sys
from artgrab.common.store import Store
from artgrab.trainer import train
from tests.support.snapshots import SNAPSHOT, classifier

def told(progress):
    raise AssertionError(progress)

again = train(Store.open({store.uri!r}), namespace="default", classifier=classifier(),
              snapshot_prefix=SNAPSHOT, progress=told)
print(json.dumps([again.trained, again.key, again.content_sha256, dict(again.metrics)]))
assert "torch" not in sys.modules
"""
    before = _contents(store, "default/")
    answer = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )
    assert json.loads(answer.stdout) == [
        False,
        trained.key,
        trained.content_sha256,
        trained.metrics,
    ]
    assert _contents(store, "default/") == before


def test_the_same_inputs_give_the_same_files_whatever_the_threads(
    store: Store, undisturbed: tuple[Store, TrainedModel]
) -> None:
    first_store, first = undisturbed
    again = _train(store, threads=1)
    assert again.trained
    assert _contents(store, f"{again.prefix}/") == _contents(first_store, f"{first.prefix}/")


def test_the_order_of_the_manifest_does_not_matter(
    tmp_path: Path, undisturbed: tuple[Store, TrainedModel]
) -> None:
    good_store, good = undisturbed
    store = Store.open(str(tmp_path))
    put_manifest(store, put_snapshot(store)[::-1])
    _train(store)
    assert _contents(store, f"{good.prefix}/") == _contents(good_store, f"{good.prefix}/")


def test_nothing_is_learned_from_validation_and_test(
    tmp_path: Path, undisturbed: tuple[Store, TrainedModel]
) -> None:
    store = Store.open(str(tmp_path))
    put_manifest(store, [row for row in put_snapshot(store) if row.split == TRAIN])
    without = _train(store)
    assert without.key != undisturbed[1].key
    assert without.content_sha256 == undisturbed[1].content_sha256
    assert without.metrics["accuracy"] is None
    assert without.metrics["ground_flips"] is None


@pytest.mark.folder_only("about what is learned, wherever it lies")
def test_another_category_of_a_picture_is_another_model_though_the_counts_are_the_same(
    store: Store, undisturbed: tuple[Store, TrainedModel]
) -> None:
    rows = put_snapshot(store)
    swapped = {"circles-0": "bars", "bars-0": "circles"}
    changed = [
        msgspec.structs.replace(row, category=swapped.get(row.group, row.category)) for row in rows
    ]
    put_manifest(store, changed)
    again = _train(store)
    assert again.trained
    assert again.key != undisturbed[1].key


@pytest.mark.folder_only("about what is learned, wherever it lies")
def test_other_weights_are_another_model_and_share_no_features(
    store: Store, undisturbed: tuple[Store, TrainedModel]
) -> None:
    random = _train(store, weights="none")
    assert random.key != undisturbed[1].key
    assert random.metrics["weights"] == "random"
    assert len({key.split("/")[0] for key in _contents(store, "default/features/")}) == 4
    _train(store)
    assert len({key.split("/")[0] for key in _contents(store, "default/features/")}) == 7


_PUTS = 9
"""Of a training: four chunks of features, four files and the model's document."""

_KILLED_TRAININGS = """
import os, signal, sys
import artgrab.trainer.job  # loads torch once for all the children
from artgrab.common.progress import no_progress
from artgrab.common.store import Store
from artgrab.trainer import train
from tests.support.snapshots import SNAPSHOT, classifier

class KillingStore(Store):
    puts_left = 0

    def put(self, key, data):
        super().put(key, data)
        self._count()

    def put_if_absent(self, key, data):
        super().put_if_absent(key, data)
        self._count()

    def _count(self):
        self.puts_left -= 1
        if self.puts_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

for puts, uri in enumerate(sys.argv[1:], start=1):
    child = os.fork()
    if not child:
        store = KillingStore.open(uri)
        store.puts_left = puts
        train(store, namespace="default", classifier=classifier(), snapshot_prefix=SNAPSHOT,
              progress=no_progress)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.timeout(300)
@pytest.mark.folder_only("nine trainings; kills between puts to a bucket are the dataset's test")
def test_a_training_killed_after_any_put_ends_in_the_same_model(
    store_uris: Callable[[str], str], undisturbed: tuple[Store, TrainedModel]
) -> None:
    good_store, good = undisturbed
    uris = [store_uris(str(puts)) for puts in range(1, _PUTS + 1)]
    put_snapshot(Store.open(uris[0]))
    for uri in uris[1:]:
        shutil.copytree(uris[0], uri)
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED_TRAININGS, *uris],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=200,
    )
    assert killed.stdout.split() == [str(-signal.SIGKILL)] * len(uris)
    prefix = good.prefix
    for uri in uris:
        store = Store.open(uri)
        complete = store.exists(f"{prefix}/model.json")
        assert complete == (uri == uris[-1])
        assert _train(store).trained != complete
        assert _contents(store, f"{prefix}/") == _contents(good_store, f"{prefix}/")


@pytest.mark.folder_only("about what is learned, wherever it lies")
def test_a_model_that_is_completed_meanwhile_keeps_its_files(
    undisturbed: tuple[Store, TrainedModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = undisturbed[0].folder
    assert folder
    store = Store.open(str(shutil.copytree(folder, tmp_path / "store")))
    store.delete([info.key for info in store.list(f"{undisturbed[1].prefix}/")])
    first, second = (_named(name) for name in ("first", "second"))
    meanwhile: list[TrainedModel] = []

    def check(*_: object) -> None:
        if not meanwhile:
            monkeypatch.undo()
            meanwhile.append(_train_one(store, first))

    monkeypatch.setattr(sys.modules["artgrab.trainer.train"], "_check_unchanged", check)
    assert _train_one(store, second).key == meanwhile[0].key
    prefix = f"{meanwhile[0].prefix}/"
    digests = {name: sha256_hex(data) for name, data in _contents(store, prefix).items()}
    del digests["model.json"]
    assert read_info(store, meanwhile[0].prefix).files == digests


def _named(name: str) -> ArtClassifier:
    one = classifier()
    return one.model_copy(update={"metadata": one.metadata.model_copy(update={"name": name})})


def test_progress_tells_of_all_three_stages(store: Store) -> None:
    told: list[Progress] = []
    train(
        store,
        namespace="default",
        classifier=classifier(weights="none"),
        snapshot_prefix=SNAPSHOT,
        progress=told.append,
    )
    finished = [one.stage for one in told if one.finished]
    assert finished == [*["features"] * 3, "train", "features", "evaluate", "evaluate"]
    assert all(one.item.startswith("art-or-not") for one in told)
    steps = [one for one in told if one.stage == "train"]
    assert [one.done for one in steps] == [*range(len(steps) - 1), len(steps) - 2]
    assert all(set(one.figures) == {"loss", "validation accuracy"} for one in steps)
    assert all(one.total is not None and one.done <= one.total for one in steps)


def test_a_class_without_pictures_is_named(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    put_snapshot(store, categories=["circles", "bars"])
    with pytest.raises(BadInputError, match="no picture to learn not-art from"):
        _train(store)


def test_one_category_a_class_gives_no_left_out_figures(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    put_snapshot(store, categories=["circles", "hills"])
    metrics = _train(store).metrics
    assert metrics["left_out_accuracy"] is None
    assert metrics["left_out"] == {}
    assert metrics["left_out_omitted"] == {
        "circles": "the only category of art",
        "hills": "the only category of not-art",
    }


@pytest.mark.folder_only("about what is learned, wherever it lies")
def test_an_unknown_backbone_is_refused(store: Store) -> None:
    with pytest.raises(BadInputError, match="did you mean tf_efficientnet_lite0"):
        _train(store, backbone="tf_efficient_net_lite0")


def test_a_picture_that_changed_since_the_snapshot_is_refused(store: Store) -> None:
    (info, *_) = store.list("default/categories")
    store.put(info.key, b"others")
    with pytest.raises(ObjectCorruptError, match="recorded digest"):
        _train(store)


def test_without_a_snapshot_there_is_nothing_to_train_on(tmp_path: Path) -> None:
    with pytest.raises(ObjectMissingError, match=r"snapshot\.json"):
        _train(Store.open(str(tmp_path)))
