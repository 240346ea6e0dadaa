"""Documents: what is read, what is refused, and in which words."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artgrab.common.documents import Documents, load_documents, select
from artgrab.common.errors import BadInputError

CATEGORY = """
apiVersion: artgrab.dev/v1alpha1
kind: ArtCategory
metadata: {name: NAME, labels: {artgrab.dev/set: SET}}
spec:
  sources:
    - mediawiki: {url: "http://commons.test/w/api.php"}
"""
CLASSIFIER = """
apiVersion: artgrab.dev/v1alpha1
kind: ArtClassifier
metadata: {name: art-or-not}
spec:
  classes:
    - {label: art, categorySelector: {matchLabels: {artgrab.dev/set: art}}}
    - {label: not-art, categorySelector: {matchLabels: {artgrab.dev/set: everyday}}}
"""


def category(name: str = "graffiti", of: str = "art") -> str:
    return CATEGORY.replace("NAME", name).replace("SET", of)


def load(tmp_path: Path, *texts: str | bytes) -> Documents:
    paths = []
    for number, text in enumerate(texts):
        paths.append(tmp_path / f"{number}.yaml")
        paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_documents(paths)


def problems(tmp_path: Path, *texts: str | bytes) -> list[str]:
    with pytest.raises(BadInputError) as caught:
        load(tmp_path, *texts)
    return str(caught.value).replace(f"{tmp_path}/", "").splitlines()


def test_several_documents_of_several_files_are_read_in_their_order(tmp_path: Path) -> None:
    documents = load(tmp_path, f"{category('b')}---{category('a')}---\n", CLASSIFIER)
    assert [one.metadata.name for one in documents.categories] == ["b", "a"]
    assert [one.metadata.name for one in documents.classifiers] == ["art-or-not"]


def test_the_class_of_each_category_is_found_by_its_labels(tmp_path: Path) -> None:
    documents = load(
        tmp_path, CLASSIFIER, category("a"), category("b", "everyday"), category("c", "other")
    )
    selected = select(documents.classifiers[0], documents)
    assert selected == {"a": "art", "b": "not-art"}


def test_a_class_that_selects_nothing_is_named(tmp_path: Path) -> None:
    documents = load(tmp_path, CLASSIFIER, category("a"))
    with pytest.raises(BadInputError, match="class not-art selects no category"):
        select(documents.classifiers[0], documents)


def test_a_category_of_two_classes_is_named(tmp_path: Path) -> None:
    greedy = CLASSIFIER.replace("everyday", "art")
    documents = load(tmp_path, greedy, category("a"))
    with pytest.raises(BadInputError, match=r"a: metadata\.labels: is selected by more"):
        select(documents.classifiers[0], documents)


def test_a_selector_sees_its_own_namespace_only(tmp_path: Path) -> None:
    elsewhere = category("a").replace("name: a,", "name: a, namespace: other,")
    documents = load(tmp_path, CLASSIFIER, elsewhere, category("b", "everyday"))
    with pytest.raises(BadInputError, match="class art selects no category"):
        select(documents.classifiers[0], documents)


def test_all_problems_are_told_at_once_with_file_line_document_and_path(tmp_path: Path) -> None:
    wrong = category().replace("mediawiki", "mediawikki") + "  targetImages: '3'\n"
    assert problems(tmp_path, wrong, CLASSIFIER.replace("ArtClassifier", "ArtClasifier")) == [
        "0.yaml:7: ArtCategory graffiti: spec.sources[0].mediawikki: is not known; did you mean "
        "mediawiki? Allowed: gallery, mediawiki",
        '0.yaml:8: ArtCategory graffiti: spec.targetImages: must be a whole number; it is "3"; '
        "remove the quotes",
        '1.yaml:3: ArtClasifier art-or-not: kind: "ArtClasifier" is not known; '
        "did you mean ArtClassifier? Allowed: ArtCategory, ArtClassifier",
    ]


def test_a_date_stays_text_as_in_a_cluster(tmp_path: Path) -> None:
    documents = load(tmp_path, category() + "  queries: [2017-05-01]\n")
    assert documents.categories[0].queries == ["2017-05-01"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(value=JSON, field=st.sampled_from(["metadata", "spec", "kind", "apiVersion", "more"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_value_in_any_field_is_read_or_refused_in_printable_lines(
    tmp_path: Path, value: Any, field: str
) -> None:
    document = {**yaml.safe_load(category()), field: value}
    text = yaml.safe_dump(document, allow_unicode=True)
    told = ""
    try:
        load(tmp_path, text)
    except BadInputError as error:
        told = str(error)
    assert all(line.isprintable() and "0.yaml" in line for line in told.splitlines())


@given(data=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadInputError):
        load(tmp_path, data)
