"""docs/operations.md and NOTES.txt name values, objects, reasons and files that there are."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from artgrab.common.statuses import RunReason
from artgrab.operator.classifiers.conditions import Reason as ClassifierReason
from artgrab.operator.conditions import Reason
from tests.chart.rendering import CHART, ROOT, documents, is_hook, render, render_values, scenario

pytestmark = pytest.mark.timeout(1800)  # helm is built the first time

DOCUMENTS = ("operations.md", "kubernetes.md")
MADE_BY_THE_OPERATOR = {("secret", "artgrab-token-key"), ("service", "art-or-not-serving")}
MADE_BY_THE_READER = {
    *("s3-credentials", "serving-tls", "serving-tokens", "downloader-tls", "scraper-tls"),
}


def _text(document: str) -> str:
    return (ROOT / "docs" / document).read_text()


@cache
def _values() -> Any:
    return yaml.safe_load((CHART / "values.yaml").read_text())


def _is_value(path: str) -> bool:
    found: Any = _values()
    for index, key in enumerate(path.split(".")):
        if not isinstance(found, dict) or key not in found:
            schema_only = path.startswith(("downloader.settings.", "serving.settings."))
            return schema_only and index == 2
        found = found[key]
    return True


def _named_values(text: str) -> Iterator[str]:
    """Yield what looks like a value: dotted words after the name of one of the first level."""
    for word in re.findall(r"`([A-Za-z.]+)(?:: ?[a-z]+|=[a-z]+)?`", text):
        if "." in word and word.split(".")[0] in _values():
            yield word
    yield from re.findall(r"--set '?([A-Za-z.]+)=", text)


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each indented command, its continuation lines joined."""
    lines = re.sub(r"\\\n\s+", "", text).splitlines()
    for line in lines:
        if re.match(r"    (kubectl|helm|make|scripts/|artgrab)", line):
            yield shlex.split(line, comments=True)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_value_that_is_named_is_one(document: str) -> None:
    named = set(_named_values(_text(document)))
    assert len(named) > 15
    assert sorted(one for one in named if not _is_value(one)) == []


def test_the_values_of_the_first_install_and_of_closed_predictions_are_taken() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", _text("operations.md"), re.DOTALL)
    first, over_tls, closed = map(yaml.safe_load, blocks[:3])
    assert render_values(first)
    assert over_tls.keys() == {"downloader", "scraper"}
    assert render_values(first | over_tls)
    assert closed["serving"].keys() == {"tls", "token"}
    assert render_values(first | closed)


def test_alert_rules_are_rules_with_a_summary_each() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", _text("operations.md"), re.DOTALL)
    (rule,) = [one for one in map(yaml.safe_load, blocks) if one.get("kind") == "PrometheusRule"]
    reasons = {*Reason, *RunReason, *ClassifierReason}
    rules = [one for group in rule["spec"]["groups"] for one in group["rules"]]
    assert len({one["alert"] for one in rules}) == len(rules) > 5
    for one in rules:
        assert one["annotations"]["summary"]
        for alternatives in re.findall(r'reason=~"([^"]*)"', one["expr"]):
            assert set(alternatives.split("|")) <= reasons
        assert one["expr"].count("(") == one["expr"].count(")")


def test_every_reason_that_is_named_is_one_of_an_object_or_of_kubernetes() -> None:
    kubernetes = {"ImagePullBackOff", "CrashLoopBackOff"}
    rows = re.findall(
        r"^\| (?:category|classifier|event|all pods|downloaders) (.*?) \|",
        _text("operations.md"),
        re.M,
    )
    named = {word for row in rows for word in re.findall(r"`([A-Z][A-Za-z]+)`", row)}
    assert len(named) > 10
    assert named - kubernetes <= {*Reason, *RunReason, *ClassifierReason}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_objects_that_commands_name_are_made_by_the_chart(document: str) -> None:
    made = {
        (one["kind"].lower(), one["metadata"]["name"])
        for one in documents(render(scenario("s3-secret")))
    } | MADE_BY_THE_OPERATOR
    named = set(
        re.findall(
            r"\b(deployment|service|secret|pod|configmap)[/ ](artgrab-[a-z-]+)", _text(document)
        )
    )
    assert named, document
    assert named - made == set()
    for name in re.findall(r"`(artgrab-(?:model|downloader|operator|store))`", _text(document)):
        assert name in {one for _, one in made}


def test_an_uninstall_removes_what_a_test_may_leave() -> None:
    """Hooks are no part of a release."""
    made = documents(render(scenario("s3-secret")))
    (command,) = [words for words in _commands(_text("operations.md")) if "artgrab-test" in words]
    kinds = set(command[command.index("delete") + 1].split(","))
    assert kinds == {one["kind"].lower() for one in made if is_hook(one)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_secrets_that_commands_make_are_those_that_values_name(document: str) -> None:
    text = _text(document)
    for name in re.findall(r"create secret (?:generic|tls) ([a-z0-9-]+)", text):
        assert name in MADE_BY_THE_READER
        assert re.search(rf"existingSecret[:=] ?{name}", text)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_are_whole(document: str) -> None:
    found = list(_commands(_text(document)))
    assert len(found) > 5
    for words in found:
        if words[0] == "helm" and words[1] in ("install", "upgrade", "template"):
            assert words[2:4] == ["artgrab", "helm/artgrab"]
        if words[0].startswith("scripts/"):
            assert (ROOT / words[0]).is_file()
        if words[0] == "make":
            targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
            assert words[1] in targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)", _text(document)):
        assert (ROOT / "docs" / target).exists(), target
    for path in re.findall(r"\b(?:k8s|helm)/[a-z0-9/.-]*[a-z]", _text(document)):
        assert (ROOT / path).exists(), path


def test_notes_name_templates_that_there_are() -> None:
    notes = (CHART / "templates/NOTES.txt").read_text()
    shown = re.findall(r"--show-only (\S+)", notes)
    assert shown
    assert [one for one in shown if not (CHART / one).is_file()] == []
    named = re.findall(r"(?:set|to) ([a-z][A-Za-z]*\.[A-Za-z.]+[A-Za-z])", notes)
    assert named
    assert [one for one in named if not _is_value(one)] == []
