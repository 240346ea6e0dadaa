"""What can be told before the work: of documents before the store is opened, then of the rest."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

from artgrab.common.classifier_states import read_classifier_state
from artgrab.common.documents import Documents, refuse, selected
from artgrab.common.documents.problems import Problem
from artgrab.common.errors import BadInputError
from artgrab.common.keys import dataset_prefix, model_prefix
from artgrab.common.progress import ProgressSink, warn
from artgrab.common.resources import ArtCategory, ArtClassifier, ModelSpec
from artgrab.common.store import Store

_KEY = re.compile(r"[0-9a-f]{8,64}")


def check_documents(documents: Documents) -> None:
    """Refuse documents that the work would fail on, all problems at once; touches nothing.

    Raises:
        BadInputError: with one line for each problem.
    """
    classifier, problems = _one_classifier(documents)
    if classifier is not None:
        problems += selected(classifier, documents)[1]
    problems += _selector_problems(documents)
    refuse(problems)


def check_scrape(documents: Documents) -> list[ArtCategory]:
    """Return the categories to scrape.

    Raises:
        BadInputError: there is none, or a selector is wrong.
    """
    if not documents.categories:
        raise BadInputError("no ArtCategory is given; artgrab scrape takes at least one")
    refuse(_selector_problems(documents))
    return documents.categories


def only_classifier(classifiers: list[ArtClassifier]) -> ArtClassifier:
    """Return the one classifier of the documents.

    Raises:
        BadInputError: there is none, or more than one.
    """
    if len(classifiers) != 1:
        raise BadInputError(f"{len(classifiers)} ArtClassifiers are given; this takes exactly one")
    return classifiers[0]


def check_pictures(paths: Sequence[Path]) -> None:
    """Refuse what --predict names and is not there, before the work and not after it.

    Raises:
        BadInputError: a path is not there, or a folder holds no picture.
    """
    from artgrab.cli.picture_files import find_pictures

    find_pictures(paths)


def existing_store(uri: str) -> Store:
    """Open a store that a stage before has filled, and make none.

    Raises:
        BadInputError: there is none.
        SurroundingsError: it cannot be read or written.
    """
    Store.open(uri, to_write=False)
    return Store.open(uri)


def check_snapshot(store: Store, *, namespace: str, key: str) -> None:
    """Refuse a snapshot that the store does not have.

    Raises:
        BadInputError: it is not there, or not complete.
    """
    if _KEY.fullmatch(key) and store.exists(f"{dataset_prefix(namespace, key)}/snapshot.json"):
        return
    raise BadInputError(
        f"{store.uri} has no complete snapshot {key[:80]}; artgrab dataset build makes one"
    )


def newest_model(store: Store, *, namespace: str, classifier: str) -> str:
    """Return the prefix of a classifier's newest model.

    Raises:
        BadInputError: it has none.
    """
    state = read_classifier_state(store, namespace=namespace, classifier=classifier)
    if not state.model:
        raise BadInputError(f"{store.uri} has no model of {classifier}; artgrab run makes one")
    return model_prefix(namespace, state.model)


async def check_browser(categories: Sequence[ArtCategory]) -> None:
    """Make sure that there is a browser where one of these categories needs one.

    Raises:
        SurroundingsError: it is missing, or does not fit its driver.
    """
    if not any(source.gallery for one in categories for source in one.spec.sources):
        return
    from artgrab.scraper.browser_programs import check_programs

    await asyncio.to_thread(check_programs)


async def check_model(
    classifier: ArtClassifier, documents: Documents, *, progress: ProgressSink
) -> None:
    """Make sure that the backbone can be had with its weights; warn where they are random.

    Raises:
        BadInputError: timm does not know it, or it cannot take the size.
        SurroundingsError: its weights cannot be read, or do not fit.
    """
    from artgrab.model.preflight import is_known_to_fit
    from artgrab.model.weights import choose_weights

    model = classifier.spec.model
    if not is_known_to_fit(model):
        try:
            await _try_model(model, progress)
        except BadInputError as error:
            path, _, text = str(error).partition(": ")
            problem = Problem(tuple(path.split(".")), text)
            raise BadInputError(documents.told(classifier, problem)) from error
    if warning := choose_weights(model.backbone, wanted=model.weights).warning:
        warn(progress, warning)


async def _try_model(model: ModelSpec, progress: ProgressSink) -> None:
    from artgrab.cli.supervision import answer_of

    size = ("--image-size", str(model.image_size)) if model.image_size else ()
    arguments = (model.backbone, *size, "--weights", model.weights)
    await answer_of("artgrab.model.preflight", *arguments, progress=progress)


def _one_classifier(documents: Documents) -> tuple[ArtClassifier | None, list[str]]:
    if len(documents.classifiers) < 2:
        return next(iter(documents.classifiers), None), []
    others = [
        documents.told(one, Problem((), "is one ArtClassifier too many; artgrab run takes one"))
        for one in documents.classifiers[1:]
    ]
    return None, others


def _selector_problems(documents: Documents) -> list[str]:
    galleries = [
        one for one in documents.categories if any(source.gallery for source in one.spec.sources)
    ]
    if not galleries:
        return []
    from artgrab.scraper.selectors import selector_problems  # loads lxml

    return [documents.told(one, found) for one in galleries for found in selector_problems(one)]
