"""The example documents: they are valid, and the demo names what the demo world has."""

from pathlib import Path

from artgrab.common.documents import load_documents, select
from tests.world.catalogue import ART, CATEGORIES, EVERYDAY
from tests.world.hosts import WIKI_CATEGORIES
from tests.world.wiki import SEARCH_WORDS

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_demo_has_all_categories_of_the_world():
    documents = load_documents([EXAMPLES / "demo.yaml"])
    assert [one.metadata.name for one in documents.categories] == list(CATEGORIES)
    assert [one.metadata.name for one in documents.classifiers] == ["art-or-not"]


def test_the_classifier_of_the_demo_tells_art_from_everyday_things():
    documents = load_documents([EXAMPLES / "demo.yaml"])
    labels = select(documents.classifiers[0], documents)
    assert labels == dict.fromkeys(ART, "art") | dict.fromkeys(EVERYDAY, "not-art")


def test_the_demo_searches_the_wiki_by_the_words_on_its_pages():
    documents = load_documents([EXAMPLES / "demo.yaml"])
    searched = {
        one.metadata.name: one.queries
        for one in documents.categories
        if one.spec.sources[0].kind == "mediawiki"
    }
    assert searched == {name: [SEARCH_WORDS[name]] for name in WIKI_CATEGORIES}


def test_the_example_for_commons_is_valid():
    documents = load_documents([EXAMPLES / "commons.yaml"])
    labels = select(documents.classifiers[0], documents)
    assert sorted(set(labels.values())) == ["art", "not-art"]
    assert len(labels) == len(documents.categories)
