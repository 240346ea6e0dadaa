"""Each image does its work as nobody in particular, with a root that is read only."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.cluster.commands import wait_until
from tests.cluster.images import LEARNING, REGISTRY, SERVICES
from tests.cluster.installed import Ground
from tests.cluster.kubectl import Kubectl
from tests.cluster.packages import learning_values, offer_packages
from tests.cluster.worlds import WorldPods

PATIENCE_SECONDS = 300
"""Of a busy machine, that reads and starts all that learns."""
_RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_SHOW_A_PAGE = """
import asyncio, json, os
from artgrab.common.network import NetworkSettings
from artgrab.scraper.browser import chromium
from artgrab.scraper.sandboxes import has_sandbox

async def main():
    async with chromium(NetworkSettings()) as browser:
        status = await browser.open("http://www.clipart.test/gallery?limit=3")
        await browser.run(
            "document.body.innerHTML = '<i id=latin>ab</i><i id=han>\\u4f60\\u597d</i>'")
        widths = await browser.run(
            "return ['latin', 'han'].map(id => document.getElementById(id).offsetWidth)")
    told = {"user": os.getuid(), "status": status, "widths": widths, "sandbox": has_sandbox()}
    print(json.dumps(told | {"left": os.listdir("/tmp")}))

asyncio.run(main())
"""
_FIND_WRITABLE = (
    *("find", "/", "-xdev", "(", "-type", "d", "-not", "-executable", ")", "-prune"),
    *("-o", "-type", "f", "-perm", "-o+w", "-print"),
)
_START_ALL = """
import importlib, json, os, pkgutil, sys
import torch

for name in sys.argv[1:]:
    package = importlib.import_module(f"artgrab.{name}")
    for module in pkgutil.walk_packages(package.__path__, f"artgrab.{name}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
ours = {os.path.dirname(sys.modules[f"artgrab.{name}"].__file__) for name in sys.argv[1:]}
print(json.dumps({"user": os.getuid(), "threads": torch.get_num_threads(), "ours": sorted(ours)}))
"""
_FIND_JAVA = """
from artgrab.serving.torchserve.programs import find_programs
print(find_programs().java)
"""
_DECODES_WELL = """
from artgrab.images.system_calls import refuse_system_calls
from artgrab.images.turbojpeg import LIBRARY
print(LIBRARY is not None, refuse_system_calls())
"""


def said(
    kubectl: Kubectl,
    image: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    volumes: Sequence[Mapping[str, Any]] = (),
    mounts: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return what a pod writes that runs a command and ends well."""
    name = f"try-{uuid.uuid4().hex[:8]}"
    pod = _pod(name, image, command, environment)
    pod["spec"]["volumes"] += volumes
    pod["spec"]["containers"][0]["volumeMounts"] += mounts
    kubectl.apply(pod)
    try:
        wait_until(
            lambda: _phase(kubectl, name) in ("Succeeded", "Failed"),
            f"{image} has ended",
            seconds=PATIENCE_SECONDS,
        )
        told = kubectl("logs", name)
        assert _phase(kubectl, name) == "Succeeded", told
        return told
    finally:
        kubectl("delete", "pod", name, "--wait=false")


def _phase(kubectl: Kubectl, name: str) -> str:
    return str(kubectl.read("pod", name)["status"].get("phase"))


def _pod(
    name: str, image: str, command: Sequence[str], environment: Mapping[str, str]
) -> dict[str, Any]:
    container = {
        "name": "tried",
        "image": image,
        "imagePullPolicy": "Never",
        "command": list(command),
        "env": [{"name": key, "value": value} for key, value in environment.items()],
        "securityContext": _RESTRICTED,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def show_a_page(kubectl: Kubectl, image: str, world: WorldPods) -> Any:
    """Return what the scraper's browser tells of a page of the world, from within a pod."""
    command = ("python", "-c", _SHOW_A_PAGE)
    return json.loads(said(kubectl, image, command, {"ARTGRAB_RESOLVE": json.dumps(world.resolve)}))


def test_chromium_shows_pages_in_a_restricted_pod(ground: Ground) -> None:
    image = f"{REGISTRY}/artgrab-scraper:{ground.images.tag}"
    told = show_a_page(ground.kubectl, image, ground.world)
    assert (told["user"], told["status"], told["left"]) == (10001, 200, [])
    assert told["sandbox"] is False, "its pods may make no namespaces"
    assert min(told["widths"]) > 0


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_can_write_the_files_of_an_image(name: str, ground: Ground) -> None:
    image = f"{REGISTRY}/artgrab-{name}:{ground.images.tag}"
    assert said(ground.kubectl, image, _FIND_WRITABLE, {}) == ""


@pytest.mark.parametrize("name", LEARNING)
def test_nobody_can_write_the_files_of_who_learns(name: str, ground: Ground) -> None:
    assert said_by_learner(ground, name, _FIND_WRITABLE) == ""


@pytest.mark.parametrize(
    ("image", "packages"),
    [("trainer", ("dataset", "trainer")), ("serving", ("serving",))],
)
def test_whoever_learns_starts_in_a_restricted_pod(
    image: str, packages: tuple[str, ...], ground: Ground
) -> None:
    command = ("python", "-c", _START_ALL, *packages)
    told = json.loads(said_by_learner(ground, image, command).splitlines()[-1])
    home = "/opt/artgrab/lib/python3.11/site-packages/artgrab"
    assert told == {
        "user": 10001,
        "threads": 1,
        "ours": [f"{home}/{package}" for package in packages],
    }


def test_the_trainer_can_meet_others_and_the_server_has_its_java(ground: Ground) -> None:
    command = ("python", "-m", "torch.distributed.run", "--help")
    assert "--rdzv-backend" in said_by_learner(ground, "trainer", command)
    told = said_by_learner(ground, "serving", ("python", "-c", _FIND_JAVA))
    assert told.strip() == "/opt/java/bin/java"


def test_whoever_decodes_pictures_has_the_fast_way_and_gives_up_what_it_needs_not(
    ground: Ground,
) -> None:
    command = ("python", "-c", _DECODES_WELL)
    downloader = f"{REGISTRY}/artgrab-downloader:{ground.images.tag}"
    assert said(ground.kubectl, downloader, command, {}) == "True True\n"
    for name in LEARNING:
        assert said_by_learner(ground, name, command) == "True True\n"


def said_by_learner(ground: Ground, name: str, command: Sequence[str]) -> str:
    """Return what a pod of trainer or serving writes, with the packages that tests give it."""
    values = learning_values(ground.images.learning)[name]
    offer_packages(ground.kubectl, ground.kubectl.namespace)
    return said(
        ground.kubectl,
        f"{REGISTRY}/{values['image']['name']}:{values['image']['tag']}",
        command,
        {},
        volumes=values.get("volumes", ()),
        mounts=values.get("volumeMounts", ()),
    )
