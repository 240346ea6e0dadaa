"""Categories that rest, go, or cannot be: what remains, and what a person is told."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.cluster.categories import category, gallery_source
from tests.cluster.holdings import faults, keys_of
from tests.cluster.installed import FLEETING, PICTURES, Installation, make_namespace
from tests.cluster.operators import without_operator
from tests.cluster.worlds import DOWN, published, shown

GALLERY = "www.painting-pieces.test"
QUERY = "hiroshige"


@pytest.fixture
def apply(installed: Installation) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Apply categories; those that a test has left go in the end."""
    names: list[str] = []

    def applied(document: Mapping[str, Any]) -> None:
        names.append(document["metadata"]["name"])
        installed.kubectl.apply(document)

    yield applied
    for name in names:
        installed.kubectl("delete", "artcategory", name, "--ignore-not-found", "--wait=false")


def _resting(installed: Installation, name: str, **spec: Any) -> dict[str, Any]:
    """Return a category that starts nothing."""
    gallery = installed.world.galleries[GALLERY]
    return category(name, gallery_source(gallery), queries=[QUERY], suspend=True, **spec)


def _patch(installed: Installation, name: str, **spec: Any) -> None:
    patch = json.dumps({"spec": spec})
    installed.kubectl("patch", "artcategory", name, "--type=merge", f"--patch={patch}")


def _put(installed: Installation, name: str, *, namespace: str = PICTURES) -> str:
    """Put an object where those of a category lie."""
    key = f"{namespace}/categories/{name}/images/0-0.jpg"
    installed.store.put(key, b"pixels")
    return key


def _keys(installed: Installation, name: str, *, namespace: str = PICTURES) -> list[str]:
    return keys_of(installed.store, namespace=namespace, category=name)


def test_a_schedule_that_never_comes_is_told(
    installed: Installation, apply: Callable[[Mapping[str, Any]], None]
) -> None:
    apply(_resting(installed, "never", schedule="0 0 31 2 *"))
    installed.wait_reason("never", "InvalidSpec")
    assert "schedule" in installed.condition("never")["message"]


def test_a_suspended_run_ends_and_goes_on_when_it_is_let(
    installed: Installation, apply: Callable[[Mapping[str, Any]], None]
) -> None:
    gallery = installed.world.galleries[GALLERY]
    apply(category("resting", gallery_source(gallery), queries=[QUERY]))
    with installed.shared.beside("operator"):
        installed.wait_recorded("resting", 4)
        _patch(installed, "resting", suspend=True)
        installed.wait_reason("resting", "Suspended")
        installed.kubectl.wait("artcategory/resting", "condition=Suspended")
        selector = "--selector=artgrab.dev/category=resting"
        installed.kubectl("wait", "pod", selector, "--for=delete", "--timeout=120s")
    assert len(installed.holding("resting").records) < len(shown(gallery, query=QUERY))
    _patch(installed, "resting", suspend=False)
    installed.wait_ready("resting")
    held = installed.holding("resting")
    assert faults(held, published(shown(gallery, query=QUERY))) == []


def test_a_category_that_is_retained_leaves_its_pictures(
    installed: Installation, apply: Callable[[Mapping[str, Any]], None]
) -> None:
    apply(_resting(installed, "retained"))
    installed.wait_reason("retained", "Suspended")
    key = _put(installed, "retained")
    installed.kubectl("delete", "artcategory", "retained", "--timeout=60s")
    assert _keys(installed, "retained") == [key]


def test_a_category_that_is_to_be_deleted_takes_its_pictures_and_no_others(
    installed: Installation, apply: Callable[[Mapping[str, Any]], None]
) -> None:
    apply(_resting(installed, "deleted", deletionPolicy="Delete"))
    installed.wait_reason("deleted", "Suspended")
    _put(installed, "deleted")
    others = _put(installed, "deleted-too")
    installed.kubectl("delete", "artcategory", "deleted", "--timeout=120s")
    assert _keys(installed, "deleted") == []
    assert _keys(installed, "deleted-too") == [others]


def test_a_namespace_with_such_a_category_goes(installed: Installation) -> None:
    make_namespace(installed.kubectl, FLEETING)
    inside = installed.inside(FLEETING)
    inside.apply(_resting(installed, "deleted", deletionPolicy="Delete"))
    inside.wait("artcategory/deleted", "condition=Suspended")
    _put(installed, "deleted", namespace=FLEETING)
    installed.kubectl("delete", "namespace", FLEETING, "--wait=false")
    inside.wait(f"namespace/{FLEETING}", "delete")
    assert _keys(installed, "deleted", namespace=FLEETING) == []


def test_retained_categories_go_while_nobody_operates(
    installed: Installation, apply: Callable[[Mapping[str, Any]], None]
) -> None:
    apply(_resting(installed, "left-alone"))
    installed.wait_reason("left-alone", "Suspended")
    with installed.shared.turn("operator"), without_operator(installed):
        installed.kubectl("delete", "artcategory", "left-alone", "--timeout=30s")


def test_a_site_that_is_down_is_told(
    installed: Installation, apply: Callable[[Mapping[str, Any]], None]
) -> None:
    selectors = {"item": "article", "image": "a::attr(href)"}
    source = {"gallery": {"url": f"http://www.{DOWN}/gallery", "selectors": selectors}}
    apply(category("down", source))
    installed.wait_reason("down", "ScrapeFailed")
    assert f"www.{DOWN}" in installed.condition("down")["message"]
