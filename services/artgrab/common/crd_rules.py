"""What the API server checks beyond types and limits, in CEL, beside the model's own check.

A rule refuses no document that the model takes; what CEL cannot say is left to whoever reads the
resource (`artgrab run`, the operator).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from artgrab.common.resource_fields import IN_WORDS, LABEL_KEY, LONGEST_KEY, LONGEST_NAME, NAME
from artgrab.common.schedules import ALLOWED


@dataclass(frozen=True)
class Rule:
    """A CEL expression that must hold, and what is told where it does not."""

    rule: str
    message: str


def _values(number: str, *, names: str = "", more: str = "") -> str:
    """Return the pattern of one item of a field of cron: `*`, a value or a range, with a step."""
    value = f"(0*({number})|(?i:{names}))" if names else f"0*({number})"
    item = rf"(\*|{value}(-{value})?)(/0*[1-9][0-9]*)?"
    return f"^({item}|{more})$" if more else f"^{item}$"


_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"
CRON: Mapping[str, str] = {
    "minute": _values("[0-5]?[0-9]"),
    "hour": _values("1?[0-9]|2[0-3]"),
    "day-of-month": _values("[1-9]|[12][0-9]|3[01]", more="(?i:LW?)(/0*[1-9][0-9]*)?"),
    "month": _values("[1-9]|1[0-2]", names=_MONTHS),
    "day-of-week": _values(
        "[0-7]", names=_DAYS, more=f"0*[0-7](?i:L)|(0*[0-7]|(?i:{_DAYS}))#0*[1-5]"
    ),
}
"""Of each field in turn; they take all that check_schedule takes, and ranges upside down."""
_FIELDS = "self.split(' ').filter(field, field != '')"


def _cron_rules() -> Iterator[Rule]:
    for index, (field, pattern) in enumerate(CRON.items()):
        items = f"{_FIELDS}[{index}].split(',')"
        yield Rule(
            f"{_FIELDS}.size() != 5 || {items}.all(item, item.matches(r'{pattern}'))",
            f"its {field} is wrong; allowed: {ALLOWED[field]}",
        )


def _of_authority(rule: str) -> str:
    """Return a rule of an address over `//host:port` of it."""
    return f"[self.find('//[^/?#]*')].all(authority, {rule})"


HOST = r"^//(\[[0-9A-Fa-f:.]+\]|([^.:\[\]]{1,63}\.)*[^.:\[\]]{1,63}\.?)(:[^:]*)?$"
_PORT = r":[^:\[\]]+$"
_ADDRESS_RULES = (
    Rule(
        _of_authority("!authority.contains('@')"),
        "leave out user and password: records and logs show addresses",
    ),
    Rule(
        _of_authority(
            f"authority == '' || authority.matches('[@{{}}]') || authority.matches(r'{HOST}')"
        ),
        "the host must be a name of the DNS or an address",
    ),
    Rule(
        _of_authority(
            f"authority.contains('@') || [authority.find(r'{_PORT}')].all(port, port == '' || "
            "(port.matches('^:0*[1-9][0-9]{0,4}$') && int(port.substring(1)) < 65536))"
        ),
        "the port must be a number from 1 to 65535",
    ),
)
_PAGE_RULES = (
    *_ADDRESS_RULES,
    Rule(
        _of_authority("!authority.contains('{query}')"),
        "the host cannot hold {query}; put it into the path or behind a ?",
    ),
    Rule(
        "!self.replace('{query}', '').matches('[{}]')",
        "only {query} is known in an address; it stands for the query",
    ),
)
_API_RULES = (
    *_ADDRESS_RULES,
    Rule(
        "!self.matches('[{}]')",
        "{query} is not known in an address of an API, which is asked for each query by itself",
    ),
)
_LABEL_KEY_RULES = (
    Rule(
        f"self.all(key, size(key) <= {LONGEST_KEY} && key.matches(r'{LABEL_KEY}'))",
        f"keys must be {IN_WORDS[LABEL_KEY]}",
    ),
)

ROOT_RULES = (
    Rule(
        f"size(self.metadata.name) <= {LONGEST_NAME}",
        f"metadata.name must have at most {LONGEST_NAME} characters, so that names made of it fit",
    ),
    Rule(
        f"self.metadata.name.matches('{NAME}')",
        f"metadata.name must be {IN_WORDS[NAME]}",
    ),
)
"""Of every kind; of metadata, CEL sees the name only."""

MODEL_RULES: Mapping[str, tuple[Rule, ...]] = {
    "Source": (
        Rule(
            "[has(self.gallery), has(self.mediawiki)].exists_one(given, given)",
            "set exactly one of: gallery, mediawiki",
        ),
    ),
    "MatchExpression": (
        Rule(
            "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
            "values go with In and NotIn, and only with them",
        ),
    ),
    "Serving": (
        Rule(
            # Rules are asked of the default as well, which lacks both.
            "!has(self.minReplicas) || !has(self.maxReplicas) || "
            "self.maxReplicas >= self.minReplicas",
            "maxReplicas must be at least minReplicas",
        ),
    ),
    "LabelSelector": (
        Rule(
            "(has(self.matchLabels) && size(self.matchLabels) > 0) || "
            "(has(self.matchExpressions) && size(self.matchExpressions) > 0)",
            "an empty selector would take every category; name a label",
        ),
    ),
}
"""By the model's name."""

FIELD_RULES: Mapping[tuple[str, str], tuple[Rule, ...]] = {
    ("GallerySource", "url"): _PAGE_RULES,
    ("MediaWikiSource", "url"): _API_RULES,
    ("ArtCategorySpec", "schedule"): tuple(_cron_rules()),
    ("LabelSelector", "matchLabels"): _LABEL_KEY_RULES,
}
"""By model and field, as documents spell it."""

KEYS: Mapping[tuple[str, str], str] = {
    ("ArtClassifierSpec", "classes"): "label",
    ("ArtCategoryStatus", "conditions"): "type",
    ("ArtClassifierStatus", "conditions"): "type",
}
"""What tells the items of a list apart: no two may have the same, and each has its own owner."""
