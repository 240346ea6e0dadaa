"""Documents: what is read, what is refused, and in which words."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from artgrab.common.documents import MAX_FILE_BYTES, Documents, load_documents, select
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
    selected = select(documents.classifiers[0], documents.categories)
    assert selected == {"a": "art", "b": "not-art"}


def test_a_class_that_selects_nothing_is_named(tmp_path: Path) -> None:
    documents = load(tmp_path, CLASSIFIER, category("a"))
    with pytest.raises(BadInputError, match="class not-art selects no category"):
        select(documents.classifiers[0], documents.categories)


def test_a_category_of_two_classes_is_named(tmp_path: Path) -> None:
    greedy = CLASSIFIER.replace("everyday", "art")
    documents = load(tmp_path, greedy, category("a"))
    with pytest.raises(BadInputError, match="ArtCategory a is selected by more than one class"):
        select(documents.classifiers[0], documents.categories)


def test_a_selector_sees_its_own_namespace_only(tmp_path: Path) -> None:
    elsewhere = category("a").replace("name: a,", "name: a, namespace: other,")
    documents = load(tmp_path, CLASSIFIER, elsewhere, category("b", "everyday"))
    with pytest.raises(BadInputError, match="class art selects no category"):
        select(documents.classifiers[0], documents.categories)


def test_all_problems_are_told_at_once_with_file_line_document_and_path(tmp_path: Path) -> None:
    wrong = category().replace("mediawiki", "mediawikki") + "  targetImages: '3'\n"
    assert problems(tmp_path, wrong, CLASSIFIER.replace("ArtClassifier", "ArtClasifier")) == [
        "0.yaml:7: ArtCategory graffiti: spec.sources[0].mediawikki: is not known; did you mean "
        "mediawiki? Allowed: gallery, mediawiki",
        '0.yaml:8: ArtCategory graffiti: spec.targetImages: must be a whole number; it is "3"',
        '1.yaml:3: ArtClasifier art-or-not: kind: "ArtClasifier" is not known; '
        "did you mean ArtClassifier? Allowed: ArtCategory, ArtClassifier",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("name: graffiti", "name: Graf_fiti", "0.yaml:4: ArtCategory Graf_fiti: metadata.name:"),
        ("v1alpha1", "v2", "0.yaml:2: ArtCategory graffiti: apiVersion: must be artgrab.dev/v1al"),
        ("kind: ArtCategory", "", "graffiti: kind: empty or missing is not known; Allowed: ArtC"),
        ("spec:", "spec: 1\nx:", "ArtCategory graffiti: spec: must be a mapping"),
        ("set: art", "set: no", "labels.artgrab.dev/set: must be text (put it in quotes); it is f"),
        ("http:", "ftp:", "spec.sources[0].mediawiki.url: text should match pattern"),
        ("{url:", "{uri:", "spec.sources[0].mediawiki.url: is missing"),
        ('mediawiki: {url: "http://commons.test/w/api.php"}', "{}", "set exactly one of: gallery"),
        ("spec:", "spec:\n  filters: {min_side: 9}", "filters.min_side: is not known; did you me"),
        ("spec:", "spec: {}\nspec:", "0.yaml:6: the key 'spec' is there twice; keep one"),
        ("name: graffiti", "name: &a graffiti", "0.yaml:4: anchors and aliases (& and *)"),
        ("name: graffiti", "name: *a", "0.yaml:4: anchors and aliases (& and *)"),
        ("name: graffiti", "name: !!python/name:os.system x", "0.yaml:4: tags are not taken"),
        ("name: graffiti", "1: graffiti", "0.yaml:4: a key must be text; put it in quotes"),
        ("name: graffiti", "? [a] : b", "0.yaml:4: a key must be text; put it in quotes"),
        ("spec:", "spec: [", "not YAML:"),
        ("name: graffiti", "name: " + "9" * 5000, "metadata.name: text should have at most 40"),
        ("name: graffiti", "name: 0x" + "f" * 5000, "metadata.name: text should have at most 40"),
    ],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert expected in "\n".join(problems(tmp_path, category().replace(old, new)))


def test_a_date_stays_text_as_in_a_cluster(tmp_path: Path) -> None:
    documents = load(tmp_path, category() + "  queries: [2017-05-01]\n")
    assert documents.categories[0].queries == ["2017-05-01"]


def test_two_documents_of_one_kind_and_name_are_refused_with_both_places(tmp_path: Path) -> None:
    assert problems(tmp_path, category(), category()) == [
        "1.yaml:2: ArtCategory graffiti: metadata.name: is taken by the ArtCategory at 0.yaml:2; "
        "names must differ"
    ]


@pytest.mark.parametrize("text", ["", "---\n---\n", "# only a comment\n"])
def test_a_file_without_a_document_is_a_mistake(tmp_path: Path, text: str) -> None:
    assert "holds no document" in problems(tmp_path, text)[0]


def test_a_list_is_no_document(tmp_path: Path) -> None:
    assert "a document must be a mapping" in problems(tmp_path, "- a\n")[0]


def test_a_file_that_is_not_there_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError) as caught:
        load_documents([tmp_path / "none.yaml", tmp_path])
    lines = str(caught.value).splitlines()
    assert [os.path.basename(line.split(":")[0]) for line in lines] == ["none.yaml", tmp_path.name]


def test_a_large_file_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    assert "larger than" in problems(tmp_path, b"#" * (MAX_FILE_BYTES + 1))[0]


def test_deep_nesting_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    assert "levels deep" in problems(tmp_path, "[" * 100_000)[0]


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    assert "not YAML" in problems(tmp_path, b"name: \xff\xfe\x00")[0]


def test_a_hostile_name_forges_no_line_and_sends_no_escape_codes(tmp_path: Path) -> None:
    lines = problems(tmp_path, category().replace("graffiti", r'"a\nb\e[31m\u2028\x9bc"'))
    assert len(lines) == 1
    assert lines[0].isprintable()


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
