"""What is told before the work, without a store, a browser or torch."""

from pathlib import Path

import pytest

from artgrab.cli.preflight import check_documents, check_model
from artgrab.common.documents import Documents, load_documents
from artgrab.common.errors import BadInputError
from artgrab.model import weights
from tests.support.told import Told

EXAMPLE = Path(__file__).parents[2] / "examples/everything.yaml"


@pytest.fixture
def documents() -> Documents:
    return load_documents([EXAMPLE])


def test_documents_that_are_right_are_let_pass(documents: Documents) -> None:
    check_documents(documents)


def test_documents_without_a_classifier_are_enough_to_collect(documents: Documents) -> None:
    check_documents(Documents(documents.categories, []))


def test_problems_of_documents_that_no_file_holds_are_told_without_a_place(
    documents: Documents,
) -> None:
    with pytest.raises(BadInputError) as told:
        check_documents(Documents([], documents.classifiers))
    lines = str(told.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("ArtClassifier art-or-not: spec.classes[0].categorySelector: class")


async def test_weights_at_hand_are_nothing_to_warn_of(documents: Documents) -> None:
    told = Told()
    await check_model(documents.classifiers[0], documents, progress=told)
    assert (told.warnings, told.progress) == ([], [])


async def test_weights_that_are_not_installed_are_told_before_the_scrape_and_not_after_it(
    documents: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = weights.PackagedWeights(distribution="lite-weights", module="not_there_at_all")
    monkeypatch.setitem(weights.PACKAGED, "tf_efficientnet_lite0", absent)
    told = Told()
    await check_model(documents.classifiers[0], documents, progress=told)
    assert told.warnings == [
        "the weights of tf_efficientnet_lite0 are random, expect a poor classifier: "
        "install lite-weights for pretrained ones"
    ]
    assert told.progress == []
