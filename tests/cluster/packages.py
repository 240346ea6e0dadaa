"""The Python packages of this host for pods whose image has none: see `images`.

The restricted profile refuses hostPath in pods, so the folder is a PersistentVolume, and each
namespace that needs it has a claim on one of its own.
"""

import sys
import sysconfig
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from tests.cluster.commands import progress, run
from tests.cluster.former import LABEL, SESSION
from tests.cluster.images import Learning
from tests.cluster.kubectl import Kubectl

CLAIM = "artgrab-test-packages"
FOLDER = "/opt/packages"
"""Where the image looks for them: see its stage in the Dockerfile."""
_SLOW = ("faiss", "timm", "torch", "torchmetrics", "torchvision", "ts")
"""Of many modules, and imported by what runs in pods."""
_MODES = ["ReadOnlyMany"]
_SIZE = {"storage": "20Gi"}
"""Nobody looks at it, but a claim must name one."""


def host_folder() -> Path:
    """Return the folder that has the packages of the Python that runs the tests."""
    return Path(sysconfig.get_path("purelib")).resolve()


def offer_packages(admin: Kubectl, namespace: str) -> None:
    """Make a volume and the claim on it in a namespace; there already is no error."""
    compile_packages()
    inside = Kubectl(admin.program, admin.kubeconfig, namespace)
    inside.apply(*documents(namespace))
    inside.wait_bound(CLAIM)


@cache
def compile_packages() -> None:
    """Have bytecode of the packages: pods cannot keep any, and each would take half a minute."""
    sources = (host_folder() / name / "__init__.py" for name in _SLOW)
    if not all(Path(cache_from_source(str(source))).exists() for source in sources):
        progress("compiling the Python packages of this host")
        run(sys.executable, "-c", f"import {', '.join(_SLOW)}", seconds=900)


def documents(namespace: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the volume and the claim."""
    return _volume(namespace), _claim(namespace)


def learning_values(images: Learning) -> dict[str, Any]:
    """Return values of the chart by which dataset, training and serving have image and packages.

    Each namespace with a classifier needs `offer_packages` as well.
    """
    return {
        "trainer": {"image": {"name": images.trainer, "tag": images.tag}, **mounts(images)},
        "serving": {"image": {"name": images.serving, "tag": images.tag}, **mounts(images)},
    }


def mounts(images: Learning) -> dict[str, Any]:
    """Return what a pod and its container need to have the packages; nothing for a real image."""
    if images.whole:
        return {}
    claim = {"claimName": CLAIM, "readOnly": True}
    return {
        "volumes": [{"name": "packages", "persistentVolumeClaim": claim}],
        "volumeMounts": [{"name": "packages", "mountPath": FOLDER, "readOnly": True}],
    }


def _volume(namespace: str) -> dict[str, Any]:
    spec = {
        "accessModes": _MODES,
        "capacity": _SIZE,
        "claimRef": {"namespace": namespace, "name": CLAIM},
        "hostPath": {"path": str(host_folder()), "type": "Directory"},
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
    }
    metadata = {"name": _volume_name(namespace), "labels": {LABEL: SESSION}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def _claim(namespace: str) -> dict[str, Any]:
    spec = {
        "accessModes": _MODES,
        "resources": {"requests": _SIZE},
        "storageClassName": "",
        "volumeName": _volume_name(namespace),
    }
    metadata = {"name": CLAIM, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def _volume_name(namespace: str) -> str:
    return f"{CLAIM}-{namespace}"
