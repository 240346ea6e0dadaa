"""What of the operator's own settings goes into dataset and training Jobs, as a digest."""

from artgrab.common.digests import short_digest
from artgrab.operator.settings import OperatorSettings

_PREFIXES = ("trainer_", "training_", "dataset_", "model_")
_FIELDS = {"store"}


def learning_template_digest(settings: OperatorSettings) -> str:
    """Return a digest that changes when a refused Job may fare better than before."""
    told = type(settings).model_fields
    fields = {name for name in told if name in _FIELDS or name.startswith(_PREFIXES)}
    return short_digest(settings.model_dump(mode="json", include=fields), length=10)
