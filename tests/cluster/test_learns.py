"""Categories are applied, and a model is served that tells unseen pictures apart."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from artgrab.client import PredictClient
from tests.cluster.classifiers import condition_of, uid_of
from tests.cluster.installed import PICTURES
from tests.cluster.learned import Learned
from tests.cluster.learning import FIRST, category_name, questions

pytestmark = pytest.mark.xdist_group("learned")

GOOD_PERMILLE = 850
"""Of a test split of some twenty pictures; all of them are told right."""


def test_the_default_classifier_becomes_ready_by_itself(learned: Learned) -> None:
    body = learned.classifier.body()
    said = {
        kind: condition_of(body, kind)["status"]
        for kind in ("Ready", "DatasetReady", "Trained", "Serving", "Degraded")
    }
    assert said.pop("Degraded") == "False"
    assert set(said.values()) == {"True"}, said


def test_its_status_tells_what_it_has_learned_and_serves(learned: Learned) -> None:
    status = learned.classifier.status()
    dataset, model, serving = status["dataset"], status["model"], status["serving"]
    assert dataset["stored"] == sum(_stored(learned, name) for name in FIRST)
    assert 0 < dataset["images"] <= dataset["stored"]
    assert model["dataset"] == dataset["key"]
    assert model["accuracyPermille"] >= GOOD_PERMILLE
    assert serving["contentSha256"] == model["contentSha256"]
    assert serving["endpoint"] == f"{learned.classifier.serving}.{PICTURES}.svc:8500"
    assert serving["readyReplicas"] == 1


def _stored(learned: Learned, name: str) -> int:
    count: int = learned.installed.status(category_name(name))["counts"]["stored"]
    return count


def test_a_table_tells_people_which_model_answers(learned: Learned) -> None:
    table = learned.installed.kubectl("get", "artcls", learned.classifier.name).splitlines()
    status = learned.classifier.status()
    row = dict(zip(table[0].split(), table[1].split(), strict=True))
    assert (row["READY"], row["REASON"]) == ("True", "ModelServed")
    assert row["ACCURACY"] == str(status["serving"]["accuracyPermille"])
    assert row["IMAGES"] == str(status["dataset"]["images"])
    assert row["MODEL"] == status["serving"]["contentSha256"][:12]


def test_it_is_right_about_pictures_that_nobody_has_collected(learned: Learned) -> None:
    asked = questions(FIRST)
    with PredictClient(learned.classifier.endpoint(), tls=False) as client:
        answers = client.predict([one.picture for one in asked])
    wrong = [
        (one.name, answer.label, answer.error)
        for one, answer in zip(asked, answers, strict=True)
        if answer.label != one.label
    ]
    assert wrong == []
    assert {answer.model_sha256 for answer in answers} == {learned.classifier.served}


def test_a_picture_that_is_none_fails_alone(learned: Learned) -> None:
    good = questions(FIRST)[0]
    with PredictClient(learned.classifier.endpoint(), tls=False) as client:
        first, bad, last = client.predict([good.picture, b"no picture", good.picture])
    assert (first.label, last.label) == (good.label, good.label)
    assert bad.error
    assert bad.label == ""


def test_artgrab_predict_asks_it_from_outside(learned: Learned, tmp_path: Path) -> None:
    asked = {f"{number}": one for number, one in enumerate(questions(FIRST))}
    for name, one in asked.items():
        (tmp_path / name).write_bytes(one.picture)
    rows = _predicted(learned.classifier.endpoint(), tmp_path)
    assert {name: row["label"] for name, row in rows.items()} == {
        name: one.label for name, one in asked.items()
    }


def _predicted(endpoint: str, folder: Path) -> Mapping[str, Any]:
    """Return the rows that the command writes by the names of the files."""
    command = [sys.executable, "-m", "artgrab.cli", "predict", *map(str, sorted(folder.iterdir()))]
    options = ["--endpoint", endpoint, "--plaintext", "--output", "json"]
    done = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return {Path(row["image"]).name: row for row in json.loads(done.stdout)}


def test_all_that_serves_it_belongs_to_it(learned: Learned) -> None:
    kinds = "deployments,services,horizontalpodautoscalers,poddisruptionbudgets,jobs"
    selector = f"--selector=artgrab.dev/classifier={learned.classifier.name}"
    made = learned.installed.kubectl.read(kinds, selector)["items"]
    assert {one["kind"] for one in made} == {
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "Job",
    }
    owners = {owner["uid"] for one in made for owner in one["metadata"]["ownerReferences"]}
    assert owners == {uid_of(learned.classifier.body())}
