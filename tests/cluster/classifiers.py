"""An ArtClassifier on a cluster: what it says of itself, what runs for it, how it is reached."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from artgrab.common.errors import SurroundingsError
from artgrab.common.resources import API_VERSION
from tests.cluster.commands import wait_until
from tests.cluster.kubectl import Kubectl

SET = "artgrab.dev/set"
ART, EVERYDAY = "art", "everyday"
"""Values of that label."""
LABELS = {ART: "art", EVERYDAY: "not-art"}
"""What a classifier answers to pictures of such categories."""
DATASET, TRAINER, SERVING = "dataset", "trainer", "serving"
MODEL = {"imageSize": 96}
"""Trained in some seconds, and right about all pictures of its test split."""
SERVED_ANNOTATION = "artgrab.dev/model"
SECONDS = 240
"""Of patience with what takes half a minute on an idle machine."""

_PREDICT_PORT = 8500
_Body = Mapping[str, Any]


def classifier_spec(**spec: Any) -> dict[str, Any]:
    """Return a spec that learns both sets at once, with one pod; `spec` are further fields."""
    classes = [
        {"label": label, "categorySelector": {"matchLabels": {SET: value}}}
        for value, label in LABELS.items()
    ]
    return {
        "classes": classes,
        "model": MODEL,
        "retrain": {"quietMinutes": 0},
        "promotion": {"maxRegressionPermille": 100},  # of a test split of some dozens of pictures
        "serving": {"maxReplicas": 1},
        **spec,
    }


def classifier(name: str, **spec: Any) -> dict[str, Any]:
    """Return an ArtClassifier; `spec` are fields of its spec beside those of classifier_spec."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ArtClassifier",
        "metadata": {"name": name},
        "spec": classifier_spec(**spec),
    }


@dataclass(frozen=True)
class Classifier:
    """One that is on the cluster; `kubectl` is in its namespace."""

    kubectl: Kubectl
    name: str

    def body(self) -> _Body:
        found: _Body = self.kubectl.read("artclassifier", self.name)
        return found

    def status(self) -> _Body:
        found: _Body = self.body().get("status", {})
        return found

    def wait(self, condition: str) -> None:
        """Return when a condition holds of the spec as it is now, such as `Ready` or `Trained`."""
        self.kubectl.wait(f"artclassifier/{self.name}", f"condition={condition}")

    def wait_reason(self, kind: str, reason: str) -> None:
        """Return when a condition has this reason, said of the spec as it is now."""
        self.wait_until(lambda body: reason_of(body, kind) == reason, f"{kind} is {reason}")

    def wait_until(self, holds: Callable[[_Body], object], what: str) -> None:
        """Return when something holds of the object; a failure shows what it says of itself."""
        self.asked(lambda: holds(self.body()), what)

    def asked(self, holds: Callable[[], object], what: str, *, pause: float = 0.5) -> None:
        """Return when something holds that is asked again and again."""
        try:
            wait_until(holds, f"{self.name}: {what}", seconds=SECONDS, pause=pause)
        except SurroundingsError as error:
            told = self.kubectl.story(f"artclassifier/{self.name}")
            raise AssertionError(f"{error}\n{told}") from None

    def patch(self, **spec: Any) -> None:
        """Change fields of the spec; None takes one away."""
        patch = json.dumps({"spec": spec})
        self.kubectl("patch", "artclassifier", self.name, "--type=merge", f"--patch={patch}")

    @property
    def served(self) -> str:
        """Digest of the model that is served; empty where none is."""
        return str(self.status().get("serving", {}).get("contentSha256", ""))

    @property
    def newest(self) -> str:
        """Digest of the newest model; empty where there is none."""
        return str(self.status().get("model", {}).get("contentSha256", ""))

    def jobs(self, component: str) -> list[_Body]:
        """Return its Jobs of a kind, the newest last."""
        found: list[_Body] = self.kubectl.read("jobs", self._selector(component))["items"]
        return sorted(found, key=lambda job: str(job["metadata"]["creationTimestamp"]))

    def wait_new_job(self, component: str, before: set[str]) -> str:
        """Return the uid of a Job that was not there before and has not ended yet."""
        found: list[str] = []

        def there() -> bool:
            jobs = self.jobs(component)
            found[:] = [uid_of(one) for one in jobs if uid_of(one) not in before]
            return bool(found)

        self.asked(there, f"there is a new {component} Job", pause=0.2)
        return found[-1]

    def pods(self, component: str) -> list[_Body]:
        """Return its pods of a kind that are not about to end."""
        return [pod for pod in self._all_pods(component) if not _is_ending(pod)]

    def _ending_pods(self, component: str) -> list[_Body]:
        return list(filter(_is_ending, self._all_pods(component)))

    def _all_pods(self, component: str) -> list[_Body]:
        found: list[_Body] = self.kubectl.read("pods", self._selector(component))["items"]
        return found

    def _selector(self, component: str) -> str:
        labels = f"artgrab.dev/classifier={self.name},app.kubernetes.io/component={component}"
        return f"--selector={labels}"

    @property
    def serving(self) -> str:
        """Name of the Deployment and the Service by which it is served."""
        return f"{self.name}-serving"

    def deployment(self) -> _Body:
        found: _Body = self.kubectl.read("deployment", self.serving)
        return found

    def wait_deployment(self, holds: Callable[[_Body], object], what: str) -> None:
        """Return when something holds of what is wanted of the pods, and they all are so."""
        self.asked(lambda: holds(self.deployment()["spec"]["template"]), what)
        self.wait_rolled_out()

    def wait_rolled_out(self) -> None:
        """Return when all pods are of the Deployment as it is, and those before are gone."""
        waiting = ("rollout", "status", f"deployment/{self.serving}", f"--timeout={SECONDS}s")
        try:
            self.kubectl(*waiting, seconds=SECONDS + 20)
        except SurroundingsError as error:
            raise AssertionError(f"{error}\n{self.kubectl.story('pods')}") from None
        self.asked(lambda: not self._ending_pods(SERVING), "the pods before are gone")

    def endpoint(self) -> str:
        """Return HOST:PORT by which the model is reached from outside of the cluster."""
        ports = self.kubectl.read("service", self.serving)["spec"]["ports"]
        (node_port,) = (one["nodePort"] for one in ports if one["port"] == _PREDICT_PORT)
        return f"{_node_address(self.kubectl)}:{node_port}"


def _node_address(kubectl: Kubectl) -> str:
    addresses = kubectl.read("nodes")["items"][0]["status"]["addresses"]
    return str(next(one["address"] for one in addresses if one["type"] == "InternalIP"))


def condition_of(body: _Body, kind: str) -> Mapping[str, str]:
    """Return a condition that is said of the spec as it is now; empty where there is none yet."""
    generation = body["metadata"]["generation"]
    for one in body.get("status", {}).get("conditions", ()):
        if one["type"] == kind and one.get("observedGeneration", generation) >= generation:
            found: Mapping[str, str] = one
            return found
    return {}


def reason_of(body: _Body, kind: str) -> str:
    return condition_of(body, kind).get("reason", "")


def uid_of(body: _Body) -> str:
    return str(body["metadata"]["uid"])


def _is_ending(pod: _Body) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def has_ended(job: _Body) -> bool:
    """Tell whether a Job is complete or has failed."""
    conditions = job.get("status", {}).get("conditions", ())
    return any(
        one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions
    )


def model_of(template: _Body) -> str:
    """Return the digest of the model that pods of such a template serve."""
    return str(template["metadata"].get("annotations", {}).get(SERVED_ANNOTATION, ""))
