"""One cluster for all tests of this folder, and one installation for those that need one.

The cluster is ended after them, unless ARTGRAB_KEEP_CLUSTER=1 says to leave one that was up before.
"""

import os
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import pytest

from artgrab.common.errors import SurroundingsError
from tests.cluster.images import Images
from tests.cluster.installed import (
    NAMESPACES,
    Installation,
    installation,
    loaded_images,
    removed,
)
from tests.cluster.kubectl import Kubectl, in_new_namespace
from tests.cluster.learned import learned, trial, upgraded, worse
from tests.cluster.providers import Provider, choose, known_providers
from tests.cluster.reports import story_of

__all__ = ["learned", "trial", "upgraded", "worse"]  # fixtures

FIRST_BUILD_SECONDS = 2 * 3600
"""For the first test of a fixture that builds: Kubernetes, or our images."""
TEST_SECONDS = 400
_BUILDING = ("provider", "installed")
_LEFT_OUT = pytest.StashKey[dict[str, list[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "needs(capability): a field of Capabilities, `local` (the provider) or `ending` (it may be"
        " ended); where it is missing the test is deselected and listed",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order, deselect and limit in time the tests on a cluster."""
    items.sort(key=_place)
    left_out = config.stash[_LEFT_OUT] = {}
    able = _capabilities()
    for item in items:
        if lacking := [need for need in _needs(item) if able.get(need) is False]:
            left_out.setdefault(lacking[0], []).append(item.nodeid)
    gone = {nodeid for nodeids in left_out.values() for nodeid in nodeids}
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in gone])
    items[:] = [item for item in items if item.nodeid not in gone]
    _limit(items)


def _place(item: pytest.Item) -> int:
    """Tests on an installation go late, as its images load meanwhile; those that end it last."""
    fixtures = getattr(item, "fixturenames", ())
    if "ending" in _needs(item):
        return 4
    return max(3 * ("uninstalled" in fixtures), 2 * _installs(item), 1 * ("images" in fixtures))


def _installs(item: pytest.Item) -> bool:
    return "installed" in getattr(item, "fixturenames", ())


def _needs(item: pytest.Item) -> list[str]:
    return [str(marker.args[0]) for marker in item.iter_markers("needs")]


def _capabilities() -> dict[str, bool]:
    """Return what is known of the cluster that will be used; nothing where none can be."""
    try:
        chosen = choose(_provider_name())
    except SurroundingsError:
        return {}
    able = chosen.capabilities()
    return {
        "network_policies": able.network_policies,
        "pod_autoscaling": able.pod_autoscaling,
        "local": chosen.name == "local",
        "ending": not _kept(chosen),
    }


def _limit(items: list[pytest.Item]) -> None:
    """Give the first test of each fixture that builds the time for it."""
    waiting = set(_BUILDING)
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "provider" in fixtures and not item.get_closest_marker("timeout"):
            seconds = FIRST_BUILD_SECONDS if waiting & fixtures else TEST_SECONDS
            item.add_marker(pytest.mark.timeout(seconds))
        waiting -= fixtures


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what this cluster cannot show."""
    for need, nodeids in terminalreporter.config.stash.get(_LEFT_OUT, {}).items():
        terminalreporter.section(f"not run: this cluster lacks {need}")
        for nodeid in nodeids:
            terminalreporter.line(nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a failure of a test on an installation tell what the cluster says of itself."""
    report = yield
    provider = getattr(item, "funcargs", {}).get("provider")
    if report.failed and provider and _installs(item):
        admin = Kubectl(provider.tool("kubectl"), provider.kubeconfig(), "default")
        report.sections.append(("what the cluster says", story_of(admin, NAMESPACES)))
    return report


def _provider_name() -> str:
    return os.environ.get("ARTGRAB_CLUSTER_PROVIDER", "auto")


def _kept(provider: Provider) -> bool:
    return os.environ.get("ARTGRAB_KEEP_CLUSTER") == "1" and provider.exists()


@pytest.fixture(scope="session")
def aloud(pytestconfig: pytest.Config) -> Callable[[], AbstractContextManager[None]]:
    """Let people see what takes minutes the first time, while it is built."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    disabled: Callable[[], AbstractContextManager[None]]
    disabled = capture.global_and_fixture_disabled if capture else nullcontext
    return disabled


@pytest.fixture(scope="session")
def provider(aloud: Callable[[], AbstractContextManager[None]]) -> Iterator[Provider]:
    """A cluster that is up, and empty of us; ARTGRAB_CLUSTER_PROVIDER names one of several."""
    chosen = _chosen()
    kept = _kept(chosen)
    with aloud():
        chosen.up()
        removed(chosen)
    yield chosen
    if not kept:
        chosen.down()


def _chosen() -> Provider:
    name = _provider_name()
    known = known_providers()
    wanted = list(known.values()) if name == "auto" else [known[name]]
    reasons = {one.name: one.unable() for one in wanted}
    if all(reasons.values()):
        if os.environ.get("ARTGRAB_NO_SKIPS") == "1":
            pytest.fail(f"no cluster here: {reasons}")
        pytest.skip(f"no cluster here: {reasons}")
    return choose(name)


@pytest.fixture(scope="module")
def kubectl(provider: Provider) -> Iterator[Kubectl]:
    """`kubectl` in a namespace of the module's own."""
    with in_new_namespace(provider, "test") as client:
        yield client


@pytest.fixture(scope="session")
def images(provider: Provider) -> Iterator[Future[Images]]:
    """Our images, built where they are missing and loaded, while tests run that need none."""
    with ThreadPoolExecutor(1, "images") as pool:
        yield pool.submit(loaded_images, provider)


@pytest.fixture(autouse=True)
def _images_early(request: pytest.FixtureRequest) -> None:
    """Begin with them as soon as there is a cluster, where a later test will want them."""
    if "provider" in request.fixturenames and any(map(_installs, request.session.items)):
        request.getfixturevalue("images")


@pytest.fixture(scope="session")
def installed(
    provider: Provider,
    images: Future[Images],
    aloud: Callable[[], AbstractContextManager[None]],
) -> Iterator[Installation]:
    """artgrab, installed by its chart, beside the demo world; one for all tests."""
    kept = _kept(provider)
    with aloud():
        loaded = images.result()
    with installation(provider, loaded) as found:
        yield found
    if kept:
        removed(provider)
