"""The documents a user writes: ArtCategory and ArtClassifier (artgrab.dev/v1alpha1).

One source of truth for `artgrab run`, the cluster's schema and the docs.
"""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from artgrab.common.errors import BadInputError
from artgrab.common.urls import normalise_url

API_VERSION = "artgrab.dev/v1alpha1"

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=40)]
"""A DNS label of at most 40 characters, so that names of children fit into 63."""

Text = Annotated[str, Field(min_length=1, max_length=256)]


def _check_url(url: str) -> str:
    try:
        normalise_url(url.replace("{query}", "%20"))  # a host takes no escape, and so no query
    except BadInputError as error:
        raise ValueError(str(error)) from error
    return url


HttpUrl = Annotated[
    str, Field(pattern=r"^https?://[^\s/]+\S*$", max_length=2048), AfterValidator(_check_url)
]
Selector = Annotated[str, Field(min_length=1, max_length=512)]
LabelValue = Annotated[
    str, Field(pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", max_length=63)
]
LabelKey = Annotated[str, Field(min_length=1, max_length=316)]


class Resource(BaseModel):
    """Base: camelCase in documents, unknown fields refused, immutable once read."""

    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True
    )


class Metadata(Resource):
    """The part of Kubernetes' ObjectMeta that a file holds."""

    name: Name
    namespace: Name = "default"
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict, max_length=64)
    annotations: dict[LabelKey, str] = Field(default_factory=dict, max_length=64)


class GallerySelectors(Resource):
    """Where a gallery page keeps what; CSS in Scrapy's notation (`a::attr(href)`, `p::text`)."""

    item: Selector = Field(description="One element for each picture; the others look inside it.")
    image: Selector = Field(description="URL of the full-size picture.")
    page: Selector | None = Field(None, description="URL of the page about the picture.")
    title: Selector | None = None
    creator: Selector | None = None
    licence: Selector | None = Field(None, description="URL or name of the licence.")
    more: Selector | None = Field(
        None, description="What to press or follow for more pictures, anywhere on the page."
    )


class GallerySource(Resource):
    """A web page of pictures, opened in a browser and scrolled to its end."""

    url: HttpUrl = Field(description="Page to open; {query} is replaced by the encoded query.")
    selectors: GallerySelectors


class MediaWikiSource(Resource):
    """Full-text search for files through the API of a MediaWiki, such as Wikimedia Commons."""

    url: HttpUrl = Field(description="Address of api.php.")


class Source(Resource):
    """Where pictures come from: exactly one member."""

    gallery: GallerySource | None = None
    mediawiki: MediaWikiSource | None = None

    @property
    def kind(self) -> str:
        """Name of the one member that is set."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError("set exactly one of: " + ", ".join(type(self).model_fields))
        return self


class Filters(Resource):
    """What a picture must be to be kept."""

    min_side: int = Field(96, ge=1, le=4096, description="Pixels of the shorter side.")


class ArtCategorySpec(Resource):
    queries: list[Text] = Field(
        default_factory=list,
        max_length=64,
        description="What to search for; the name with spaces for hyphens where empty.",
    )
    sources: list[Source] = Field(min_length=1, max_length=16)
    target_images: int = Field(1000, ge=1, le=1_000_000, description="Stop at so many pictures.")
    filters: Filters = Filters()


class ArtCategory(Resource):
    """A kind of picture to collect."""

    api_version: Literal["artgrab.dev/v1alpha1"]
    kind: Literal["ArtCategory"]
    metadata: Metadata
    spec: ArtCategorySpec

    @property
    def queries(self) -> list[str]:
        """The queries of the spec, or the name where there are none."""
        return self.spec.queries or [self.metadata.name.replace("-", " ")]


class Operator(StrEnum):
    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class MatchExpression(Resource):
    key: LabelKey
    operator: Operator
    values: list[LabelValue] = Field(default_factory=list, max_length=64)

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

    match_labels: dict[LabelKey, LabelValue] = Field(default_factory=dict, max_length=64)
    match_expressions: list[MatchExpression] = Field(default_factory=list, max_length=64)

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


class ArtClass(Resource):
    """One answer of the classifier and the categories it is learned from."""

    label: Name
    category_selector: LabelSelector


class NearDuplicates(StrEnum):
    DROP = "Drop"
    KEEP = "Keep"


class Curation(Resource):
    """How pictures become a dataset."""

    near_duplicates: NearDuplicates = NearDuplicates.DROP
    near_duplicate_distance: int = Field(
        8,
        ge=0,
        le=16,
        description="Bits of 64 in which the perceptual hashes of near-duplicates may differ; "
        "up to 8 nearly all are copies or variants, from 12 on unrelated pictures prevail.",
    )
    validation_percent: int = Field(10, ge=5, le=40)
    test_percent: int = Field(20, ge=5, le=40)


class ModelSpec(Resource):
    """What is trained."""

    backbone: Annotated[str, Field(pattern=r"^[a-z0-9_.]+$", max_length=100)] = Field(
        "tf_efficientnet_lite0", description="Name of a timm model."
    )
    image_size: int | None = Field(
        None, ge=32, le=1024, description="Pixels of the side; the backbone's own where absent."
    )
    weights: Literal["auto", "none"] = Field(
        "auto",
        description="auto: weights of a Python package where one has them; none: random ones.",
    )


class Training(Resource):
    """How it is trained."""

    seed: int = Field(0, ge=0, le=2**31 - 1, description="Of random weights.")


class ArtClassifierSpec(Resource):
    classes: list[ArtClass] = Field(min_length=2, max_length=64)
    curation: Curation = Curation()
    model: ModelSpec = ModelSpec()
    training: Training = Training()

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        labels = [one.label for one in self.classes]
        if len(set(labels)) != len(labels):
            raise ValueError("two classes have the same label")
        return self


class ArtClassifier(Resource):
    """What is learned from categories, and how."""

    api_version: Literal["artgrab.dev/v1alpha1"]
    kind: Literal["ArtClassifier"]
    metadata: Metadata
    spec: ArtClassifierSpec

    def label_of(self, labels: dict[str, str]) -> str | None:
        """Return the class of a category with these labels; None where no class wants it.

        Raises:
            ValueError: more than one class selects it.
        """
        found = [c.label for c in self.spec.classes if c.category_selector.matches(labels)]
        if len(found) > 1:
            raise ValueError(f"selected by more than one class: {', '.join(found)}")
        return found[0] if found else None
