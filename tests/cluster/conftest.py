"""One cluster for all tests of this folder, and one installation for those that need one.

Several processes share both (`sharing`). The order has phases, and none begins before all tests of
the one before it are over: those without an installation, as one watches the whole cluster; those
that must be alone on it; the others on it; those that end it, and those that need no more than what
it stands on; those that end the cluster.

The cluster is ended after them, unless ARTGRAB_KEEP_CLUSTER=1 says to leave one that was up before.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from artgrab.common.crds import KINDS
from artgrab.common.errors import SurroundingsError
from tests.cluster.builds import HERE
from tests.cluster.commands import progress
from tests.cluster.images import Images, built_archives, ensure_images
from tests.cluster.installed import (
    NAMESPACES,
    Ground,
    Installation,
    install,
    installation,
    load_images,
    prepared,
    removed,
)
from tests.cluster.kubectl import Kubectl, in_new_namespace
from tests.cluster.learned import apart, learned, upgraded, worse
from tests.cluster.packages import compile_packages
from tests.cluster.providers import Provider, choose, known_providers
from tests.cluster.reports import story_of
from tests.cluster.runs import begun
from tests.cluster.sharing import Shared

__all__ = ["apart", "begun", "learned", "upgraded", "worse"]  # fixtures

TEST_SECONDS = 400
"""For a test without its fixtures, which have deadlines of their own: the first ones build."""
_BEGUN: list[Thread] = []
"""What this process does in the background."""
_DEFINITIONS = HERE.parents[1] / "k8s/crds"
_ORDER = ("readme", "learned", "downloaders", "trial", "apart", "", "collected")
"""Stories of one phase, the longest first; "" are tests of none. A process is given one test more
than it has begun, which waits behind a long story: so a short one comes after the last of these."""
_LEFT_OUT = pytest.StashKey[dict[str, list[str]]]()
_SHARED = pytest.StashKey[Shared]()
_PHASES = pytest.StashKey[dict[str, int]]()
"""Of all tests by their names, which are node ids before pytest-xdist adds groups to them."""
_NAME = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "needs(capability): a field of Capabilities, `local` (the provider) or `ending` (it may be"
        " ended); where it is missing the test is deselected and listed",
    )
    given = getattr(config, "workerinput", {}).get("shared")
    folder = given or tempfile.mkdtemp(prefix="artgrab-cluster-tests-")
    config.stash[_SHARED] = Shared(Path(folder))
    config.stash[_LEFT_OUT] = {}


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a process of pytest-xdist where the others are."""
    node.workerinput["shared"] = str(node.config.stash[_SHARED].folder)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Order and deselect the tests on a cluster, and limit their time."""
    left_out = config.stash[_LEFT_OUT]
    able = _capabilities()
    for item in items:
        if lacking := [need for need in _needs(item) if able.get(need) is False]:
            left_out.setdefault(lacking[0], []).append(item.nodeid)
    gone = {nodeid for nodeids in left_out.values() for nodeid in nodeids}
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in gone])
    items[:] = sorted((item for item in items if item.nodeid not in gone), key=_place)
    config.stash[_PHASES] = {item.nodeid: _phase(item) for item in items}
    for item in items:
        item.stash[_NAME] = item.nodeid
        if "provider" in _fixtures(item) and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS, func_only=True))


def _place(item: pytest.Item) -> tuple[int, int]:
    story = _story(item)
    return _phase(item), _ORDER.index(story if story in _ORDER else "")


def _story(item: pytest.Item) -> str:
    marker = item.get_closest_marker("xdist_group")
    return str(marker.args[0]) if marker else ""


def _phase(item: pytest.Item) -> int:
    if "ending" in _needs(item):
        return 4
    if {"uninstalled", "ground"} & _fixtures(item):
        return 3
    if _story(item) == "alone":
        return 1
    return 2 if "installed" in _fixtures(item) else 0


def _fixtures(item: pytest.Item) -> frozenset[str]:
    return frozenset(getattr(item, "fixturenames", ()))


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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test wait for its turn; its time begins afterwards."""
    shared, phases = item.config.stash[_SHARED], item.config.stash[_PHASES]
    own = _phase(item)
    shared.wait_finished(name for name, phase in phases.items() if phase < own)
    result = yield
    shared.finish(item.stash[_NAME])
    return result


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: Any, sched: Any) -> None:
    """A test that took its process with it is over as well."""
    sched.config.stash[_SHARED].finish(crashitem.rpartition("@")[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a failure of a test on an installation tell what the cluster says of itself."""
    report = yield
    provider = getattr(item, "funcargs", {}).get("provider")
    if report.failed and provider and _wants_them(item):
        admin = Kubectl(provider.tool("kubectl"), provider.kubeconfig(), "default")
        report.sections.append(("what the cluster says", story_of(admin, NAMESPACES)))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """End the cluster when all processes are done with it."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["left_out"] = config.stash[_LEFT_OUT]
        return
    shared = config.stash[_SHARED]
    for name, provider in known_providers().items():
        if shared.has(f"kept {name}"):
            removed(provider)
        elif shared.has(f"up {name}"):
            provider.down()
    shutil.rmtree(shared.folder)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a process has left out: each has seen all tests."""
    node.config.stash[_LEFT_OUT].update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what this cluster cannot show."""
    for need, nodeids in terminalreporter.config.stash[_LEFT_OUT].items():
        terminalreporter.section(f"not run: this cluster lacks {need}")
        for nodeid in nodeids:
            terminalreporter.line(nodeid)


def _provider_name() -> str:
    return os.environ.get("ARTGRAB_CLUSTER_PROVIDER", "auto")


def _kept(provider: Provider) -> bool:
    return os.environ.get("ARTGRAB_KEEP_CLUSTER") == "1" and provider.exists()


@pytest.fixture(scope="session")
def shared(pytestconfig: pytest.Config) -> Shared:
    """What all processes of this run share."""
    return pytestconfig.stash[_SHARED]


@pytest.fixture(scope="session")
def aloud(pytestconfig: pytest.Config) -> Callable[[], AbstractContextManager[None]]:
    """Let people see what takes minutes the first time, while it is built."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    disabled: Callable[[], AbstractContextManager[None]]
    disabled = capture.global_and_fixture_disabled if capture else nullcontext
    return disabled


@pytest.fixture(scope="session")
def provider(
    request: pytest.FixtureRequest,
    shared: Shared,
    aloud: Callable[[], AbstractContextManager[None]],
) -> Iterator[Provider]:
    """A cluster that is up, and empty of us; ARTGRAB_CLUSTER_PROVIDER names one of several."""
    chosen, wants_images = _chosen(), _wants_images(request.session)
    with aloud():
        shared.once("cluster", lambda: _begin(chosen, shared, wants_images=wants_images))
    yield chosen
    for thread in _BEGUN:  # else a program that it has started would outlive the tests
        thread.join()


def _begin(provider: Provider, shared: Shared, *, wants_images: bool) -> None:
    shared.once(f"{'kept' if _kept(provider) else 'up'} {provider.name}", lambda: None)
    provider.prepare_host()
    if wants_images:  # compilers use the processors while these wait for the network
        _in_background(_built_images, shared)
        _in_background(compile_packages)
        load = partial(_in_background, _loaded_images, provider, shared)
        provider.up(images=built_archives(), with_node=load)
    else:
        provider.up()
    _in_background(_measured, provider, shared)  # nobody needs it so soon
    removed(provider)


def _measured(provider: Provider, shared: Shared) -> None:
    shared.once("measured", provider.measure)


def _in_background(work: Callable[..., object], *words: object) -> None:
    """Begin early what a fixture will ask for, which is told then of what went wrong."""

    def begin() -> None:
        try:
            work(*words)
        except SurroundingsError as error:
            progress(f"in the background: {error}")

    _BEGUN.append(Thread(target=begin, daemon=True))
    _BEGUN[-1].start()


def _wants_images(session: pytest.Session) -> bool:
    return any(map(_wants_them, session.items))


def _wants_them(item: pytest.Item) -> bool:
    return bool({"installed", "ground"} & _fixtures(item))


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


@pytest.fixture(scope="session")
def measured(provider: Provider, shared: Shared) -> None:
    """The metrics of pods, for autoscalers and `kubectl top`."""
    _measured(provider, shared)


@pytest.fixture(scope="module")
def kubectl(provider: Provider) -> Iterator[Kubectl]:
    """`kubectl` in a namespace of the module's own."""
    with in_new_namespace(provider, "test") as client:
        yield client


@pytest.fixture(scope="session")
def definitions(provider: Provider, shared: Shared) -> None:
    """Our CRDs, as they are in k8s/crds."""
    shared.once("definitions", lambda: _define(provider))


def _define(provider: Provider) -> None:
    kubectl = Kubectl(provider.tool("kubectl"), provider.kubeconfig(), "default")
    kubectl("apply", "--server-side", "--force-conflicts", f"--kustomize={_DEFINITIONS}")
    for kind in KINDS:
        kubectl.wait(f"crd/{kind.plural}.artgrab.dev", "condition=Established")


@pytest.fixture(scope="session")
def images(provider: Provider, shared: Shared) -> Iterator[Future[Images]]:
    """Our images, built where they are missing and loaded, while tests run that need none.

    A thread does it, with the environment of this process: no test beside it may change that.
    """
    with ThreadPoolExecutor(1, "images") as pool:
        yield pool.submit(_loaded_images, provider, shared)


def _loaded_images(provider: Provider, shared: Shared) -> Images:
    found = _built_images(shared)
    shared.once("images", lambda: load_images(provider, found))
    return found


def _built_images(shared: Shared) -> Images:
    with shared.turn("building"):
        return ensure_images()


@pytest.fixture(autouse=True)
def _images_early(request: pytest.FixtureRequest) -> None:
    """Load them as soon as there is a cluster, where a later test will want them."""
    if "provider" in request.fixturenames and _wants_images(request.session):
        request.getfixturevalue("images")


@pytest.fixture(scope="session")
def installed(
    provider: Provider,
    images: Future[Images],
    shared: Shared,
    aloud: Callable[[], AbstractContextManager[None]],
) -> Iterator[Installation]:
    """artgrab, installed by its chart, beside the demo world; one for all tests."""
    with aloud():
        loaded = images.result()
        shared.once("installation", lambda: install(provider, loaded, shared))
    with installation(provider, loaded, shared) as found:
        yield found


@pytest.fixture(scope="session")
def ground(provider: Provider, images: Future[Images], shared: Shared) -> Iterator[Ground]:
    """What a release finds there."""
    with prepared(provider, images.result(), shared) as found:
        yield found
