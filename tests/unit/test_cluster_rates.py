"""What measures politeness sees a site that was asked too often, and nothing else."""

from collections.abc import Sequence

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.cluster.rates import too_often, visits
from tests.world.sites import SeenRequest


def _seen(*times: float, host: str = "img.site-001.test") -> list[SeenRequest]:
    return [SeenRequest(host, "/1.png", "artgrab", 200, time) for time in times]


def test_hosts_of_one_domain_are_one_site() -> None:
    found = visits([*_seen(3, 1), *_seen(2, host="www.site-001.test"), *_seen(1, host="b.test")])
    assert found == {"site-001.test": [1, 2, 3], "b.test": [1]}


def _told(times: Sequence[float]) -> list[str]:
    return too_often({"a.test": times}, spacing=1.0, tolerance=0.75)


def test_requests_that_keep_their_distance_are_no_fault() -> None:
    assert _told([0, 1, 2, 5, 6]) == []
    assert _told([0]) == []


def test_a_request_that_was_late_is_no_fault() -> None:
    assert _told([0, 1.5, 2, 3, 4.6, 5]) == []


def test_one_request_too_many_is_told_with_its_while() -> None:
    assert _told([0, 4, 5, 5.4, 6, 7]) == ["a.test: 4 requests in 2.00 s, until 6.00"]


def test_two_owners_who_each_keep_their_distance_are_told() -> None:
    (told,) = _told([0, 0.5, 1, 1.5, 2])
    assert told == "a.test: 5 requests in 2.00 s, until 2.00"


@given(st.lists(st.floats(0, 10), min_size=1, max_size=12).map(sorted))
def test_the_worst_while_is_found_among_all(times: list[float]) -> None:
    leads = [
        (last - first) - (times[last] - times[first])
        for last in range(len(times))
        for first in range(last + 1)
    ]
    worst = max(leads)
    assume(abs(worst - 0.75) > 1e-6)
    assert bool(_told(times)) == (worst > 0.75)
