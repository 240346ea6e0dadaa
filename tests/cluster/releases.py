"""A release of the chart: helm in one namespace."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.builds import HERE
from tests.cluster.commands import run

CHART = HERE.parents[1] / "helm/artgrab"
SECONDS = 180
"""Of patience with Deployments that become available."""
TEST_SECONDS = 330
"""Of patience with `helm test`, which collects, trains and serves."""


@dataclass(frozen=True)
class Release:
    """What `helm install` makes, changes and removes."""

    helm: str
    kubeconfig: Path
    name: str
    namespace: str

    def install(self, values: Mapping[str, Any]) -> None:
        """Install the chart; definitions that other tests have left become this release's."""
        self._run("install", *self._chart(), "--take-ownership", given=json.dumps(values))

    def upgrade(self, values: Mapping[str, Any]) -> None:
        """Upgrade to these values, as a whole."""
        self._run("upgrade", *self._chart(), given=json.dumps(values))

    def test(self) -> str:
        """Run `helm test` and return what it writes."""
        words = ("test", self.name, f"--timeout={TEST_SECONDS}s", "--logs")
        return self._run(*words, seconds=TEST_SECONDS + 30)

    def uninstall(self) -> None:
        """Return when what is not kept is gone."""
        self._run("uninstall", self.name, "--wait", f"--timeout={SECONDS}s")

    def _chart(self) -> tuple[str, ...]:
        return (self.name, str(CHART), "--values=-", "--wait", f"--timeout={SECONDS}s")

    def _run(self, *words: str, given: str | None = None, seconds: float = SECONDS + 30) -> str:
        where = (f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}")
        return run(self.helm, *where, *words, given=given, seconds=seconds)


def changed(values: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Return values with some of another mapping in their place, as helm puts them together."""
    merged = dict(values)
    for name, new in changes.items():
        old = merged.get(name)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            new = changed(old, **new)
        merged[name] = new
    return merged
