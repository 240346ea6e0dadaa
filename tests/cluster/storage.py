"""A volume for the object store of a release, which stays when the release goes."""

import shutil
from pathlib import Path
from typing import Any

from tests.cluster.former import LABEL, SESSION
from tests.cluster.kubectl import Kubectl
from tests.cluster.providers import state_root

_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_MODES = ["ReadWriteOnce"]
_SIZE = {"storage": "1Gi"}
_ANYBODY = 0o777
"""The kubelet gives no folder of its host to the user of a pod."""


def empty_storage_folder() -> Path:
    """Make a folder that is empty; that of a former session goes first."""
    remove_storage_folder()
    folder = _folder()
    folder.mkdir(parents=True)
    folder.chmod(_ANYBODY)
    return folder


def remove_storage_folder() -> None:
    """Remove it, where there is one."""
    shutil.rmtree(_folder(), ignore_errors=True)


def _folder() -> Path:
    return state_root() / "object-store"


def offer_storage(kubectl: Kubectl, folder: Path, *, claim: str) -> None:
    """Make a claim on a folder of this host; where the cluster has volumes itself, nothing."""
    if _has_volumes(kubectl):
        return
    kubectl.apply(_volume(kubectl.namespace, claim, folder), _claim(claim))
    kubectl.wait_bound(claim)


def _has_volumes(kubectl: Kubectl) -> bool:
    classes = kubectl.read("storageclasses")["items"]
    notes = (one["metadata"].get("annotations", {}) for one in classes)
    return any(one.get(_DEFAULT) == "true" for one in notes)


def _volume(namespace: str, claim: str, folder: Path) -> dict[str, Any]:
    spec = {
        "accessModes": _MODES,
        "capacity": _SIZE,
        "claimRef": {"namespace": namespace, "name": claim},
        "hostPath": {"path": str(folder), "type": "Directory"},
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
    }
    metadata = {"name": claim, "labels": {LABEL: SESSION}}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def _claim(name: str) -> dict[str, Any]:
    spec = {
        "accessModes": _MODES,
        "resources": {"requests": _SIZE},
        "storageClassName": "",
        "volumeName": name,
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": spec,
    }
