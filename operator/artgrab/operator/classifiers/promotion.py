"""Whether a model may be served instead of the one that is."""

from artgrab.common.resources import ArtClassifier
from artgrab.common.statuses import ModelStatus, ServingStatus


def is_compared(model: ModelStatus, serving: ServingStatus | None) -> bool:
    """Tell whether a model was judged beside the one that is served, or is that one."""
    if serving is None:
        return True
    return serving.content_sha256 in (model.content_sha256, model.served)


def why_not(model: ModelStatus, serving: ServingStatus | None, resource: ArtClassifier) -> str:
    """Return why a model is not to be served, and what to do; empty where it is.

    One that was compared with the model that is served without a figure for that (it has other
    classes) has only to be good enough by itself.
    """
    promotion = resource.spec.promotion
    if serving is not None and model.content_sha256 == serving.content_sha256:
        return ""
    accuracy, wanted = model.accuracy_permille, promotion.min_accuracy_percent * 10
    if accuracy < wanted:
        return (
            f"of a thousand pictures it tells {accuracy} right, and "
            f"spec.promotion.minAccuracyPercent wants {wanted}: lower that, or collect more"
        )
    if not is_compared(model, serving):
        return "it has not been compared with the model that is served"
    before, drop = model.served_accuracy_permille, promotion.max_regression_permille
    if serving is not None and before is not None and accuracy < before - drop:
        return (
            f"of a thousand pictures it tells {accuracy} right, the model that is served "
            f"{before}, and spec.promotion.maxRegressionPermille allows {drop} fewer: raise that, "
            "or collect more"
        )
    return ""
