"""Training Jobs: a task in, a model and a last word out, on one node or on several."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure

from artgrab.common.classifier_states import read_classifier_state
from artgrab.common.digests import sha256_hex
from artgrab.common.errors import (
    ArtgrabError,
    BadInputError,
    ObjectCorruptError,
    ObjectMissingError,
    SurroundingsError,
)
from artgrab.common.keys import dataset_prefix, model_prefix
from artgrab.common.manifest import TEST, read_manifest
from artgrab.common.manifest import content_digest as manifest_digest
from artgrab.common.progress import Progress, no_progress
from artgrab.common.servers import reserved_port
from artgrab.common.store import Store
from artgrab.common.takedowns import TakedownKind, takedown_key, takedown_of
from artgrab.common.terminations import TrainingTermination, decode_last_word
from artgrab.model.classifier import Classifier, Prediction
from artgrab.model.documents import CONFIG, MARKER, WEIGHTS, content_digest, read_info
from artgrab.trainer import nodes
from artgrab.trainer.tasks import train_asked
from tests.support.learning_tasks import (
    KEY,
    arguments_of,
    document,
    put_keyed_snapshot,
    training_options,
)
from tests.support.model_folders import write_model
from tests.support.snapshots import NAMESPACE

SERVED = "e" * 64
SNAPSHOT = dataset_prefix(NAMESPACE, KEY)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, TrainingTermination]:
    """A store after an undisturbed training on one node, and its last word."""
    folder = tmp_path_factory.mktemp("trained")
    store = Store.open(str(folder / "store"))
    put_keyed_snapshot(store)
    word = train_asked(training_options(folder, store), no_progress)
    assert word is not None
    return store, word


def again(
    tmp_path: Path, trained: tuple[Store, TrainingTermination], served: str
) -> TrainingTermination:
    """Train once more, where that is done already, beside a served model."""
    word = train_asked(training_options(tmp_path, trained[0], served=served), no_progress)
    assert word is not None
    assert word.key == trained[1].key
    return word


def test_the_last_word_says_what_was_made_and_how_good_it_is(
    trained: tuple[Store, TrainingTermination],
) -> None:
    store, word = trained
    info = read_info(store, model_prefix(NAMESPACE, word.key))
    assert word.content_sha256 == info.content_sha256
    assert word.uri == store.uri_of(model_prefix(NAMESPACE, word.key))
    assert word.dataset == KEY
    assert word.accuracy_permille == 1000 * float(str(info.metrics["accuracy"]))  # of 8 pictures
    left_out = float(str(info.metrics["left_out_accuracy"]))
    assert word.left_out_accuracy_permille == int(1000 * left_out)
    assert word.test_images == 8
    assert (word.served, word.served_accuracy_permille) == ("", None)


def test_the_store_knows_the_model_as_the_newest(
    trained: tuple[Store, TrainingTermination],
) -> None:
    store, word = trained
    state = read_classifier_state(store, namespace=NAMESPACE, classifier="art-or-not")
    assert state.model == word.key


def test_a_served_model_is_judged_by_the_same_pictures_through_its_own_backbone(
    trained: tuple[Store, TrainingTermination], tmp_path: Path
) -> None:
    store, _ = trained
    prefix = model_prefix(NAMESPACE, SERVED)
    content = write_model(store, prefix)
    rows = [row for row in read_manifest(store, SNAPSHOT) if row.split == TEST]
    answers = Classifier.load(store, prefix).predict_stored(
        [store.get(row.object_key) for row in rows]
    )
    right = [
        isinstance(answer, Prediction) and answer.label == row.label
        for answer, row in zip(answers, rows, strict=True)
    ]
    word = again(tmp_path, trained, SERVED)
    assert word.served == content
    assert word.served_accuracy_permille == round(1000 * sum(right) / len(right))


def test_the_model_itself_as_the_served_one_is_as_good_as_it_is(
    trained: tuple[Store, TrainingTermination], tmp_path: Path
) -> None:
    word = again(tmp_path, trained, trained[1].key)
    assert word.served == word.content_sha256
    assert word.served_accuracy_permille == word.accuracy_permille


def test_a_served_model_with_other_labels_is_named_and_not_judged(
    trained: tuple[Store, TrainingTermination], tmp_path: Path
) -> None:
    store, key = trained[0], "d" * 64
    prefix = model_prefix(NAMESPACE, key)
    write_model(store, prefix)
    info = read_info(store, prefix)
    config = json.loads(store.get(f"{prefix}/{CONFIG}")) | {"labels": ["cat", "dog"]}
    files = {CONFIG: json.dumps(config).encode(), WEIGHTS: store.get(f"{prefix}/{WEIGHTS}")}
    digests = {name: sha256_hex(data) for name, data in files.items()}
    store.put(f"{prefix}/{CONFIG}", files[CONFIG])
    info = msgspec.structs.replace(info, content_sha256=content_digest(digests), files=digests)
    store.put(f"{prefix}/{MARKER}", msgspec.json.encode(info))
    word = again(tmp_path, trained, key)
    assert (word.served, word.served_accuracy_permille) == (info.content_sha256, None)


@pytest.mark.parametrize("damage", ["nothing there", "no weights", "other weights", "no document"])
def test_a_served_model_that_cannot_be_read_fails_nothing(
    trained: tuple[Store, TrainingTermination], tmp_path: Path, damage: str
) -> None:
    store, key = trained[0], "c" * 64
    prefix = model_prefix(NAMESPACE, key)
    if damage != "nothing there":
        write_model(store, prefix)
    match damage:
        case "no weights":
            store.delete([f"{prefix}/{WEIGHTS}"])
        case "other weights":
            store.put(f"{prefix}/{WEIGHTS}", b"other")
        case "no document":
            store.put(f"{prefix}/{MARKER}", b"{")
    word = again(tmp_path, trained, key)
    assert (word.served, word.served_accuracy_permille) == ("", None)
    assert word.accuracy_permille is not None


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        ("no snapshot", ObjectMissingError),
        ("corrupt document", ObjectCorruptError),
        ("corrupt manifest", ObjectCorruptError),
        ("no pictures", ObjectMissingError),
        ("no store", BadInputError),
        ("weights that do not fit", SurroundingsError),
        ("threads", BadInputError),
        ("ranks", BadInputError),
    ],
)
def test_what_cannot_be_trained_on_is_told(
    trained: tuple[Store, TrainingTermination],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
    error: type[ArtgrabError],
) -> None:
    shutil.copytree(trained[0].uri, tmp_path / "store")
    store = Store.open(str(tmp_path / "store"))
    model: dict[str, object] = {}
    match damage:
        case "no snapshot":
            store.delete([f"{SNAPSHOT}/snapshot.json"])
        case "corrupt document":
            store.put(f"{SNAPSHOT}/snapshot.json", b"{")
        case "corrupt manifest":
            store.put(f"{SNAPSHOT}/manifest.parquet", b"PAR1")
        case "no pictures":
            model = {"imageSize": 32, "weights": "none"}
            shutil.rmtree(tmp_path / "store" / NAMESPACE / "categories")
        case "no store":
            store = Store.open(str(tmp_path / "another"))
            (tmp_path / "another").rmdir()
        case "weights that do not fit":
            model = {"imageSize": 32}
            monkeypatch.setattr("artgrab.model.backbone._misfit", lambda wanted, given: "too few")
        case "threads":
            monkeypatch.setenv("ARTGRAB_TRAINER_THREADS", "0")
        case "ranks":
            monkeypatch.setenv("RANK", "2")
            monkeypatch.setenv("WORLD_SIZE", "2")
    options = training_options(tmp_path, store, classifier=document(**model))
    with pytest.raises(error) as caught:
        train_asked(options, no_progress)
    assert caught.value.exit_code == error.exit_code
    assert "\n" not in str(caught.value)


def test_a_takedown_in_the_middle_of_a_training_lets_it_begin_anew(
    trained: tuple[Store, TrainingTermination], tmp_path: Path
) -> None:
    shutil.copytree(trained[0].uri, tmp_path / "store")
    store = Store.open(str(tmp_path / "store"))
    rows = read_manifest(store, SNAPSHOT)
    takedown = takedown_of(TakedownKind.SHA256, rows[0].object_sha256)

    def take_down(progress: Progress) -> None:
        if progress.stage == "train":
            store.put(takedown_key(takedown.id), msgspec.json.encode(takedown))

    wanted = document()
    wanted["spec"]["training"] = {"seed": 1}
    word = train_asked(training_options(tmp_path, store, classifier=wanted), take_down)
    assert word is not None
    info = read_info(store, model_prefix(NAMESPACE, word.key))
    assert info.dataset_sha256 == manifest_digest(rows[1:])
    models = trained[0].folders(f"{NAMESPACE}/models")
    assert set(store.folders(f"{NAMESPACE}/models")) == {*models, word.key}


@pytest.mark.timeout(300)
def test_a_training_that_is_stopped_and_killed_goes_on_from_what_it_had(
    store: Store, tmp_path: Path, trained: tuple[Store, TrainingTermination]
) -> None:
    put_keyed_snapshot(store)
    options = training_options(tmp_path, store)
    ran = subprocess.run(
        [sys.executable, "-m", "tests.support.mortal_trainer", *arguments_of(options)],
        env=os.environ | {"KILLS": "1 2"},
        capture_output=True,
        text=True,
        timeout=280,
        check=True,
    )
    # Of four parts of the features the first two children left three.
    assert ran.stdout.split() == ["4", str(-signal.SIGKILL), "features", "1", "0"], ran.stderr
    assert ran.stderr == (
        "artgrab: ended by a signal before it was done; the same again goes on from here\n"
    )
    word = decode_last_word(options.termination_message.read_bytes(), TrainingTermination)
    assert word is not None
    assert word.content_sha256 == trained[1].content_sha256


@pytest.mark.timeout(300)
def test_two_nodes_of_which_one_is_killed_make_the_model_of_one_node(
    tmp_path: Path, trained: tuple[Store, TrainingTermination]
) -> None:
    store = Store.open(str(tmp_path / "store"))
    put_keyed_snapshot(store)
    options = training_options(tmp_path, store)
    killed = tmp_path / "killed"
    environment = {"GLOO_SOCKET_IFNAME": "lo", "KILL_ONCE": str(killed)}
    with reserved_port() as port:
        command = [
            *(sys.executable, "-m", "artgrab.trainer.nodes"),
            *("--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", "--rdzv-id=test"),
            *(f"--rdzv-endpoint=127.0.0.1:{port}", "--local-addr=127.0.0.1", "--max-restarts=3"),
            *("-m", "tests.support.mortal_trainer"),
        ]
        launched = []
        for number in (0, 1):
            options.termination_message = tmp_path / f"word-{number}"
            launched.append(
                subprocess.Popen(
                    [*command, *arguments_of(options)],
                    env=os.environ | environment,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
        try:
            said = [node.communicate(timeout=280)[1] for node in launched]
        finally:
            for node in launched:
                node.kill()
                node.wait()
    assert [node.returncode for node in launched] == [0, 0], said
    assert Path(f"{killed}-1").exists()
    words = [tmp_path / f"word-{number}" for number in (0, 1)]
    found = [
        decode_last_word(one.read_bytes(), TrainingTermination) for one in words if one.exists()
    ]
    made = [one for one in found if one is not None and one.key]
    assert [one.content_sha256 for one in made] == [trained[1].content_sha256]


@pytest.mark.parametrize(("code", "ours"), [(1, 1), (2, 2), (4, 4), (-9, 4), (99, 4)])
def test_the_exit_code_of_a_node_is_that_of_its_process(
    monkeypatch: pytest.MonkeyPatch, code: int, ours: int
) -> None:
    def fail(args: object) -> None:
        failure = ProcessFailure(local_rank=0, pid=99999, exitcode=code, error_file="<N/A>")
        raise ChildFailedError("trainer", {0: failure})

    monkeypatch.setattr("torch.distributed.run.run", fail)
    monkeypatch.setenv("TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "0")
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert nodes.main(["-m", "artgrab.trainer"]) == ours
    finally:
        signal.signal(signal.SIGTERM, before)
    assert os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] == "1"


@pytest.mark.parametrize(("index", "hosts"), [("0", "is_host=true"), ("1", "is_host=false")])
def test_the_first_node_of_a_job_keeps_the_meeting_whether_its_name_is_known_yet_or_not(
    monkeypatch: pytest.MonkeyPatch, index: str, hosts: str
) -> None:
    told = []
    monkeypatch.setattr("torch.distributed.run.run", lambda args: told.append(args.rdzv_conf))
    monkeypatch.setenv("TORCH_DISABLE_SHARE_RDZV_TCP_STORE", "0")
    monkeypatch.setenv("JOB_COMPLETION_INDEX", index)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert nodes.main(["-m", "artgrab.trainer"]) == 0
        monkeypatch.delenv("JOB_COMPLETION_INDEX")
        assert nodes.main(["-m", "artgrab.trainer"]) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert told == [f"{hosts},read_timeout=600", ""]


def test_a_node_that_waits_for_the_first_one_ends_at_a_signal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(120)
        command = [
            *(sys.executable, "-m", "artgrab.trainer.nodes"),
            *("--nnodes=2", "--nproc-per-node=1", "--rdzv-backend=c10d", "--rdzv-id=test"),
            f"--rdzv-endpoint=127.0.0.1:{mute.getsockname()[1]}",
            *("-m", "artgrab.trainer"),
        ]
        environment = os.environ | {"JOB_COMPLETION_INDEX": "1"}
        node = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            with mute.accept()[0]:
                node.terminate()
                assert node.wait(timeout=20) == SurroundingsError.exit_code
        finally:
            node.kill()
            node.wait()
