"""What a plan for a classifier may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass

from artgrab.common.statuses import ArtClassifierStatus
from artgrab.operator.classifiers.observed import LearningJob
from artgrab.operator.conditions import Event


@dataclass(frozen=True)
class NewDataset:
    """A dataset Job to be made; work, inputs, stored and failures become annotations of it."""

    work: str
    labels: Mapping[str, str]
    """Class of each category."""
    parent: str
    """Key of the dataset before; empty for the first one."""
    inputs: str
    stored: int
    failures: int


@dataclass(frozen=True)
class NewTraining:
    """A training Job to be made; work, inputs and failures become annotations of it."""

    work: str
    snapshot: str
    """Key of the dataset."""
    served: str
    """Key of the model that is served, to be compared with; empty where none is."""
    inputs: str
    nodes: int
    failures: int


@dataclass(frozen=True)
class Serve:
    """The model that Deployment, Service, HPA and PDB are to be applied for."""

    model_key: str
    content_sha256: str


@dataclass(frozen=True)
class ClassifierPlan:
    """What is to be written for a classifier; done in this order, and nothing after a failure."""

    serve: Serve | None = None
    dataset: NewDataset | None = None
    training: NewTraining | None = None
    status: ArtClassifierStatus | None = None
    """None where it says this already."""
    events: tuple[Event, ...] = ()
    delete: tuple[LearningJob, ...] = ()

    again_after: float | None = None
    """Seconds until time alone changes the plan; None where it never does."""

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.serve or self.dataset or self.training or self.status or self.delete)
