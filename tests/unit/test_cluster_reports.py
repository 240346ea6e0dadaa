"""The story of a failure holds what is asked for, whatever cannot be answered, and no end of it."""

import json
import sys
from pathlib import Path

import pytest

from tests.cluster.kubectl import Kubectl
from tests.cluster.reports import MOST_CHARACTERS, bounded, story_of

PODS = {
    "items": [
        {
            "metadata": {"name": "steady-1"},
            "status": {"containerStatuses": [{"name": "main", "restartCount": 0}]},
        },
        {
            "metadata": {"name": "crashed-1"},
            "status": {"containerStatuses": [{"name": "main", "restartCount": 2}]},
        },
        {"metadata": {"name": "pending-1"}},
    ]
}
CATEGORIES = {"items": [{"metadata": {"name": "cats"}, "status": {"runId": "r1"}}]}
PROGRAM = """#!{python}
import json, sys
words = sys.argv[3:]
documents = {documents!r}
if words[-1] == "--output=json":
    print(json.dumps(documents[words[1]]))
elif words[0] == "logs":
    print("log of", *words[1:])
elif words[:2] == ["describe", "pods"]:
    print("x" * {long})
elif words[:2] == ["get", "events"]:
    sys.exit("the server does not answer")
"""


@pytest.fixture
def kubectl(tmp_path: Path) -> Kubectl:
    """A program that answers what is asked of kubectl, except for events."""
    program = tmp_path / "kubectl"
    documents = {"pods": PODS, "artcategories": CATEGORIES}
    program.write_text(
        PROGRAM.format(python=sys.executable, documents=documents, long=3 * MOST_CHARACTERS)
    )
    program.chmod(0o755)
    return Kubectl(str(program), tmp_path / "kubeconfig", "default")


def test_logs_are_those_of_now_and_of_before_a_restart(kubectl: Kubectl) -> None:
    told = story_of(kubectl, ["pictures"])
    assert "log of steady-1 --container=main --tail=60\n" in told
    assert "log of crashed-1 --container=main --tail=60 --previous" in told
    assert "steady-1 --container=main --tail=60 --previous" not in told


def test_conditions_of_categories_are_told(kubectl: Kubectl) -> None:
    status = json.dumps(CATEGORIES["items"][0]["status"])
    assert f"cats: {status}" in story_of(kubectl, ["pictures"])


def test_what_cannot_be_answered_is_told_in_its_place(kubectl: Kubectl) -> None:
    told = story_of(kubectl, ["pictures", "system"])
    assert told.count("the server does not answer") == 2
    assert "===== namespace system" in told


def test_a_long_answer_keeps_its_end(kubectl: Kubectl) -> None:
    told = story_of(kubectl, ["pictures"])
    assert len(told) < 2 * MOST_CHARACTERS
    assert "characters before this]" in told
    assert bounded("abcdef", most=2) == "[... 4 characters before this]\nef"
