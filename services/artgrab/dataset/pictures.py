"""Stored pictures as the stage sees them, and those that did not make it."""

import msgspec

from artgrab.common.likeness import Look
from artgrab.common.records import Candidate, Licence, MergedRecord, Record
from artgrab.common.urls import site_of

COLLECTIONS = frozenset({"mediawiki"})
"""Sources whose pictures all lie on one site: there, who made a picture tells it apart."""

_NOBODY = ("unknown", "anonymous", "anonym", "author unknown", "n/a", "none", "-")


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """A stored picture with the label of its category."""

    category: str
    label: str
    record: Record
    candidate: Candidate
    """The way of finding it that stands for all."""
    licence: Licence
    creator: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes it one picture of a snapshot: a URL may be in two categories."""
        return (self.category, self.candidate.candidate_id)

    @property
    def look(self) -> Look:
        """What tells whether it is a near-duplicate."""
        return self.record.look

    @property
    def origin(self) -> str:
        """Whom it comes from: pictures of one origin are too alike to be on two sides.

        Creator or landing page in a collection, the registrable domain elsewhere.
        """
        return origin_of(self.candidate, creator=self.creator)


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """A stored picture that is not in the snapshot."""

    picture: Picture
    reason: str
    original: Picture | None = None
    """The picture that is kept in its place, for duplicates."""


EXACT_DUPLICATE = "exact-duplicate"
NEAR_DUPLICATE = "near-duplicate"
LABEL_CONFLICT = "label-conflict"
JOINS_TWO_SPLITS = "joins-two-splits"


def picture_of(merged: MergedRecord, *, category: str, label: str) -> Picture:
    """Return a merged record as a picture, with licence and creator of the best sighting."""
    licences = (one.licence for one in merged.sightings if one.licence.code or one.licence.url)
    creators = (one.creator for one in merged.sightings if one.creator)
    return Picture(
        category=category,
        label=label,
        record=merged.record,
        candidate=merged.candidate,
        licence=next(licences, Licence()),
        creator=next(creators, ""),
    )


def origin_of(candidate: Candidate, *, creator: str) -> str:
    """Return the origin of a candidate, as Picture.origin."""
    if candidate.source.partition(":")[0] not in COLLECTIONS:
        return f"site:{site_of(candidate.url)}"
    name = " ".join(creator.casefold().split())
    if name and not name.startswith(_NOBODY):
        return f"creator:{name}"
    return f"page:{candidate.page_url or candidate.url}"
