"""The documents a user writes: ArtCategory and ArtClassifier (artgrab.dev/v1alpha1).

One source of truth for `artgrab run`, the cluster's schema and the docs.
"""

from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from yarl import URL

from artgrab.common.learning import Promotion, Retrain, Serving
from artgrab.common.resource_fields import (
    ApiUrl,
    Backbone,
    LabelKey,
    LabelValue,
    Name,
    Namespace,
    PageUrl,
    Resource,
    Schedule,
    Selector,
    Text,
)
from artgrab.common.selectors import LabelSelector

API_VERSION = "artgrab.dev/v1alpha1"


class Metadata(Resource):
    """The part of Kubernetes' ObjectMeta that a file holds."""

    name: Name = Field(description="Names the document; unique among documents of its kind.")
    namespace: Namespace = Field(
        "default",
        description="Keeps apart what shares a store; a classifier sees its own namespace only.",
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict,
        max_length=64,
        description="What classes select categories by, as `artgrab.dev/set: art`.",
    )
    annotations: dict[LabelKey, str] = Field(
        default_factory=dict, max_length=64, description="Notes of yours; artgrab reads none."
    )


class GallerySelectors(Resource):
    """Where a gallery page keeps what; CSS in Scrapy's notation (`a::attr(href)`, `p::text`)."""

    item: Selector = Field(
        description="One element for each picture; all others but `more` look inside of it."
    )
    image: Selector = Field(
        description="Address of the full-size picture, not of its thumbnail: often "
        "`a::attr(href)`, else `img::attr(src)`."
    )
    page: Selector | None = Field(
        None, description="Address of the page about the picture: kept as evidence of its origin."
    )
    title: Selector | None = Field(None, description="Title or caption, kept for people.")
    creator: Selector | None = Field(
        None, description="Who made it: goes into attribution, and keeps their pictures together."
    )
    licence: Selector | None = Field(None, description="Address or name of the licence.")
    more: Selector | None = Field(
        None,
        description="What to press or follow for more pictures, anywhere on the page; without it "
        "the page is scrolled only.",
    )


class GallerySource(Resource):
    """A web page of pictures, opened in a browser and scrolled to its end."""

    url: PageUrl = Field(
        description="Page to open. `{query}` in its path or query is replaced by each query, "
        "encoded; without it the page is opened once, whatever the queries."
    )
    selectors: GallerySelectors = Field(
        description="How to find each picture and what belongs to it."
    )


class MediaWikiSource(Resource):
    """Full-text search for files through the API of a MediaWiki, such as Wikimedia Commons."""

    url: ApiUrl = Field(
        description="Address of the wiki's api.php, as `https://commons.wikimedia.org/w/api.php`."
    )


class Source(Resource):
    """Where pictures come from: exactly one member."""

    gallery: GallerySource | None = Field(None, description="A web page of pictures.")
    mediawiki: MediaWikiSource | None = Field(None, description="The files of a MediaWiki.")

    @property
    def kind(self) -> str:
        """Name of the one member that is set."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def url(self) -> str:
        """Address of the one member that is set, as the document has it."""
        chosen = self.gallery or self.mediawiki
        assert chosen is not None
        return chosen.url

    @property
    def host(self) -> str:
        """Host of the address."""
        return URL(self.url).host or ""

    @property
    def takes_queries(self) -> bool:
        """Whether it is asked for each query; else it is gone through once."""
        return self.gallery is None or "{query}" in self.gallery.url

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        names = list(type(self).model_fields)
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            here = f"{' and '.join(given)} are set" if given else "none is set"
            raise ValueError(f"set exactly one of: {', '.join(names)}; {here}")
        return self


class Filters(Resource):
    """What a picture must be to be kept."""

    min_side: int = Field(
        96,
        ge=1,
        le=4096,
        description="Pixels that the shorter side must have; smaller pictures are rejected.",
    )


class DeletionPolicy(StrEnum):
    """What becomes of what is stored of a category when its object is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class ArtCategorySpec(Resource):
    """What to look for, where, and how much of it."""

    queries: list[Text] = Field(
        default_factory=list,
        max_length=64,
        description="What to search for, in any language; where empty, the name with spaces for "
        "hyphens.",
    )
    sources: list[Source] = Field(
        min_length=1,
        max_length=16,
        description="Where to look, one after the other: each of them for each query.",
    )
    target_images: int = Field(
        1000,
        ge=1,
        le=1_000_000,
        description="Stop when so many pictures are stored; sources that have fewer are gone "
        "through to their end.",
    )
    filters: Filters = Field(Filters(), description="What a picture must be to be kept.")
    schedule: Schedule | None = Field(
        None,
        description="When to look for new pictures again: a cron line in UTC, as `0 3 * * 0` for "
        "Sundays at 3 o'clock. Where absent, a category is collected once, and again when what is "
        "wanted of it changes. In a cluster only; one machine collects when `artgrab run` is "
        "called.",
    )
    suspend: bool = Field(
        False,
        description="`true` starts no new run and ends one that is under way; what is stored "
        "stays, and is learned from. `artgrab run` passes the category over.",
    )
    deletion_policy: DeletionPolicy = Field(
        DeletionPolicy.RETAIN,
        description="What becomes of the stored pictures and records when the object is deleted: "
        "`Retain` keeps them, `Delete` removes them. In a cluster only.",
    )


