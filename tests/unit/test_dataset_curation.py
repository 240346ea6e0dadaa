"""Curation: duplicates, groups and sides, and what holds for any pictures in any order."""

import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from artgrab.common.records import Licence
from artgrab.common.resources import Curation, NearDuplicates
from artgrab.dataset.curation import Before, Curated, curate
from artgrab.dataset.pictures import Picture
from tests.support.stored import candidate, stored

FAR = ("0f0f0f0f0f0f0f0f", "33333333cccccccc", "5555aaaa5555aaaa", "f0f0f0f00f0f0f0f")
NONE = Before()


def picture(
    url: str,
    *,
    source: str = "",
    hash_: str = FAR[0],
    label: str = "art",
    category: str = "graffiti",
    side: int = 100,
    rank: int = 0,
    found_by: str = "gallery",
    creator: str = "",
    page_url: str = "",
) -> Picture:
    found = candidate(url, rank=rank, source=found_by, page_url=page_url)
    record = stored(
        found,
        category=category,
        source_sha256=source or url,
        perceptual_hash=hash_,
        side=side,
    )
    return Picture(
        category=category,
        label=label,
        record=record,
        candidate=found,
        licence=Licence(),
        creator=creator,
    )


def run(
    *pictures: Picture, before: Before = NONE, keep: bool = False, distance: int = 8
) -> Curated:
    curation = Curation(
        near_duplicates=NearDuplicates.KEEP if keep else NearDuplicates.DROP,
        near_duplicate_distance=distance,
        test_percent=40,
    )
    return curate(pictures, curation=curation, before=before)


def kept(curated: Curated) -> list[str]:
    return sorted(one.picture.candidate.url for one in curated.placed)


def reasons(curated: Curated) -> dict[str, str]:
    return {one.picture.candidate.url: one.reason for one in curated.dropped}


def sides(curated: Curated) -> dict[str, str]:
    return {one.picture.candidate.url: one.split for one in curated.placed}


def after(curated: Curated) -> Before:
    return Before(frozenset(one.picture.key for one in curated.placed), curated.sides)


def test_of_equal_pictures_the_one_of_best_rank_stays() -> None:
    second = picture("http://a.test/2", source="same", rank=2)
    first = picture("http://b.test/1", source="same", rank=1)
    curated = run(second, first)
    assert kept(curated) == ["http://b.test/1"]
    assert reasons(curated) == {"http://a.test/2": "exact-duplicate"}
    assert curated.dropped[0].original == first


def test_equal_pictures_under_two_labels_are_all_dropped() -> None:
    curated = run(
        picture("http://a.test/1", source="same", label="art"),
        picture("http://b.test/1", source="same", label="not-art", category="tools"),
    )
    assert not curated.placed
    assert set(reasons(curated).values()) == {"label-conflict"}


def test_of_pictures_that_look_alike_the_largest_stays() -> None:
    small = picture("http://a.test/1", hash_="0f0f0f0f0f0f0f0f", side=100, rank=0)
    large = picture("http://b.test/1", hash_="0f0f0f0f0f0f0f0e", side=200, rank=9)
    curated = run(small, large)
    assert kept(curated) == ["http://b.test/1"]
    assert reasons(curated) == {"http://a.test/1": "near-duplicate"}


def test_pictures_that_look_alike_under_two_labels_are_all_dropped() -> None:
    one = picture("http://a.test/1")
    other = picture("http://b.test/1", label="not-art", category="tools")
    assert set(reasons(run(one, other)).values()) == {"label-conflict"}


def test_a_chain_of_likeness_does_not_run_together() -> None:
    ends = [
        picture("http://a.test/1", hash_="0f0f0f0f0f0f0f0f", side=300),
        picture("http://c.test/1", hash_="0f0f0f0f0f0fffff", side=200),
    ]
    middle = picture("http://b.test/1", hash_="0f0f0f0f0f0f0fff", side=100)
    assert kept(run(*ends, middle, distance=4)) == ["http://a.test/1", "http://c.test/1"]


def test_equal_hashes_of_plain_surfaces_say_nothing() -> None:
    plain = [picture(f"http://{name}.test/1", hash_="0" * 16) for name in "abc"]
    assert len(run(*plain).placed) == 3


def test_pictures_of_other_proportions_are_no_near_duplicates() -> None:
    square, wide = picture("http://a.test/1"), picture("http://b.test/1")
    wide = replace(wide, record=replace(wide.record, source_width=130))
    assert len(run(square, wide).placed) == 2


def test_one_site_is_one_group() -> None:
    curated = run(
        *(picture(f"http://img{n}.site.test/{n}", hash_=FAR[n]) for n in range(4)),
    )
    assert {one.group for one in curated.placed} == {"site:site.test"}
    assert len(set(sides(curated).values())) == 1


def test_in_a_collection_the_creator_is_the_group_and_else_the_landing_page() -> None:
    def found(number: int, creator: str) -> Picture:
        return picture(
            f"http://c.test/{number}",
            hash_=FAR[number],
            found_by="mediawiki",
            creator=creator,
            page_url=f"http://c.test/page{number}",
        )

    curated = run(
        found(0, " Ann  Lee"), found(1, "ann lee"), found(2, "Unknown author"), found(3, "")
    )
    assert sorted(one.group for one in curated.placed) == [
        "creator:ann lee",
        "creator:ann lee",
        "page:http://c.test/page2",
        "page:http://c.test/page3",
    ]


