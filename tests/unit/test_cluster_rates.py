"""What measures politeness sees a site that was asked too often, and nothing else."""

from tests.cluster.rates import too_close, too_many, visits
from tests.world.sites import SeenRequest


def _seen(*times: float, host: str = "img.site-001.test") -> list[SeenRequest]:
    return [SeenRequest(host, "/1.png", "artgrab", 200, time) for time in times]


def test_hosts_of_one_domain_are_one_site() -> None:
    found = visits([*_seen(3, 1), *_seen(2, host="www.site-001.test"), *_seen(1, host="b.test")])
    assert found == {"site-001.test": [1, 2, 3], "b.test": [1]}


def test_requests_that_keep_their_distance_are_no_fault() -> None:
    seen = visits([*_seen(0, 1, 2), *_seen(0.1, 1.1, host="b.test")])
    assert too_close(seen, seconds=0.9) == []
    assert too_many(seen, most=2, window=1.5) == []


def test_a_pair_too_close_is_told_with_its_site() -> None:
    (told,) = too_close(visits(_seen(0, 1, 1.4)), seconds=0.9)
    assert told == "site-001.test: 0.40 s apart, at 1.40"


def test_more_requests_than_a_window_may_hold_are_told() -> None:
    """Two owners who each keep their own distance give twice the rate."""
    doubled = visits(_seen(0, 0.5, 1, 1.5, 2))
    assert len(too_many(doubled, most=3, window=2)) == 2
    assert too_many(visits(_seen(0, 1, 2, 3)), most=3, window=2) == []
