"""Where everything lies in the store."""

import re

from artgrab.common.errors import BadInputError

SCHEMA_VERSION = 1
"""Version of every stored document; a higher one is refused when it is read."""


_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def is_label(text: str) -> bool:
    """Tell whether a text is a DNS label (RFC 1123), and so may be part of a key."""
    return _LABEL.fullmatch(text) is not None


def check_schema_version(version: int, *, where: str) -> None:
    """Refuse what a newer artgrab wrote: it may not mean what this one would read.

    Raises:
        BadInputError: it is newer.
    """
    if version > SCHEMA_VERSION:
        raise BadInputError(f"{where}: written by a newer artgrab; upgrade this one")


def category_prefix(namespace: str, category: str) -> str:
    return f"{namespace}/categories/{category}"


def image_key(namespace: str, category: str, source_sha256: str, encoding: str) -> str:
    """Key of a re-encoded picture; encoding is the short digest of the encoder's settings."""
    return f"{category_prefix(namespace, category)}/images/{source_sha256}-{encoding}.jpg"


def images_prefix(namespace: str, category: str) -> str:
    return f"{category_prefix(namespace, category)}/images"


def records_prefix(namespace: str, category: str) -> str:
    return f"{category_prefix(namespace, category)}/records"


def run_key(namespace: str, category: str, run_id: str) -> str:
    """Key of the summary of an ended run; while it is absent the run has not ended."""
    return f"{category_prefix(namespace, category)}/runs/{run_id}.json"


def runs_prefix(namespace: str, category: str) -> str:
    return f"{category_prefix(namespace, category)}/runs"


def dataset_prefix(namespace: str, input_key: str) -> str:
    return f"{namespace}/datasets/{input_key}"


def model_prefix(namespace: str, input_key: str) -> str:
    return f"{namespace}/models/{input_key}"


def classifier_key(namespace: str, classifier: str) -> str:
    """Key of the one mutable document of a classifier: its newest snapshot and model."""
    return f"{namespace}/classifiers/{classifier}.json"
