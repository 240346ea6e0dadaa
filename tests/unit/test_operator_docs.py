"""docs/operator.md tells every setting, metric and reason there is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from artgrab.common.statuses import CategoryCondition, ClassifierCondition, RunReason
from artgrab.operator.classifiers.conditions import Reason as ClassifierReason
from artgrab.operator.conditions import Reason
from artgrab.operator.metrics import Metrics
from artgrab.operator.settings import OperatorSettings

DOCS = (Path(__file__).parents[2] / "docs" / "operator.md").read_text()
FIELDS = OperatorSettings.model_fields


def _row(name: str) -> str:
    field = FIELDS[name]
    if field.is_required():
        default = "must be set"
    else:
        value: Any = field.get_default(call_default_factory=True)
        default = (
            f"`{value if isinstance(value, str) else json.dumps(value)}`" if value != "" else ""
        )
    return f"| `{name.upper()}` | {default} | {str(field.description).replace('|', '/')} |"


def test_every_setting_is_told_with_its_default() -> None:
    missing = [row for row in map(_row, FIELDS) if row not in DOCS]
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize(
    "word",
    sorted({*Reason, *RunReason, *CategoryCondition, *ClassifierReason, *ClassifierCondition}),
)
def test_every_reason_and_condition_is_told(word: str) -> None:
    assert f"`{word}`" in DOCS


def test_every_metric_is_told() -> None:
    metrics = Metrics()
    metrics.watch(queue_depth=int, scrapes=int, categories=list, classifiers=list, learning=list)
    families = [one.name.removeprefix("artgrab_operator_") for one in metrics.registry.collect()]
    told = set(re.findall(r"^\| `([a-z_]+?)(?:_total)?[`{]", DOCS, re.MULTILINE))
    assert set(families) == told
