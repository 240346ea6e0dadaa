"""What the operator says and does for one category, case by case; all of it is one pure function.

A category that is new, running, ended well or badly, refused, failed, suspended, refreshed by its
schedule, invalid, waiting, or being deleted.
"""

from datetime import timedelta

import pytest

from artgrab.common.statuses import RunCounts
from artgrab.operator import names
from artgrab.operator.categories import read_category
from artgrab.operator.observed import Key
from tests.support.operator_stage import KEY, SPEC, Stage
from tests.support.operator_world import PlayedOperator, settings_of


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_new_category_gets_one_job_with_its_secret(stage: Stage) -> None:
    stage.apply()
    (job,) = stage.jobs()
    assert job["spec"]["suspend"] is False
    assert len(stage.world.secrets) == 1
    assert stage.says() == ("False", "Scraping")
    assert f"job/{job['metadata']['name']}" in stage.condition("Ready").message
    assert stage.events() == ["Scraping"]


@pytest.mark.parametrize("reason", ["TargetReached", "SourcesExhausted"])
def test_a_run_that_ended_well_makes_it_ready(stage: Stage, reason: str) -> None:
    stage.apply()
    stage.succeed(reason)
    assert stage.says() == ("True", reason)
    assert stage.says("Scraped") == ("True", reason)
    assert stage.says("SourceHealthy") == ("True", "SourcesAnswered")
    assert stage.says("Suspended") == ("False", "NotSuspended")
    assert stage.status.counts == RunCounts(candidates=12, stored=10, rejected=1, failed=1)
    assert stage.status.uri == "s3://bucket/art/art/categories/graffiti"
    assert stage.events() == ["Scraping", reason]


def test_an_ended_run_is_not_begun_again_when_its_job_is_deleted(stage: Stage) -> None:
    stage.apply()
    stage.succeed()
    stage.world.delete_job(KEY.namespace, stage.jobs()[0]["metadata"]["name"])
    stage.sweep()
    stage.operator.restart()
    stage.look()
    assert stage.jobs() == []
    assert stage.says() == ("True", "TargetReached")


def test_sources_that_failed_are_named_and_make_it_unready(stage: Stage) -> None:
    stage.apply()
    stage.succeed("SourcesFailed", stored=1, problems=["a.test: it turns us away"])
    assert stage.says() == ("False", "SourcesFailed")
    assert stage.says("SourceHealthy") == ("False", "SourcesFailed")
    assert "1 of 10 pictures are stored: a.test: it turns us away" in (
        stage.condition("Ready").message
    )
    assert stage.look() is None


def test_a_source_that_failed_among_others_is_told_though_it_is_ready(stage: Stage) -> None:
    stage.apply()
    stage.succeed("SourcesExhausted", problems=["b.test: it is gone"])
    assert stage.says() == ("True", "SourcesExhausted")
    assert stage.says("SourceHealthy") == ("False", "SomeSourcesFailed")
    assert stage.condition("SourceHealthy").message == "b.test: it is gone"


def test_a_failed_scrape_is_tried_again_after_a_while_that_doubles(stage: Stage) -> None:
    stage.apply()
    waits = []
    for failures in range(1, 9):
        stage.fail()
        assert stage.says() == ("False", "ScrapeFailed")
        assert stage.status.failures == failures
        waits.append(stage.look())
        stage.operator.advance(seconds=waits[-1] or 0)
        stage.look()
        stage.sweep()
        assert stage.says() == ("False", "Scraping")
    assert waits == [600, 1200, 2400, 4800, 9600, 19200, 21600, 21600]
    stage.succeed()
    assert stage.status.failures is None


def test_a_failure_says_why_and_when_it_is_tried_again(stage: Stage) -> None:
    stage.apply()
    stage.fail("no downloader answers")
    message = stage.condition("Ready").message
    assert message.startswith("no downloader answers; failures in a row: 1; ")
    assert "begins at 2026-11-02T12:10:00Z" in message


