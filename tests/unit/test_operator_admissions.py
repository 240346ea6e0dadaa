"""Who may scrape next: the oldest first, no more than may, one at a time for each API."""

from datetime import timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from artgrab.operator.admissions import Admissions
from artgrab.operator.observed import Job, Key, Seen
from artgrab.operator.plans import Ticket
from tests.support.operator_world import START


def _ticket(name: str, *, age: int = 0, hosts: Any = ()) -> Ticket:
    return Ticket(Key("art", name), START - timedelta(minutes=age), frozenset(hosts))


def _job(name: str, *, hosts: Any = ()) -> Job:
    return Job(
        namespace="art",
        name=name,
        seen=Seen(name, 1),
        owner=name,
        category=Key("art", name),
        component="scraper",
        created=START,
        alone_at=frozenset(hosts),
    )


def test_a_place_is_given_while_there_are_some() -> None:
    admissions = Admissions(2)
    assert admissions.ask(_ticket("a"), []) == ""
    assert admissions.ask(_ticket("b"), []) == ""
    assert "2 scrapes run at once" in admissions.ask(_ticket("c"), [])


def test_a_reserved_place_counts_once_when_its_job_is_seen() -> None:
    admissions = Admissions(2)
    assert admissions.ask(_ticket("a"), []) == ""
    assert admissions.ask(_ticket("b"), [_job("a")]) == ""


def test_the_oldest_goes_first_whoever_asks() -> None:
    admissions = Admissions(1)
    admissions.join(_ticket("old", age=10))
    assert admissions.ask(_ticket("new"), []) != ""
    assert list(admissions.next_in_line([])) == [Key("art", "old")]
    assert admissions.ask(_ticket("old", age=10), []) == ""


def test_who_left_stands_in_nobodys_way() -> None:
    admissions = Admissions(1)
    admissions.join(_ticket("old", age=10))
    admissions.leave(Key("art", "old"))
    assert admissions.ask(_ticket("new"), []) == ""


def test_an_api_is_asked_by_one_at_a_time() -> None:
    admissions = Admissions(9)
    running = [_job("a", hosts=["wiki.test"])]
    wait = admissions.ask(_ticket("b", hosts=["wiki.test"]), running)
    assert wait == "waits until no other scrape asks wiki.test"
    assert admissions.ask(_ticket("c", hosts=["other.test"]), running) == ""
    assert admissions.ask(_ticket("b", hosts=["wiki.test"]), []) == ""


def test_who_waits_for_an_api_keeps_it_from_younger_ones_but_no_place() -> None:
    admissions = Admissions(2)
    running = [_job("a", hosts=["one.test"])]
    assert admissions.ask(_ticket("b", age=5, hosts=["one.test", "two.test"]), running) != ""
    assert "two.test" in admissions.ask(_ticket("c", hosts=["two.test"]), running)
    assert admissions.ask(_ticket("d"), running) == ""


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sets(st.sampled_from("xyz"))), max_size=12),
    st.integers(1, 4),
)
def test_no_more_places_are_given_than_there_are(
    wishes: list[tuple[int, set[str]]], places: int
) -> None:
    admissions = Admissions(places)
    tickets = [_ticket(str(i), age=age, hosts=hosts) for i, (age, hosts) in enumerate(wishes)]
    given_to = [one for one in tickets if admissions.ask(one, []) == ""]
    hosts = [host for one in given_to for host in one.alone_at]
    assert len(given_to) <= places
    assert len(hosts) == len(set(hosts))


@pytest.mark.parametrize("places", [1, 3])
def test_whoever_is_called_gets_a_place(places: int) -> None:
    admissions = Admissions(places)
    tickets = {one.key: one for one in (_ticket(str(i), age=i, hosts=["h"]) for i in range(5))}
    for one in tickets.values():
        admissions.join(one)
    called = list(admissions.next_in_line([]))
    assert called == [Key("art", "4")]
    assert admissions.ask(tickets[called[0]], []) == ""
