"""Our definitions in a real API server: what it refuses, fills in, tells and shows.

tests/integration/bad_documents_in_a_cluster.yaml says which mistakes are a schema's business.
"""

import json
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from artgrab.common.crds import KINDS
from artgrab.common.errors import SurroundingsError
from artgrab.common.resources import API_VERSION, ArtCategory
from tests.cluster.kubectl import Kubectl
from tests.integration.test_cli_bad_documents import CASES, text_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "k8s/crds"
NAMES = [f"crd/{kind.plural}.artgrab.dev" for kind in KINDS]
TABLE = yaml.safe_load((ROOT / "tests/integration/bad_documents_in_a_cluster.yaml").read_text())
CALLS_AT_ONCE = 4
WIKI = {"mediawiki": {"url": "https://commons.wikimedia.org/w/api.php"}}
SELECTORS = {"item": "figure", "image": "img::attr(src)"}
ADDRESSES = (
    "http://[2001:db8::1]:8080/?q={query}",
    "https://wände.test./{query}/{query}?a=100%#x{query}",
    "http://10.0.0.1:65535",
    f"https://{'a' * 63}.test/@me:you",
)
SCHEDULES = ("*/15 0-6 1,15 jan-MAR,12 mon", "0  0 L * 5L", "00 0 * * SUN#1,7")
UNUSUAL: list[dict[str, Any]] = [
    *({"sources": [{"gallery": {"url": url, "selectors": SELECTORS}}]} for url in ADDRESSES),
    *({"schedule": schedule} for schedule in SCHEDULES),
]


pytestmark = pytest.mark.usefixtures("definitions")