@pytest.mark.parametrize(
    ("kind", "why", "told"),
    [
        ("Failed", "DeadlineExceeded", "it ran longer than scraper.deadlineSeconds allows"),
        ("Failed", "BackoffLimitExceeded", "its pods failed again and again"),
        ("Complete", "CompletionsReached", "its pod vanished before it could be asked"),
    ],
)
def test_an_end_without_a_word_is_told_in_ours(
    stage: Stage, kind: str, why: str, told: str
) -> None:
    stage.apply()
    (job,) = stage.jobs()
    stage.world.end_job((KEY.namespace, job["metadata"]["name"]), kind, why, "")
    stage.world.pods.clear()
    stage.look()
    assert stage.says() == ("False", "ScrapeFailed")
    assert stage.condition("Ready").message.startswith(told)


def test_the_word_of_another_run_is_not_believed(stage: Stage) -> None:
    stage.apply()
    stage.end(reason="TargetReached", run_id="another")
    assert stage.says() == ("False", "ScrapeFailed")


def test_bad_input_is_told_and_not_tried_again(stage: Stage) -> None:
    stage.apply()
    stage.end("Failed", "PodFailurePolicy", error="sources[0]: no such selector")
    assert stage.says() == ("False", "InvalidSpec")
    assert stage.condition("Ready").message.startswith("sources[0]: no such selector; ")
    stage.operator.advance(days=3)
    assert stage.look() is None
    assert len(stage.jobs()) == 1


def test_bad_input_is_tried_again_with_another_spec(stage: Stage) -> None:
    stage.apply()
    stage.end("Failed", "PodFailurePolicy", error="bad")
    stage.apply(queries=["better"])
    assert stage.says() == ("False", "Scraping")


def test_bad_input_is_tried_again_with_other_settings_of_the_operator(stage: Stage) -> None:
    stage.apply()
    stage.end("Failed", "PodFailurePolicy", error="environment: ARTGRAB_CONTACT: too long")
    stage.operator = PlayedOperator(stage.world, settings_of(scraper_image="scraper:2"))
    stage.look()
    stage.sweep()
    (job,) = stage.jobs()
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == "scraper:2"
    assert stage.says() == ("False", "Scraping")


def test_a_spec_that_breaks_a_rule_is_told_by_field_and_nothing_runs(stage: Stage) -> None:
    stage.apply()
    stage.apply(schedule="0 0 31 2 *")
    assert stage.says() == ("False", "InvalidSpec")
    assert "spec.schedule" in stage.condition("Ready").message
    stage.sweep()
    assert stage.jobs() == []
    assert stage.look() is None
    stage.apply()
    assert stage.says() == ("False", "Scraping")


def test_suspending_ends_a_scrape(stage: Stage) -> None:
    stage.apply()
    stage.apply(suspend=True)
    assert stage.says() == ("False", "Suspended")
    assert stage.says("Suspended") == ("True", "Suspended")
    stage.sweep()
    assert stage.jobs() == []
    stage.apply(suspend=False)
    assert stage.says() == ("False", "Scraping")


def test_what_is_collected_stays_ready_while_it_is_suspended(stage: Stage) -> None:
    stage.apply()
    stage.succeed()
    stage.apply(suspend=True)
    assert stage.says() == ("True", "TargetReached")
    assert stage.says("Suspended") == ("True", "Suspended")


def test_another_spec_ends_the_scrape_of_the_earlier_one_first(stage: Stage) -> None:
    stage.apply()
    (first,) = stage.jobs()
    stage.apply(queries=["mural"])
    assert [one["metadata"]["name"] for one in stage.jobs()] == [first["metadata"]["name"]]
    assert stage.says() == ("False", "Pending")
    stage.sweep()
    (second,) = stage.jobs()
    assert second["metadata"]["name"] != first["metadata"]["name"]
    assert stage.says() == ("False", "Scraping")


