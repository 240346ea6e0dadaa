"""A played namespace with one classifier: categories, Jobs, a Deployment, and who plans for it."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from artgrab.common.resources import ArtClassifier
from artgrab.common.statuses import (
    ArtCategoryStatus,
    ArtClassifierStatus,
    Condition,
    ConditionStatus,
    RunCounts,
)
from artgrab.operator import names
from artgrab.operator.classifiers.observed import (
    Classifier,
    DatasetMade,
    LearningComponent,
    LearningJob,
    LearningWord,
    ModelMade,
    ObservedClassifier,
    Rollout,
)
from artgrab.operator.classifiers.plan import plan_classifier
from artgrab.operator.classifiers.plans import ClassifierPlan, NewDataset, NewTraining, Serve
from artgrab.operator.classifiers.serving_manifests import serving_digest
from artgrab.operator.classifiers.templates import learning_template_digest
from artgrab.operator.conditions import Event
from artgrab.operator.observed import Category, JobEnd, Key, Seen, Trouble
from tests.support.operator_world import START, settings_of

KEY = Key("art", "art-or-not")
CLASSES = [
    {"label": "art", "categorySelector": {"matchLabels": {"set": "art"}}},
    {"label": "not-art", "categorySelector": {"matchLabels": {"set": "everyday"}}},
]
FOREIGN = "foreign"
"""uid of another object, and name of a Job of it that looks like one of ours."""


def condition_of(kind: str, reason: str, *, holds: bool) -> Condition:
    status = ConditionStatus(str(holds))
    return Condition(
        type=kind, status=status, last_transition_time=START, reason=reason, message=""
    )


def digest(text: str) -> str:
    """Return a digest that people can tell apart in a failed test."""
    return f"{text.encode().hex():0<64}"[:64]


@dataclass
class LearningWorld:
    """What the API server holds, and what its controllers and pods do."""

    spec: dict[str, Any] = field(default_factory=dict)
    now: datetime = START
    generation: int = 1
    uid: str = "classifier-1"
    status: ArtClassifierStatus = field(default_factory=ArtClassifierStatus)
    categories: dict[str, Category] = field(default_factory=dict)
    jobs: dict[str, LearningJob] = field(default_factory=dict)
    words: dict[str, LearningWord] = field(default_factory=dict)
    deployment: Rollout | None = None
    made: dict[str, NewDataset | NewTraining] = field(default_factory=dict)
    """What each Job is for, by its uid."""
    events: list[Event] = field(default_factory=list)
    served: list[str] = field(default_factory=list)
    """Digests of the models that were applied, one after the other."""
    refusal: str = ""
    start_trouble: str = ""
    allowed: bool = True
    deleting: bool = False
    writes: int = 0
    settings: Any = field(default_factory=settings_of)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # What people and scrapers do.

    def change(self, **spec: Any) -> None:
        """Change the spec."""
        self.spec = {**self.spec, **spec}
        self.generation += 1

    def category(
        self,
        name: str,
        *,
        stored: int = 10,
        labels: Mapping[str, str] | None = None,
        ready: bool = True,
        reason: str = "TargetReached",
        failures: int | None = None,
        scraped: str | None = None,
        ended: datetime | None = None,
        generation: int = 1,
    ) -> None:
        """Apply a category, or change what is told of it."""
        conditions = [
            condition_of("Ready", reason, holds=ready),
            condition_of("Scraped", scraped or reason, holds=ready and not scraped),
        ]
        counts = RunCounts(candidates=stored, stored=stored, rejected=0, failed=0)
        self.categories[name] = Category(
            key=Key(KEY.namespace, name),
            seen=Seen(f"uid-{name}", next(self._numbers)),
            generation=generation,
            created=START,
            deleting=False,
            finalizers=(),
            deletes=False,
            status=ArtCategoryStatus(
                observed_generation=1,
                conditions=conditions,
                counts=counts,
                failures=failures,
                ended_at=ended or self.now,
            ),
            resource=None,
            labels=labels if labels is not None else {"set": _set_of(name)},
        )

    # What controllers and pods do.

    def end(self, job: LearningJob, end: JobEnd, reason: str = "", word: Any = None) -> None:
        """End a Job; its pod says the word, or nothing."""
        self.jobs[job.name] = replace(job, end=end, end_reason=reason, ended_at=self.now)
        if word is not None:
            self.words[job.uid] = word

    def succeed(self, job: LearningJob, **word: Any) -> None:
        new = self.made[job.uid]
        made = self._dataset(new) if isinstance(new, NewDataset) else self._model(new)
        self.end(job, JobEnd.COMPLETE, word=replace(made, **word))

    def _dataset(self, new: NewDataset) -> DatasetMade:
        key = digest(f"d{new.work}")
        return DatasetMade(key, f"s3://bucket/{key}", digest(f"c{new.work}"), new.stored)

    def _model(self, new: NewTraining) -> ModelMade:
        key = digest(f"m{new.work}")
        served = self.status.serving.content_sha256 if new.served and self.status.serving else ""
        return ModelMade(
            key=key,
            uri=f"s3://bucket/{key}",
            content_sha256=digest(f"k{new.work}"),
            dataset=new.snapshot,
            accuracy_permille=900,
            left_out_accuracy_permille=None,
            baseline_accuracy_permille=700,
            served_accuracy_permille=900 if served else None,
            served=served,
            test_images=100,
        )

    def fail(self, job: LearningJob, text: str = "the store does not answer") -> None:
        self.end(job, JobEnd.FAILED, "BackoffLimitExceeded", Trouble(text))

    def refuse(self, job: LearningJob, text: str = "spec.model: it is too large") -> None:
        self.end(job, JobEnd.FAILED, "PodFailurePolicy", Trouble(text))

    def running(self, component: LearningComponent | None = None) -> list[LearningJob]:
        return [
            job
            for job in self.jobs.values()
            if job.owner == self.uid
            and not job.finished
            and not job.deleting
            and component in (None, job.component)
        ]

    def sweep(self) -> None:
        """Let what is being deleted vanish."""
        self.jobs = {name: job for name, job in self.jobs.items() if not job.deleting}

    def roll(self, *, ready: int = 1, available: bool = True, failed: bool = False) -> None:
        """Let the Deployment's controller see its newest spec, and bring it so far."""
        assert self.deployment is not None
        self.deployment = replace(
            self.deployment,
            current=True,
            replicas=1,
            updated=1,
            available=int(available),
            ready=ready,
            failed=failed,
            message="exceeded its progress deadline" if failed else "",
        )

    def advance(self, **passed: float) -> None:
        self.now += timedelta(**passed)

    # What the operator does.

    @property
    def classifier(self) -> Classifier:
        document = {
            "apiVersion": "artgrab.dev/v1alpha1",
            "kind": "ArtClassifier",
            "metadata": {"name": KEY.name, "namespace": KEY.namespace},
            "spec": {"classes": CLASSES, **self.spec},
        }
        try:
            resource, problem = ArtClassifier.model_validate(document), ""
        except ValidationError:
            resource, problem = None, "spec: it is wrong"
        seen = Seen(self.uid, next(self._numbers))
        return Classifier(
            KEY, seen, self.generation, START, self.deleting, self.status, resource, problem
        )

    def plan(self) -> ClassifierPlan:
        observed = ObservedClassifier(
            categories=tuple(self.categories.values()),
            jobs=tuple(self.jobs.values()),
            words=self.words,
            start_trouble=self.start_trouble,
            rollout=self.deployment,
            refusal=self.refusal,
            allowed=self.allowed,
        )
        return plan_classifier(self.classifier, observed, self.now, self.settings)

    def look(self, *, writes: int | None = None) -> ClassifierPlan:
        """Plan, and do it: all of it, or as much as an operator does that dies meanwhile."""
        planned = self.plan()
        for write in list(self._writes(planned))[:writes]:
            write()
            self.writes += 1
        return planned

    def _writes(self, planned: ClassifierPlan) -> Iterator[Any]:
        if planned.serve:
            yield lambda: self._apply(planned.serve)
        if planned.dataset:
            yield lambda: self._create(LearningComponent.DATASET, planned.dataset)
        if planned.training:
            yield lambda: self._create(LearningComponent.TRAINER, planned.training)
        if planned.status:
            yield lambda: self._tell(planned)
        for job in planned.delete:
            yield lambda job=job: self._delete(job)

    def _apply(self, serve: Serve | None) -> None:
        resource, before = self.classifier.resource, self.deployment
        assert resource is not None
        assert serve is not None
        wanted = serving_digest(resource, serve, self.settings)
        assert before is None or before.digest != wanted, "the same is applied twice"
        self.served.append(serve.content_sha256)
        self.deployment = Rollout(
            seen=Seen("deployment", next(self._numbers)),
            owner=self.uid,
            model_key=serve.model_key,
            content_sha256=serve.content_sha256,
            digest=wanted,
            current=False,
            replicas=before.replicas if before else 0,
            updated=before.updated if before else 0,
            available=before.available if before else 0,
            ready=before.ready if before else 0,
            failed=before.failed if before else False,
        )

    def _create(self, component: LearningComponent, new: NewDataset | NewTraining | None) -> None:
        assert new is not None
        name_of = {
            LearningComponent.DATASET: names.dataset_name,
            LearningComponent.TRAINER: names.training_name,
        }[component]
        name = name_of(KEY.name, uid=self.uid, work=new.work)
        assert name not in self.jobs, f"{name} is made while it is there"
        uid = f"job-{next(self._numbers)}"
        self.made[uid] = new
        self.jobs[name] = LearningJob(
            namespace=KEY.namespace,
            name=name,
            seen=Seen(uid, next(self._numbers)),
            owner=self.uid,
            classifier=KEY,
            component=component,
            created=self.now,
            work=new.work,
            inputs=new.inputs,
            stored=new.stored if isinstance(new, NewDataset) else 0,
            template=learning_template_digest(self.settings),
            failures=new.failures,
            nodes=new.nodes if isinstance(new, NewTraining) else 1,
        )

    def _tell(self, planned: ClassifierPlan) -> None:
        assert planned.status is not None
        told = planned.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        before = self.status.model_dump(mode="json", by_alias=True, exclude_none=True)
        assert told != before, "the same status is written twice"
        self.status = ArtClassifierStatus.model_validate(told)
        self.events += planned.events

    def _delete(self, job: LearningJob) -> None:
        assert job.owner == self.uid, "a Job of somebody else is deleted"
        if job.name in self.jobs:
            self.jobs[job.name] = replace(self.jobs[job.name], deleting=True)

    def settle(self) -> ClassifierPlan:
        """Look again and again, with nothing else happening, until nothing is written."""
        for _ in range(10):
            if not self.look().writes:
                return self.plan()
            self.sweep()
        raise AssertionError(f"it does not come to rest: {self.plan()}")

    # What is seen of it.

    def condition(self, kind: str) -> Condition:
        return next(one for one in self.status.conditions if one.type == kind)

    def says(self, kind: str = "Ready") -> tuple[str, str]:
        one = self.condition(kind)
        return str(one.status), one.reason

    def message(self, kind: str = "Ready") -> str:
        return self.condition(kind).message

    def job(self) -> LearningJob:
        """Return the one Job that runs."""
        (job,) = self.running()
        return job

    def told(self) -> list[str]:
        return [one.reason for one in self.events]


def _set_of(name: str) -> str:
    return "everyday" if name.startswith("everyday") else "art"


def foreign_job(component: LearningComponent) -> LearningJob:
    """Return a Job that has the labels of ours and belongs to another object."""
    return LearningJob(
        namespace=KEY.namespace,
        name=f"{FOREIGN}-{component}",
        seen=Seen(FOREIGN, 1),
        owner=FOREIGN,
        classifier=KEY,
        component=component,
        created=START,
        work="other",
        end=JobEnd.COMPLETE,
        ended_at=START,
    )