def test_kept_near_duplicates_are_in_one_group() -> None:
    curated = run(picture("http://a.test/1"), picture("http://b.test/1"), keep=True)
    assert [one.group for one in curated.placed] == ["site:a.test", "site:a.test"]


def test_a_newcomer_that_would_join_two_sides_is_dropped() -> None:
    one = picture("http://a.test/1", hash_="0f0f0f0f0f0f0f00")
    other = picture("http://b.test/1", hash_="0f0f0f0f0f0f0f0f")
    sides_before = {"picture:http://a.test/1": "train", "picture:http://b.test/1": "test"}
    before = Before(frozenset([one.key, other.key]), sides_before)
    bridge = picture("http://c.test/1", hash_="0f0f0f0f0f0f0f03")
    curated = run(bridge, one, other, before=before, keep=True, distance=2)
    assert reasons(curated) == {"http://c.test/1": "joins-two-splits"}
    assert sides(curated) == {"http://a.test/1": "train", "http://b.test/1": "test"}


def test_what_the_parent_kept_is_preferred_to_a_larger_newcomer() -> None:
    old = picture("http://a.test/1", side=100)
    new = picture("http://b.test/1", side=900)
    curated = run(old, new, before=after(run(old)))
    assert kept(curated) == ["http://a.test/1"]


def test_a_copy_that_stands_in_for_its_lost_original_keeps_its_side() -> None:
    original = picture("http://a.test/1", side=200)
    for number in range(20):
        copy = picture(f"http://site{number}.test/1", side=100)
        first = run(original, copy)
        assert kept(first) == ["http://a.test/1"]
        second = run(copy, before=after(first))
        assert set(sides(second).values()) <= set(sides(first).values())


SMALL = st.builds(
    picture,
    url=st.builds(
        lambda site, n: f"http://www.{site}.test/{n}",
        st.sampled_from("abcdefgh"),
        st.integers(0, 9),
    ),
    source=st.sampled_from([f"source-{n}" for n in range(12)]),
    hash_=st.builds(
        lambda base, flip: f"{int(base, 16) ^ flip:016x}", st.sampled_from(FAR), st.integers(0, 255)
    ),
    category=st.just("graffiti"),
    side=st.sampled_from([64, 100, 105, 200]),
    rank=st.integers(0, 3),
    found_by=st.sampled_from(["gallery", "mediawiki"]),
    creator=st.sampled_from(["", "ann", "bob"]),
)


def unique(pictures: Sequence[Picture]) -> list[Picture]:
    return list({one.key: one for one in pictures}.values())


@settings(max_examples=100, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.lists(SMALL, max_size=8), st.booleans(), st.integers(0, 12)),
        min_size=1,
        max_size=4,
    )
)
def test_no_picture_changes_its_side_while_a_dataset_grows(
    steps: list[tuple[list[Picture], bool, int]],
) -> None:
    before = NONE
    seen: list[Picture] = []
    ever: dict[str, str] = {}
    for batch, keep, distance in steps:
        seen = unique([*seen, *batch])
        curated = run(*seen, before=before, keep=keep, distance=distance)
        sides_of_groups: dict[str, set[str]] = {}
        for one in curated.placed:
            assert ever.setdefault(one.picture.record.source_sha256, one.split) == one.split
            sides_of_groups.setdefault(one.group, set()).add(one.split)
        assert all(len(found) == 1 for found in sides_of_groups.values())
        assert len(curated.placed) + len(curated.dropped) == len(seen)
        before = after(curated)


@settings(max_examples=60, deadline=None)
@given(pictures=st.lists(SMALL, max_size=12), keep=st.booleans(), seed=st.integers(0, 99))
def test_the_order_of_the_records_does_not_matter(
    pictures: list[Picture], keep: bool, seed: int
) -> None:
    pictures = unique(pictures)
    shuffled = random.Random(seed).sample(pictures, len(pictures))
    assert run(*shuffled, keep=keep) == run(*pictures, keep=keep)


@settings(max_examples=60, deadline=None)
@given(pictures=st.lists(SMALL, max_size=12))
def test_no_two_kept_pictures_look_alike(pictures: list[Picture]) -> None:
    curated = run(*unique(pictures))
    again = run(*(one.picture for one in curated.placed))
    assert not again.dropped


@settings(max_examples=60, deadline=None)
@given(pictures=st.lists(SMALL, max_size=12), newcomer=st.integers(0, 99))
def test_a_side_does_not_depend_on_other_groups(pictures: list[Picture], newcomer: int) -> None:
    pictures = unique(pictures)
    other = picture(f"http://other.test/{newcomer}", source="other", hash_="ffff0000ff00ff00")
    sides_before = sides(run(*pictures))
    sides_after = sides(run(*pictures, other))
    assert all(sides_after[url] == side for url, side in sides_before.items())
