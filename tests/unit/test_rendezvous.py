"""Who owns a site: the same for all who ask, spread evenly, and moved as little as possible."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.rendezvous import owner

SITES = [f"site-{number}.test" for number in range(2000)]
addresses = st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=8, unique=True)


@given(st.text(), addresses.flatmap(lambda a: st.tuples(st.just(a), st.permutations(a))))
def test_the_order_of_the_addresses_does_not_matter(
    site: str, both: tuple[list[str], list[str]]
) -> None:
    assert owner(site, both[0]) == owner(site, both[1])
    assert owner(site, both[0]) in both[0]


@given(st.text(), addresses, st.text(min_size=1))
def test_a_newcomer_takes_sites_but_moves_none_between_others(
    site: str, known: list[str], newcomer: str
) -> None:
    assert owner(site, [*known, newcomer]) in (newcomer, owner(site, known))


@given(st.text(), addresses)
def test_only_the_sites_of_who_leaves_move(site: str, known: list[str]) -> None:
    before = owner(site, known)
    for leaving in known:
        rest = [address for address in known if address != leaving]
        if rest and leaving != before:
            assert owner(site, rest) == before


def test_sites_are_spread_evenly() -> None:
    members = [f"10.0.0.{number}:50051" for number in range(5)]
    counts = Counter(owner(site, members) for site in SITES)
    assert set(counts) == set(members)
    assert max(counts.values()) < 1.3 * len(SITES) / len(members)


def test_owners_do_not_change_between_versions_of_artgrab() -> None:
    """Old and new pods work side by side during an upgrade and must agree."""
    members = ["10.0.0.1:50051", "10.0.0.2:50051", "10.0.0.3:50051"]
    found = [members.index(owner(site, members)) for site in SITES[:12]]
    assert found == [0, 1, 0, 2, 0, 0, 1, 0, 0, 1, 2, 1]


def test_without_addresses_there_is_no_owner() -> None:
    with pytest.raises(ValueError, match="empty"):
        owner("a.test", [])