def test_another_spec_makes_it_unready_until_it_is_collected(stage: Stage) -> None:
    stage.apply()
    stage.succeed()
    stage.apply(targetImages=20)
    assert stage.says() == ("False", "Scraping")
    stage.succeed(stored=20)
    assert stage.says() == ("True", "TargetReached")
    stage.sweep()
    assert len(stage.jobs()) == 1, "the log of the last run is kept, and no other"


def test_the_schedule_collects_again_while_it_stays_ready(stage: Stage) -> None:
    stage.apply(schedule="0 3 * * *")
    stage.succeed()
    assert stage.status.next_run_at is not None
    wait = stage.look()
    assert wait == timedelta(hours=15).total_seconds()
    stage.operator.advance(seconds=wait)
    stage.look()
    assert stage.says() == ("True", "TargetReached")
    assert stage.says("Scraped") == ("False", "Scraping")
    stage.succeed("SourcesExhausted", stored=12)
    assert stage.says() == ("True", "SourcesExhausted")
    assert stage.says("Scraped") == ("True", "SourcesExhausted")
    assert stage.events() == ["Scraping", "TargetReached", "Scraping", "SourcesExhausted"]


def test_a_refresh_that_fails_leaves_it_ready(stage: Stage) -> None:
    stage.apply(schedule="0 3 * * *")
    stage.succeed()
    stage.operator.advance(hours=16)
    stage.look()
    stage.fail()
    assert stage.says() == ("True", "TargetReached")
    assert stage.says("Scraped") == ("False", "ScrapeFailed")


def test_a_refresh_after_failed_sources_is_told_as_what_it_is(stage: Stage) -> None:
    stage.apply(schedule="0 3 * * *")
    stage.succeed("SourcesFailed", stored=1)
    stage.operator.advance(hours=16)
    stage.look()
    assert stage.says() == ("False", "Scraping")


def test_the_job_of_an_earlier_object_is_waited_for_and_left_alone(stage: Stage) -> None:
    stage.apply()
    stage.world.delete(KEY)
    stage.apply(queries=["mural"])
    (job,) = stage.jobs()
    assert "deletionTimestamp" not in job["metadata"], "the garbage collector ends it"
    assert stage.says() == ("False", "Pending")
    assert f"job/{job['metadata']['name']}" in stage.condition("Ready").message
    stage.sweep()
    (job,) = stage.jobs()
    assert stage.says() == ("False", "Scraping")


def test_a_schedule_that_is_added_begins_nothing_at_once(stage: Stage) -> None:
    stage.apply(suspend=True)
    stage.operator.advance(minutes=5)
    stage.apply()
    stage.succeed()
    stage.apply(schedule="2 * * * *")
    assert stage.says("Scraped") == ("True", "TargetReached")


def test_a_scrape_that_outlasts_its_slot_goes_on(stage: Stage) -> None:
    stage.apply(schedule="0 * * * *")
    (first,) = stage.jobs()
    stage.operator.advance(hours=3)
    stage.look()
    assert stage.jobs()[0]["metadata"]["uid"] == first["metadata"]["uid"]
    stage.succeed()
    stage.sweep()
    assert stage.says() == ("True", "TargetReached")
    assert stage.says("Scraped") == ("False", "Scraping"), "the latest slot is due now"


def test_a_job_without_a_secret_is_made_anew_after_a_while(stage: Stage) -> None:
    stage.apply()
    (job,) = stage.jobs()
    job["spec"]["suspend"] = True
    stage.world.touch("job", job)
    stage.operator.advance(minutes=11)
    stage.look()
    assert "deletionTimestamp" in stage.jobs()[0]["metadata"]
    stage.sweep()
    (again,) = stage.jobs()
    assert again["metadata"]["uid"] != job["metadata"]["uid"]
    assert again["spec"]["suspend"] is False


