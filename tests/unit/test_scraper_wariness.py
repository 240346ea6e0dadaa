"""Sites that refuse a scrape are left alone after a few times, or at once where they ask for it."""

from artgrab.scraper.wariness import MAX_REFUSALS, Wariness

_PAGE = "http://www.a.test/search?q=1"
_OTHER = "http://api.a.test/more"


def test_a_site_is_left_after_some_refusals_in_a_row_all_its_hosts_together() -> None:
    wary = Wariness()
    for _ in range(MAX_REFUSALS):
        assert wary.problem(_PAGE) == ""
        wary.refused(_PAGE, "status 403")
    assert wary.problem(_OTHER) == "a.test turns us away (status 403): not asked again in this run"
    assert wary.problem("http://b.test/") == ""


def test_a_good_answer_in_between_begins_the_count_anew() -> None:
    wary = Wariness()
    for _ in range(2 * MAX_REFUSALS):
        wary.refused(_PAGE, "status 403")
        wary.welcomed(_OTHER)
    assert wary.problem(_PAGE) == ""


def test_who_asks_for_rest_gets_it_at_once() -> None:
    wary = Wariness()
    wary.refused(_PAGE, "status 429", at_once=True)
    assert "status 429" in wary.problem(_PAGE)


def test_the_first_reason_to_leave_a_site_stands() -> None:
    wary = Wariness()
    wary.leave(_PAGE, "gave no answer")
    wary.refused(_PAGE, "status 429", at_once=True)
    assert wary.problem(_PAGE) == "a.test gave no answer: not asked again in this run"
