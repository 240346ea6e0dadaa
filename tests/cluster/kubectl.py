"""kubectl in one namespace, whose failures tell what the cluster says of it."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artgrab.common.errors import SurroundingsError
from tests.cluster.commands import run, wait_until
from tests.cluster.providers import Provider

SECONDS = 180
"""Of patience: on an idle machine nothing here takes ten."""


@dataclass(frozen=True)
class Kubectl:
    """Call it with kubectl's own words; it returns what kubectl writes."""

    program: str
    kubeconfig: Path
    namespace: str

    def __call__(self, *words: str, given: str | None = None, seconds: float = SECONDS) -> str:
        """Raises SurroundingsError with kubectl's own words where it fails."""
        where = (f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}")
        return run(self.program, *where, *words, given=given, seconds=seconds)

    def read(self, *words: str) -> Any:
        """Return `kubectl get WORDS` as a document."""
        return json.loads(self("get", *words, "--output=json"))

    def restarts(self) -> dict[str, int]:
        """Return how often the containers of each pod were started again, by the pods' uids."""
        return {
            one["metadata"]["uid"]: sum(
                container["restartCount"]
                for container in one["status"].get("containerStatuses", ())
            )
            for one in self.read("pods")["items"]
        }

    def apply(self, *documents: Mapping[str, Any]) -> None:
        """Apply documents, refusing fields that the API does not know."""
        many = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self("apply", "--validate=strict", "--filename=-", given=json.dumps(many))

    def wait(self, what: str, condition: str) -> None:
        """Return when a thing has a condition; a failure shows events, and what the thing says."""
        waiting = ("wait", what, f"--for={condition}", f"--timeout={SECONDS}s")
        try:
            self(*waiting, seconds=SECONDS + 20)
        except SurroundingsError as error:
            raise AssertionError(f"{error}\n{self.story(what)}") from None

    def wait_bound(self, claim: str) -> None:
        """Return when a claim has its volume: the scheduler may miss that a pod waits for it."""
        self.wait(f"persistentvolumeclaim/{claim}", "jsonpath={.status.phase}=Bound")

    def story(self, what: str) -> str:
        """Return what a person wants to read of a thing that is not as it should be."""
        told = (("describe", what), ("get", "pods", "--output=wide"), ("get", "events"))
        return "\n".join(self._whatever(*words) for words in told)

    def _whatever(self, *words: str) -> str:
        try:
            return self(*words)
        except SurroundingsError as error:
            return str(error)

    def wait_for_answer(self, *words: str) -> str:
        """Return what a command writes as soon as it succeeds and writes something."""
        said: list[str] = []

        def answered() -> bool:
            try:
                said.append(self(*words))
            except SurroundingsError:
                return False
            return bool(said[-1].strip())

        try:
            wait_until(answered, f"an answer to {words}", seconds=SECONDS, pause=0.5)
        except SurroundingsError as error:
            last = self._whatever(*words)
            raise AssertionError(f"{error}: {last}\n{self._whatever('get', 'events')}") from None
        return said[-1]


@contextmanager
def in_new_namespace(provider: Provider, prefix: str) -> Iterator[Kubectl]:
    """Yield a `kubectl` in a namespace that goes with the context."""
    namespace = f"{prefix}-{uuid.uuid4().hex[:8]}"
    client = Kubectl(provider.tool("kubectl"), provider.kubeconfig(), namespace)
    client("create", "namespace", namespace)
    yield client
    client("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")
