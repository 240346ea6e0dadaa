"""An operator or a scraper is deleted in the middle of a run: it ends as if nothing had been."""

from tests.cluster.installed import OPERATOR, Installation
from tests.cluster.operators import end_operator
from tests.cluster.runs import Begin


def test_an_operator_that_is_deleted_doubles_nothing(installed: Installation, begun: Begin) -> None:
    run = begun("operator-gone", "hiroshige")
    run.wait_recorded(4)
    before = run.jobs()
    end_operator(installed)
    run.assert_under_way()
    installed.system("rollout", "status", f"deployment/{OPERATOR}")
    run.check()
    assert run.jobs() == before
    assert len(before) == 1


def test_a_scraper_that_is_deleted_resumes(installed: Installation, begun: Begin) -> None:
    run = begun("scraper-gone", "hiroshige")
    run.wait_recorded(4)
    (job,) = run.jobs()
    installed.kubectl("delete", "pod", f"--selector=artgrab.dev/category={run.name}", "--now")
    run.assert_under_way()
    run.check()
    assert run.jobs() == [job]
