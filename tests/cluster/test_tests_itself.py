"""`helm test` makes categories and a classifier of its own, asks it, and leaves nothing."""

import pytest

from tests.cluster.installed import Installation

pytestmark = pytest.mark.xdist_group("trial")


def test_helm_test_passes_and_leaves_nothing(installed: Installation) -> None:
    with installed.shared.beside("release"):
        said = installed.release.test()
    assert "Phase:          Succeeded" in said
    left = installed.kubectl("get", "artcategories,artclassifiers", "--output=name").split()
    assert [name for name in left if "tried" in name or "test" in name] == []
