"""The operator's pod, as tests end it and let it come back."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.installed import OPERATOR, Installation

_SELECTOR = "--selector=app.kubernetes.io/component=operator"


def end_operator(installed: Installation) -> None:
    """Kill its pod; the Deployment makes another one."""
    installed.system("delete", "pod", _SELECTOR, "--now")


@contextmanager
def without_operator(installed: Installation) -> Iterator[None]:
    """Have none while the context lasts: for who has the turn `operator`."""
    with installed.shared.beside("release"):
        installed.system("scale", f"deployment/{OPERATOR}", "--replicas=0")
        try:
            installed.system("wait", "pod", _SELECTOR, "--for=delete", "--timeout=120s")
            yield
        finally:
            installed.system("scale", f"deployment/{OPERATOR}", "--replicas=1")
            installed.system("rollout", "status", f"deployment/{OPERATOR}")
