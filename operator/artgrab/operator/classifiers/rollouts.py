"""Which model is to be served, which one is, and when a rollout is given up."""

from dataclasses import dataclass
from functools import cached_property

from artgrab.common.statuses import FailedRollout, ModelStatus, ServingStatus
from artgrab.operator import names
from artgrab.operator.classifiers.observed import Classifier, ObservedClassifier, Rollout
from artgrab.operator.classifiers.plans import Serve
from artgrab.operator.classifiers.promotion import why_not
from artgrab.operator.classifiers.serving_manifests import serving_digest
from artgrab.operator.classifiers.views import View

PORT = 8500
_LONGEST_MESSAGE = 1000
_SHORT = 12


@dataclass(frozen=True)
class Rollouts:
    """What serves a classifier, as one model of it is the newest."""

    view: View
    model: ModelStatus | None
    """The newest model."""
    known: ServingStatus | None
    """The model that is known to be served."""

    @property
    def rollout(self) -> Rollout | None:
        """The Deployment, if it is of this very classifier."""
        there = self.view.observed.rollout
        return there if there and there.owner == self.view.classifier.uid else None

    @property
    def foreign(self) -> bool:
        """Whether another Deployment has the name, or ours is going."""
        there = self.view.observed.rollout
        return there is not None and (there.deleting or self.rollout is None)

    @cached_property
    def failed(self) -> FailedRollout | None:
        """The rollout that was given up; forgotten with another model or other manifests."""
        known, model = self.view.status.failed_rollout, self.model
        if model is None or model.content_sha256 == self._served:
            return None
        told = (model.content_sha256, self._template(model))
        if known is not None and (known.content_sha256, known.template) == told:
            return known
        return self._given_up(model)

    @property
    def _served(self) -> str | None:
        return self.known.content_sha256 if self.known else None

    def _given_up(self, model: ModelStatus) -> FailedRollout | None:
        """Return the failure of a rollout that has just failed; None where it has not."""
        there, template = self.rollout, self._template(model)
        if there is None or not there.current or not there.failed or there.done:
            return None
        if (there.content_sha256, there.digest) != (model.content_sha256, template):
            return None
        return FailedRollout(
            content_sha256=model.content_sha256,
            template=template,
            at=self.view.now,
            message=there.message[:_LONGEST_MESSAGE] or "its pods did not become available",
        )

    def _template(self, model: ModelStatus | ServingStatus) -> str:
        return serving_digest(self.view.resource, self._serve(model), self.view.settings)

    def _serve(self, model: ModelStatus | ServingStatus) -> Serve:
        """Return what is to be served; equal content under another key is no other model."""
        there = self.rollout
        same = there is not None and there.content_sha256 == model.content_sha256
        key = there.model_key if there is not None and same and there.model_key else model.key
        return Serve(key, model.content_sha256)

    @cached_property
    def why_not(self) -> str:
        """Why the newest model is not to be served; empty where it is, or where there is none."""
        return why_not(self.model, self.known, self.view.resource) if self.model else ""

    @cached_property
    def wanted(self) -> ModelStatus | ServingStatus | None:
        """The model that is to be served."""
        if self.model is None or self.why_not or self.failed:
            return self.known
        return self.model

    @property
    def rolling_out(self) -> bool:
        """Whether the newest model is on its way to be served."""
        return self.wanted is not None and self.wanted.content_sha256 != self._served

    @property
    def stuck(self) -> str:
        """Why pods of the served model do not come up by newer settings; empty where they do."""
        there = self.rollout
        if there is None or not (there.failed and there.current) or there.done:
            return ""
        why = there.message or "they did not become available in time"
        return why if there.content_sha256 == self._served else ""

    def serve(self) -> Serve | None:
        """Return what is to be applied; None where it is there already, or cannot be."""
        return None if self.foreign or self.view.observed.refusal else self._missing

    @property
    def held_up(self) -> bool:
        """Whether what is to be applied waits for a person: refused, or its name is taken."""
        there = self.view.observed.rollout
        taken = there is not None and not there.owner
        return self._missing is not None and (taken or bool(self.view.observed.refusal))

    @cached_property
    def _missing(self) -> Serve | None:
        """What is wanted, unless it is there already."""
        if self.wanted is None:
            return None
        there, wanted = self.rollout, self._serve(self.wanted)
        template = serving_digest(self.view.resource, wanted, self.view.settings)
        return None if there is not None and there.digest == template else wanted


def served_now(view: View) -> ServingStatus | None:
    """Return the model that is served: that of the status, or the newest one when it is out."""
    model = view.status.model
    there = Rollouts(view, model, view.status.serving).rollout
    if there is not None and model is not None and _has_arrived(view, there, model):
        return _serving(view, there, model)
    return still_served(view.classifier, view.observed)


def still_served(classifier: Classifier, observed: ObservedClassifier) -> ServingStatus | None:
    """Return the model of the status with the pods that answer now."""
    known, there = classifier.status.serving, observed.rollout
    ready = there.ready if there and there.owner == classifier.uid else 0
    return known and known.model_copy(update={"ready_replicas": ready})


def _has_arrived(view: View, there: Rollout, model: ModelStatus) -> bool:
    """Tell whether the newest model is out; where nothing is served, also one that was given up.

    Where nothing is served yet, also one that would not be promoted by now: its pods answer.
    """
    if not there.done or there.deleting or there.content_sha256 != model.content_sha256:
        return False
    rollouts = Rollouts(view, model, view.status.serving)
    return view.status.serving is None or not (rollouts.why_not or rollouts.failed)


def _serving(view: View, there: Rollout, model: ModelStatus) -> ServingStatus:
    known, (namespace, name) = view.status.serving, view.classifier.key
    same = known is not None and known.content_sha256 == model.content_sha256
    return ServingStatus(
        key=model.key,
        content_sha256=model.content_sha256,
        model=model.content_sha256[:_SHORT],
        accuracy_permille=model.accuracy_permille,
        since=known.since if known is not None and same else view.now,
        endpoint=f"{names.serving_name(name)}.{namespace}.svc:{PORT}",
        ready_replicas=there.ready,
    )