class ArtCategory(Resource):
    """A kind of picture to collect."""

    api_version: Literal["artgrab.dev/v1alpha1"] = Field(description="The only version there is.")
    kind: Literal["ArtCategory"] = Field(description="Says which kind of document this is.")
    metadata: Metadata = Field(description="Name and labels.")
    spec: ArtCategorySpec = Field(description="What is wanted.")

    @property
    def queries(self) -> list[str]:
        """The queries of the spec, or the name where there are none."""
        return self.spec.queries or [self.metadata.name.replace("-", " ")]


class ArtClass(Resource):
    """One answer of the classifier and the categories it is learned from."""

    label: Name = Field(description="What the classifier answers.")
    category_selector: LabelSelector = Field(
        description="Whose pictures it is learned from: at least one category, and none that "
        "another class selects."
    )


class NearDuplicates(StrEnum):
    """What becomes of all but the first of near-duplicates."""

    DROP = "Drop"
    KEEP = "Keep"


class Curation(Resource):
    """How pictures become a dataset."""

    near_duplicates: NearDuplicates = Field(
        NearDuplicates.DROP,
        description="`Drop` keeps the first of each set of near-duplicates; `Keep` keeps all of "
        "them, together in one split.",
    )
    near_duplicate_distance: int = Field(
        8,
        ge=0,
        le=16,
        description="Bits of 64 in which the perceptual hashes of near-duplicates may differ; "
        "up to 8 nearly all are copies or variants, from 12 on unrelated pictures prevail.",
    )
    validation_percent: int = Field(
        10, ge=5, le=40, description="Share of groups by which settings of training are chosen."
    )
    test_percent: int = Field(
        20, ge=5, le=40, description="Share of groups that are never learned from, only judged by."
    )


class ModelSpec(Resource):
    """What is trained."""

    backbone: Backbone = Field(
        "tf_efficientnet_lite0",
        description="Name of a timm model. Packages with pretrained weights are known for "
        "tf_efficientnet_lite0, lite1 and lite2.",
    )
    image_size: int | None = Field(
        None,
        ge=32,
        le=1024,
        description="Pixels of the side of what the backbone sees; its own where absent.",
    )
    weights: Literal["auto", "none"] = Field(
        "auto",
        description="`auto`: those of a Python package where one has them; `none`: random ones, "
        "which make a poor classifier.",
    )


class Training(Resource):
    """How it is trained."""

    seed: int = Field(
        0, ge=0, le=2**31 - 1, description="Of random weights; equal seeds give equal ones."
    )
    nodes: int = Field(
        1,
        ge=1,
        le=16,
        description="Pods that train together; the model is the same whatever their number. In a "
        "cluster only.",
    )

    def inputs(self) -> dict[str, Any]:
        """Return what decides what is learned; on how many nodes does not."""
        return self.model_dump(mode="json", exclude={"nodes"})


class ArtClassifierSpec(Resource):
    """What is to be told apart, and how it is learned."""

    classes: list[ArtClass] = Field(
        min_length=2, max_length=64, description="The answers; a single one is nothing to learn."
    )
    curation: Curation = Field(Curation(), description="How pictures become a dataset.")
    model: ModelSpec = Field(ModelSpec(), description="What is trained.")
    training: Training = Field(Training(), description="How it is trained.")
    retrain: Retrain = Field(
        Retrain(), description="When a cluster learns again from what was collected since."
    )
    promotion: Promotion = Field(
        Promotion(), description="What a newer model must reach to be served."
    )
    serving: Serving = Field(Serving(), description="How the model is served.")
    suspend: bool = Field(
        False,
        description="`true` begins no dataset and no training, and ends those under way; what is "
        "served is served on. `artgrab run` collects, and passes the classifier over.",
    )

    @model_validator(mode="after")
    def _labels_differ(self) -> Self:
        labels = [one.label for one in self.classes]
        twice = {label for label in labels if labels.count(label) > 1}
        if twice:
            raise ValueError(f"two classes have the same label: {', '.join(sorted(twice))}")
        return self


class ArtClassifier(Resource):
    """What is learned from categories, and how."""

    api_version: Literal["artgrab.dev/v1alpha1"] = Field(description="The only version there is.")
    kind: Literal["ArtClassifier"] = Field(description="Says which kind of document this is.")
    metadata: Metadata = Field(description="Name and labels.")
    spec: ArtClassifierSpec = Field(description="What is wanted.")

    def label_of(self, labels: dict[str, str]) -> str | None:
        """Return the class of a category with these labels; None where no class wants it.

        Raises:
            ValueError: more than one class selects it.
        """
        found = [c.label for c in self.spec.classes if c.category_selector.matches(labels)]
        if len(found) > 1:
            raise ValueError(f"selected by more than one class: {', '.join(found)}")
        return found[0] if found else None
