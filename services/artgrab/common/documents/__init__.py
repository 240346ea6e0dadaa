"""The user's YAML files: read, checked, and told what is wrong with them in words."""

from artgrab.common.documents.reading import (
    Documents,
    load_documents,
    refuse,
    select,
    selected,
)

__all__ = [
    "Documents",
    "load_documents",
    "refuse",
    "select",
    "selected",
]