def test_a_refusal_of_the_cluster_is_told_and_asked_again(stage: Stage) -> None:
    stage.world.refuse_jobs = True
    stage.apply()
    assert stage.says() == ("False", "ScrapeFailed")
    assert "exceeded quota" in stage.condition("Ready").message
    wait = stage.look()
    assert wait is not None
    assert 0 < wait <= 30
    stage.world.refuse_jobs = False
    stage.operator.advance(seconds=31)
    stage.look()
    assert stage.says() == ("False", "Scraping")


def test_who_finds_no_place_waits_and_says_so() -> None:
    stage = Stage(max_concurrent_scrapes=1)
    other = Key("art", "mural")
    stage.apply()
    stage.world.apply(other, SPEC)
    stage.operator.watch()
    stage.operator.look(other)
    ready = read_category(stage.world.categories[other]).status.conditions[0]
    assert ready.reason == "Pending"
    assert "1 scrapes run at once" in ready.message
    stage.succeed()
    stage.operator.look(other)
    ready = read_category(stage.world.categories[other]).status.conditions[0]
    assert ready.reason == "Scraping"


def test_the_time_of_a_condition_is_that_of_its_status(stage: Stage) -> None:
    stage.apply()
    began = stage.condition("Ready").last_transition_time
    stage.operator.advance(minutes=1)
    stage.fail()
    assert stage.condition("Ready").last_transition_time == began
    stage.operator.advance(minutes=20)
    stage.look()
    stage.sweep()
    stage.succeed()
    assert stage.condition("Ready").last_transition_time == began + timedelta(minutes=21)


def test_nothing_of_ours_holds_what_is_retained(stage: Stage) -> None:
    stage.apply()
    assert "finalizers" not in stage.world.categories[KEY]["metadata"]
    stage.world.delete(KEY)
    assert KEY not in stage.world.categories


def test_a_finalizer_comes_and_goes_with_the_policy(stage: Stage) -> None:
    stage.apply(deletionPolicy="Delete")
    assert stage.world.categories[KEY]["metadata"]["finalizers"] == [names.FINALIZER]
    stage.apply(deletionPolicy="Retain")
    assert stage.world.categories[KEY]["metadata"]["finalizers"] == []


def test_a_deleted_category_goes_after_its_scrape_and_what_is_stored(stage: Stage) -> None:
    stage.apply(deletionPolicy="Delete")
    stage.world.delete(KEY)
    stage.look()
    assert stage.says() == ("False", "CleaningUp")
    (scrape,) = stage.jobs()
    assert "deletionTimestamp" in scrape["metadata"]
    stage.sweep()
    (cleanup,) = stage.jobs()
    assert cleanup["metadata"]["namespace"] == "artgrab"
    stage.end(reason="CleanedUp")
    assert KEY not in stage.world.categories


def test_a_cleanup_that_failed_is_told_tried_again_and_can_be_passed_over(stage: Stage) -> None:
    stage.apply(deletionPolicy="Delete", suspend=True)
    stage.world.delete(KEY)
    stage.look()
    stage.end("Failed", "BackoffLimitExceeded", error="the bucket does not answer")
    assert stage.says() == ("False", "CleanupFailed")
    message = stage.condition("Ready").message
    assert message.startswith("the bucket does not answer; the next try is at 2026-11-02T12:10")
    assert "spec.deletionPolicy to Retain" in message
    stage.operator.advance(minutes=10)
    stage.look()
    stage.sweep()
    assert stage.says() == ("False", "CleaningUp")
    assert stage.status.failures == 1
    stage.fail("the bucket does not answer")
    stage.apply(deletionPolicy="Retain", suspend=True)
    assert KEY not in stage.world.categories


def test_a_looked_at_category_is_left_alone_by_a_second_look(stage: Stage) -> None:
    stage.apply()
    writes = stage.world.writes
    stage.look()
    assert stage.world.writes == writes
