"""Downloaders come and go in mid-run: nothing is lost or doubled, and no site notices."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from tests.cluster.installed import DOWNLOADER, Installation
from tests.cluster.runs import Begin

ALL = "painting pieces"
"""Of 22 sites: together they keep one downloader busy."""
KILLS = 3
RUNS = 4
"""At once on the same sites: together they last until a busy machine has another downloader."""
ROLLED = 2
"""Likewise, until a busy machine has replaced all downloaders: one run has been too short."""

pytestmark = pytest.mark.xdist_group("downloaders")


@pytest.mark.needs("pod_autoscaling")
@pytest.mark.usefixtures("measured")
def test_an_autoscaler_adds_and_takes_downloaders_and_no_site_notices(
    installed: Installation, begun: Begin
) -> None:
    with _fewest_pods(installed, 1):
        _wait_pods(installed, lambda count: count == 1)
        runs = [begun(f"scaled-{number}", ALL) for number in range(RUNS)]
        _wait_pods(installed, lambda count: count > 1)
        assert sum(run.left() for run in runs) > 0
        for run in runs:
            run.check()
        _wait_pods(installed, lambda count: count == 1)


def test_downloaders_that_are_deleted_again_and_again_lose_and_double_nothing(
    installed: Installation, begun: Begin
) -> None:
    run = begun("downloaders-gone", "hokusai")
    for number in range(1, KILLS + 1):
        run.wait_recorded(number * len(run.published) // (KILLS + 2))
        victim = installed.pods("downloader")[0]["metadata"]["name"]
        installed.system("delete", "pod", victim, "--grace-period=0", "--force")
        run.assert_under_way()
    run.check()


def test_downloaders_are_rolled_out_under_load(installed: Installation, begun: Begin) -> None:
    runs = [begun(f"rolled-out-{number}", "hokusai") for number in range(ROLLED)]
    for run in runs:
        run.wait_recorded(3)
    before = {one["metadata"]["uid"] for one in installed.pods("downloader")}
    installed.system("rollout", "restart", f"deployment/{DOWNLOADER}")
    installed.system("rollout", "status", f"deployment/{DOWNLOADER}")
    assert sum(run.left() for run in runs) > 0
    for run in runs:
        run.check()
    assert before.isdisjoint(one["metadata"]["uid"] for one in installed.pods("downloader"))


@contextmanager
def _fewest_pods(installed: Installation, count: int) -> Iterator[None]:
    """Let the autoscaler go so low for a while; an upgrade would refuse to set it back."""
    with installed.shared.beside("release"), _patched(installed, count):
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
