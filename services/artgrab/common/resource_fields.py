"""What the fields of documents hold: names, text, addresses, labels, each with its limits."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from artgrab.common.resource_urls import check_api_url, check_page_url
from artgrab.common.schedules import check_schedule

NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
LONGEST_NAME = 40
LONGEST_KEY = 316
_NOT_BLANK = r"\S"
_URL = r"^https?://[^\s/]+\S*$"
_LABEL_VALUE = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
LABEL_KEY = (
    r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
)
_BACKBONE = r"^[a-z0-9_.]+$"
_CRON_FIELD = "[0-9A-Za-z*,/#-]+"
_SCHEDULE = rf"^{_CRON_FIELD}( +{_CRON_FIELD}){{4}}$"

IN_WORDS: Mapping[str, str] = {
    NAME: "lower-case letters, digits and hyphens, with a letter or digit at both ends",
    _NOT_BLANK: "text that is not blank",
    _URL: "an address that begins with http:// or https:// and holds no spaces",
    _LABEL_VALUE: "letters, digits, -, _ and ., with a letter or digit at both ends, or empty",
    LABEL_KEY: "letters, digits, -, _ and ., after a prefix such as artgrab.dev/ if you like",
    _BACKBONE: "lower-case letters, digits, _ and ., as timm names its models",
    _SCHEDULE: "five fields of cron (minute, hour, day, month, weekday) with spaces between",
}
"""What each pattern of the documents asks for, for people."""

Name = Annotated[str, Field(pattern=NAME, max_length=LONGEST_NAME)]
"""A DNS label of at most 40 characters, so that names of children fit into 63."""

Namespace = Annotated[str, Field(pattern=NAME, max_length=63)]
Text = Annotated[str, Field(pattern=_NOT_BLANK, max_length=256)]
PageUrl = Annotated[str, Field(pattern=_URL, max_length=2048), AfterValidator(check_page_url)]
ApiUrl = Annotated[str, Field(pattern=_URL, max_length=2048), AfterValidator(check_api_url)]
Selector = Annotated[str, Field(pattern=_NOT_BLANK, max_length=512)]
Schedule = Annotated[str, Field(pattern=_SCHEDULE, max_length=100), AfterValidator(check_schedule)]
Backbone = Annotated[str, Field(pattern=_BACKBONE, max_length=100)]
LabelValue = Annotated[str, Field(pattern=_LABEL_VALUE, max_length=63)]
LabelKey = Annotated[str, Field(pattern=LABEL_KEY, max_length=LONGEST_KEY)]


class Resource(BaseModel):
    """Base: camelCase in documents, unknown fields refused, immutable once read."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True
    )
