"""Pages of a site are opened no faster than it asks, whoever opens them."""

from artgrab.scraper.turns import Turns


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_first_page_of_a_site_is_opened_at_once_and_each_other_after_a_pause() -> None:
    turns = Turns(clock=Clock())
    assert [turns.pause("a.test", spacing=2.5) for _ in range(3)] == [0, 2.5, 5]
    assert turns.pause("b.test", spacing=2.5) == 0


def test_time_that_has_passed_anyway_need_not_be_waited_for() -> None:
    clock = Clock()
    turns = Turns(clock=clock)
    turns.pause("a.test", spacing=3)
    clock.now += 2
    assert turns.pause("a.test", spacing=3) == 1
    clock.now += 60
    assert turns.pause("a.test", spacing=3) == 0


def test_a_site_that_asks_for_no_pause_gets_none() -> None:
    turns = Turns(clock=Clock())
    assert [turns.pause("a.test", spacing=0) for _ in range(3)] == [0, 0, 0]
