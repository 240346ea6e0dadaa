"""Runs that tests disturb in their middle, and what must be true of them in the end.

What is disturbed is so when the store shows that the run is in its middle, and that it still was so
afterwards is seen as well.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.cluster.categories import category, gallery_source
from tests.cluster.holdings import faults, recorded
from tests.cluster.installed import LATE_SECONDS, PICTURES, SPACING_SECONDS, Installation
from tests.cluster.rates import too_often, visits
from tests.cluster.worlds import published, shown

GALLERY = "www.painting-pieces.test"
"""Up to 18 pictures on a site: with the spacing of the installation a run lasts as many seconds."""


class Run:
    """A run that has begun."""

    def __init__(self, installed: Installation, name: str, query: str) -> None:
        self.installed = installed
        self.name = name
        gallery = installed.world.galleries[GALLERY]
        self.published = published(shown(gallery, query=query))
        self._before = len(installed.world.requests(host="img.*"))
        installed.kubectl.apply(category(name, gallery_source(gallery), queries=[query]))

    def wait_recorded(self, count: int) -> None:
        """Return when so many candidates have a record, and more are to come."""
        self.installed.wait_recorded(self.name, count)
        self.assert_under_way()

    def assert_under_way(self) -> None:
        """The run is in its middle: otherwise the test has shown nothing."""
        assert self.left() > 0

    def left(self) -> int:
        """Return how many candidates have no record yet."""
        done = recorded(self.installed.store, namespace=PICTURES, category=self.name)
        return len(self.published) - done

    def check(self) -> None:
        """Wait for its end and look at all that it has left, at the sites as well."""
        self.installed.wait_ready(self.name)
        assert faults(self.installed.holding(self.name), self.published) == []
        seen = visits(self.installed.world.requests(host="img.*")[self._before :])
        assert too_often(seen, spacing=SPACING_SECONDS, tolerance=LATE_SECONDS) == []

    def jobs(self) -> list[str]:
        """Return the uids of all Jobs of the category."""
        selector = f"--selector=artgrab.dev/category={self.name}"
        found = self.installed.kubectl.read("jobs", selector)["items"]
        return [one["metadata"]["uid"] for one in found]


Begin = Callable[[str, str], Run]
"""Begins the run of a category of that name with that query."""


@pytest.fixture
def begun(installed: Installation) -> Iterator[Begin]:
    """Start runs; their categories are deleted in the end."""
    names: list[str] = []

    def begin(name: str, query: str) -> Run:
        names.append(name)
        return Run(installed, name, query)

    yield begin
    for name in names:
        installed.kubectl("delete", "artcategory", name, "--wait=false")
