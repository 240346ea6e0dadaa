"""What a class selects categories by: labels, as Kubernetes compares them."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from artgrab.common.resource_fields import LabelKey, LabelValue, Resource


class Operator(StrEnum):
    """How a label is compared, as in Kubernetes."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class MatchExpression(Resource):
    """One requirement on one label."""

    key: LabelKey = Field(description="Key of the label.")
    operator: Operator = Field(
        description="`In`, `NotIn`: the label's value is (not) one of `values`; `Exists`, "
        "`DoesNotExist`: there is (no) such label."
    )
    values: list[LabelValue] = Field(
        default_factory=list, max_length=64, description="For `In` and `NotIn` only."
    )

    @model_validator(mode="after")
    def _values_fit_the_operator(self) -> Self:
        if (self.operator in (Operator.IN, Operator.NOT_IN)) != bool(self.values):
            raise ValueError("values go with In and NotIn, and only with them")
        return self

    def matches(self, labels: dict[str, str]) -> bool:
        """Tell whether labels satisfy this one requirement."""
        match self.operator:
            case Operator.IN:
                return labels.get(self.key) in self.values
            case Operator.NOT_IN:
                return labels.get(self.key) not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels


class LabelSelector(Resource):
    """Kubernetes' label selector: all requirements must hold; an empty one is refused."""

    match_labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, max_length=64, description="Labels that a category must have."
    )
    match_expressions: list[MatchExpression] = Field(
        default_factory=list, max_length=64, description="Requirements that equality cannot say."
    )

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.match_labels and not self.match_expressions:
            raise ValueError("an empty selector would take every category; name a label")
        return self

    def matches(self, labels: dict[str, str]) -> bool:
        """Tell whether an object with these labels is selected."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            expression.matches(labels) for expression in self.match_expressions
        )
