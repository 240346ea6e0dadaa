"""Whatever is deleted in the middle of a run: it ends as if nothing had been, politely.

What is deleted is deleted when the store shows that the run is in its middle, and that it still
was so afterwards is seen as well.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from tests.cluster.categories import category, gallery_source
from tests.cluster.holdings import faults, recorded
from tests.cluster.installed import (
    DOWNLOADER,
    LATE_SECONDS,
    OPERATOR,
    PICTURES,
    SPACING_SECONDS,
    Installation,
)
from tests.cluster.rates import too_often, visits
from tests.cluster.worlds import published, shown

GALLERY = "www.painting-pieces.test"
"""Up to 18 pictures on a site: with the spacing of the installation a run lasts as many seconds."""
ALL = "painting pieces"
"""Of 22 sites: together they keep one downloader busy."""
KILLS = 3
RUNS = 4
"""At once on the same sites: together they last until a busy machine has another downloader."""

pytestmark = pytest.mark.xdist_group("downloaders")


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


@pytest.fixture
def begun(installed: Installation) -> Iterator[Callable[[str, str], Run]]:
    """Start runs; their categories are deleted in the end."""
    names: list[str] = []

    def begin(name: str, query: str) -> Run:
        names.append(name)
        return Run(installed, name, query)

    yield begin
    for name in names:
        installed.kubectl("delete", "artcategory", name, "--wait=false")


def test_an_operator_that_is_deleted_doubles_nothing(
    installed: Installation, begun: Callable[[str, str], Run]
) -> None:
    run = begun("operator-gone", "hiroshige")
    run.wait_recorded(4)
    before = run.jobs()
    installed.system("delete", "pod", "--selector=app.kubernetes.io/component=operator")
    run.assert_under_way()
    installed.system("rollout", "status", f"deployment/{OPERATOR}")
    run.check()
    assert run.jobs() == before
    assert len(before) == 1


def test_a_scraper_that_is_deleted_resumes(
    installed: Installation, begun: Callable[[str, str], Run]
) -> None:
    run = begun("scraper-gone", "hiroshige")
    run.wait_recorded(4)
    (job,) = run.jobs()
    installed.kubectl("delete", "pod", f"--selector=artgrab.dev/category={run.name}", "--now")
    run.assert_under_way()
    run.check()
    assert run.jobs() == [job]


def test_downloaders_that_are_deleted_again_and_again_lose_and_double_nothing(
    installed: Installation, begun: Callable[[str, str], Run]
) -> None:
    run = begun("downloaders-gone", "hokusai")
    for number in range(1, KILLS + 1):
        run.wait_recorded(number * len(run.published) // (KILLS + 2))
        victim = installed.pods("downloader")[0]["metadata"]["name"]
        installed.system("delete", "pod", victim, "--grace-period=0", "--force")
        run.assert_under_way()
    run.check()


def test_downloaders_are_rolled_out_under_load(
    installed: Installation, begun: Callable[[str, str], Run]
) -> None:
    run = begun("rolled-out", "hokusai")
    run.wait_recorded(6)
    before = {one["metadata"]["uid"] for one in installed.pods("downloader")}
    installed.system("rollout", "restart", f"deployment/{DOWNLOADER}")
    installed.system("rollout", "status", f"deployment/{DOWNLOADER}")
    run.assert_under_way()
    run.check()
    assert before.isdisjoint(one["metadata"]["uid"] for one in installed.pods("downloader"))


@pytest.mark.alone
def test_an_api_server_that_is_killed_is_missed_by_nobody(
    installed: Installation, begun: Callable[[str, str], Run]
) -> None:
    run = begun("api-server-gone", "hiroshige")
    run.wait_recorded(4)
    before = run.jobs()
    restarts = _restarts(installed)
    installed.provider.restart_api_server()
    run.assert_under_way()
    run.check()
    assert run.jobs() == before
    after = _restarts(installed)  # the autoscaler may have taken or added a downloader
    assert after == {uid: restarts.get(uid, 0) for uid in after}
    assert {one["metadata"]["uid"] for one in installed.pods("operator")} <= restarts.keys()


def _restarts(installed: Installation) -> dict[str, int]:
    """Return how often the containers of each pod of ours were started again."""
    pods = installed.system.read("pods")["items"]
    return {
        one["metadata"]["uid"]: sum(
            container["restartCount"] for container in one["status"].get("containerStatuses", ())
        )
        for one in pods
    }


@pytest.mark.needs("pod_autoscaling")
def test_an_autoscaler_adds_and_takes_downloaders_and_no_site_notices(
    installed: Installation, begun: Callable[[str, str], Run]
) -> None:
    with _fewest_pods(installed, 1):
        _wait_pods(installed, lambda count: count == 1)
        runs = [begun(f"scaled-{number}", ALL) for number in range(RUNS)]
        _wait_pods(installed, lambda count: count > 1)
        assert sum(run.left() for run in runs) > 0
        for run in runs:
            run.check()
        _wait_pods(installed, lambda count: count == 1)


@contextmanager
def _fewest_pods(installed: Installation, count: int) -> Iterator[None]:
    """Let the autoscaler go so low for a while; an upgrade would refuse to set it back."""
    with installed.shared.turn("release"), _patched(installed, count):
        yield


@contextmanager
def _patched(installed: Installation, count: int) -> Iterator[None]:
    scaler = installed.system.read("horizontalpodautoscaler", DOWNLOADER)
    usual = scaler["spec"]["minReplicas"]
    patch = partial(installed.system, "patch", "horizontalpodautoscaler", DOWNLOADER)
    patch(f'--patch={{"spec": {{"minReplicas": {count}}}}}')
    try:
        yield
    finally:
        patch(f'--patch={{"spec": {{"minReplicas": {usual}}}}}')


def _wait_pods(installed: Installation, wanted: Callable[[int], bool]) -> None:
    """Return when the Deployment has so many pods that are ready."""

    def there() -> bool:
        status = installed.system.read("deployment", DOWNLOADER)["status"]
        return wanted(status.get("readyReplicas", 0)) and wanted(status["replicas"])

    installed.wait_until(there, "there are as many downloaders as the load wants")