class Kubernetes:
    """kubectl as people call it, on documents that are not kept."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._words = (kubectl.program, f"--kubeconfig={kubectl.kubeconfig}")

    def told(self, text: str) -> tuple[int, str]:
        """Return the exit code of an `apply` without effect, and what was said."""
        apply = ("apply", "--dry-run=server", "--validate=strict", "--filename=-")
        done = subprocess.run(
            [*self._words, *apply], input=text, text=True, capture_output=True, timeout=60
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def kubernetes(kubectl: Kubectl) -> Kubernetes:
    return Kubernetes(kubectl)


@pytest.fixture(scope="module")
def answers(kubernetes: Kubernetes) -> Mapping[str, tuple[int, str]]:
    """What is said of all bad documents, by the name of the case."""
    texts = {str(case["name"]): text_of(case) for case in CASES["wrong"]}
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        return dict(zip(texts, pool.map(kubernetes.told, texts.values()), strict=True))


def category(name: str = "graffiti", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": "ArtCategory",
        "metadata": {"name": name},
        "spec": {"sources": [WIKI], **spec},
    }


@pytest.mark.parametrize("name", TABLE["refused"])
def test_what_is_a_schemas_business_is_refused_with_field_and_rule(
    answers: Mapping[str, tuple[int, str]], name: str
) -> None:
    code, said = answers[name]
    assert code != 0
    assert [line for line in TABLE["refused"][name] if line not in said] == [], said


@pytest.mark.parametrize("group", TABLE["not_refused"], ids=lambda group: str(group["why"]))
def test_what_is_not_its_business_is_left_to_others(
    answers: Mapping[str, tuple[int, str]], group: dict[str, Any]
) -> None:
    assert [name for name in group["names"] if "is invalid:" in answers[name][1]] == []


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda p: p.name)
def test_every_example_is_taken(kubernetes: Kubernetes, path: Path) -> None:
    text = path.read_text()
    code, said = kubernetes.told(text)
    assert code == 0, said
    assert said.count("(server dry run)") == len(list(yaml.safe_load_all(text)))


def test_what_is_unusual_and_clear_is_taken_as_on_one_machine(kubernetes: Kubernetes) -> None:
    documents = [category(f"unusual-{number}", **one) for number, one in enumerate(UNUSUAL)]
    for document in documents:
        ArtCategory.model_validate(document)
    code, said = kubernetes.told(yaml.safe_dump_all(documents, allow_unicode=True))
    assert (code, said.count("created (server dry run)")) == (0, len(documents)), said


@pytest.mark.parametrize(
    ("path", "lessons"),
    [
        ("artcategory", ("A kind of picture to collect", "ArtClassifier selects it by")),
        (
            "artcategory.spec.sources.gallery.selectors",
            ("CSS in Scrapy's notation", "One element for each picture", "-required-"),
        ),
        ("artcategory.spec.schedule", ("a cron line in UTC", "`0 3 * * 0`")),
        ("artcategory.spec.deletionPolicy", ("ENUM: Retain Delete", "`Delete` removes them")),
        ("artcategory.status.conditions", ("what they can do about it",)),
        ("artclassifier.spec.classes.categorySelector", ("Kubernetes' label selector",)),
    ],
)
def test_kubectl_explain_teaches(kubectl: Kubectl, path: str, lessons: tuple[str, ...]) -> None:
    told = " ".join(kubectl.wait_for_answer("explain", path).split())
    assert [lesson for lesson in lessons if lesson not in told] == [], told


def test_the_server_writes_every_default(kubectl: Kubectl) -> None:
    dry = ("apply", "--dry-run=server", "--output=json", "--filename=-")
    spec = json.loads(kubectl(*dry, given=json.dumps(category())))["spec"]
    assert spec == {
        "sources": [WIKI],
        "targetImages": 1000,
        "filters": {"minSide": 96},
        "suspend": False,
        "deletionPolicy": "Retain",
    }
    written = ArtCategory.model_validate(category() | {"spec": spec})
    assert written == ArtCategory.model_validate(category())


def test_short_names_and_columns_show_how_far_a_category_is(kubectl: Kubectl) -> None:
    kubectl.apply(category("walls", suspend=True, targetImages=40))
    kubectl("patch", "artcat", "walls", "--subresource=status", "--type=merge", f"--patch={STATUS}")
    assert words(kubectl("get", "artcat")) == [
        ["NAME", "READY", "REASON", "STORED", "TARGET", "AGE"],
        ["walls", "True", "TargetReached", "41", "40", ...],
    ]
    wide = kubectl("get", "artcat", "--output=wide")
    assert "SUSPENDED" in wide
    assert "NEXT RUN" in wide
    assert "41 pictures are there." in wide
    assert "2026-11-29T03:00:00Z" in wide
    assert "walls" in kubectl("get", "artgrab", "--output=name")
    assert "walls" in kubectl("get", "artcat", "--field-selector=spec.suspend=true")
    assert "No resources" in kubectl("get", "artcls") or not kubectl("get", "artcls")
    kubectl("wait", "artcat/walls", "--for=condition=Ready", "--timeout=30s")


def words(table: str) -> list[list[Any]]:
    """Return the words of a table, without the age."""
    head, *rows = [line.split() for line in table.splitlines()]
    return [head, *([*row[:-1], ...] for row in rows)]


CONDITION = {
    "type": "Ready",
    "status": "True",
    "reason": "TargetReached",
    "message": "41 pictures are there.",
    "lastTransitionTime": "2026-11-22T03:00:00Z",
    "observedGeneration": 1,
}
STATUS = json.dumps(
    {
        "status": {
            "conditions": [CONDITION],
            "counts": {"candidates": 50, "stored": 41, "rejected": 8, "failed": 1},
            "nextRunAt": "2026-11-29T03:00:00Z",
        }
    }
)


@pytest.mark.parametrize(
    ("status", "rule"),
    [
        ({"conditions": [CONDITION | {"reason": ""}]}, "status.conditions[0].reason"),
        ({"conditions": [CONDITION, CONDITION]}, "status.conditions[1]: Duplicate value"),
        ({"runReason": "Bored"}, "status.runReason: Unsupported value"),
        ({"endedAt": "yesterday"}, "status.endedAt: Invalid value"),
    ],
)
def test_a_status_that_says_nothing_is_refused(
    kubectl: Kubectl, status: dict[str, Any], rule: str
) -> None:
    kubectl.apply(category("mute"))
    patch = f"--patch={json.dumps({'status': status})}"
    with pytest.raises(SurroundingsError) as refused:
        kubectl("patch", "artcat", "mute", "--subresource=status", "--type=merge", patch)
    assert rule in str(refused.value)


def test_a_change_of_the_spec_is_a_new_generation_and_one_of_the_status_is_not(
    kubectl: Kubectl,
) -> None:
    kubectl.apply(category("turns"))
    kubectl("patch", "artcat", "turns", "--subresource=status", "--type=merge", f"--patch={STATUS}")
    assert kubectl.read("artcat", "turns")["metadata"]["generation"] == 1
    kubectl.apply(category("turns", suspend=True))
    turned = kubectl.read("artcat", "turns")
    assert turned["metadata"]["generation"] == 2
    assert turned["status"]["counts"]["stored"] == 41
