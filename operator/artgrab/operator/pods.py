"""What the pods of all our Jobs have in common: what they may not do, and how they end."""

from collections.abc import Sequence
from typing import Any

from artgrab.operator.settings import Manifest, OperatorSettings

TERMINATION_FILE = "/dev/termination-log"
_USER = 10001
_BAD_INPUT = 2
"""Exit code of what no further try can mend."""


def container(
    name: str,
    *,
    image: str,
    command: Sequence[str],
    args: Sequence[str],
    settings: OperatorSettings,
    **rest: Any,
) -> Manifest:
    """Return a container that the restricted profile admits, with a root file system to read."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": settings.image_pull_policy,
        **({"command": list(command)} if command else {}),
        "args": list(args),
        **rest,
        "terminationMessagePath": TERMINATION_FILE,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }


def pod_spec(
    main: Manifest, volumes: Sequence[Manifest], settings: OperatorSettings, **rest: Any
) -> Manifest:
    """Return the spec of a pod, without any access to the API server; it runs once."""
    secrets = [{"name": name} for name in settings.image_pull_secrets]
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        **rest,
        **({"imagePullSecrets": secrets} if secrets else {}),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [main],
        "volumes": list(volumes),
    }


def job_spec(
    pod: Manifest,
    labels: Manifest,
    *,
    backoff_limit: int,
    deadline_seconds: int,
    annotations: Manifest | None = None,
    nodes: int = 1,
    **rest: Any,
) -> Manifest:
    """Return the spec of a Job that fails at once on bad input; a moved pod is no failure.

    Annotations are of its pods, of which there is one on each of the nodes.
    """
    notes = {"annotations": dict(annotations)} if annotations else {}
    return {
        **rest,
        "completions": nodes,
        "parallelism": nodes,
        **({"completionMode": "Indexed"} if nodes > 1 else {}),
        "backoffLimit": backoff_limit,
        "activeDeadlineSeconds": deadline_seconds,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": _failure_policy(pod["containers"][0]["name"]),
        "template": {"metadata": {"labels": dict(labels), **notes}, "spec": pod},
    }


def _failure_policy(container: str) -> Manifest:
    bad_input = {"containerName": container, "operator": "In", "values": [_BAD_INPUT]}
    moved = {"type": "DisruptionTarget", "status": "True"}
    return {
        "rules": [
            {"action": "FailJob", "onExitCodes": bad_input},
            {"action": "Ignore", "onPodConditions": [moved]},
        ]
    }
