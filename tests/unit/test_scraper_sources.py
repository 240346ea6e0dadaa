"""The table of sources: every kind that a user can write down has its driver."""

from artgrab.common.resources import Source
from artgrab.scraper.sources import DRIVERS
from artgrab.scraper.sources.base import MAX_TEXT_LENGTH, plain_text


def test_every_kind_of_source_has_a_driver() -> None:
    assert set(DRIVERS) == set(Source.model_fields)


def test_a_member_that_is_null_is_not_the_kind_of_a_source() -> None:
    document = {"gallery": None, "mediawiki": {"url": "http://wiki.test/api.php"}}
    assert Source.model_validate(document).kind == "mediawiki"


def test_texts_of_sources_are_cut_and_freed_of_control_characters() -> None:
    assert plain_text(" a\u202eb\x1b[31m\n\tc ") == "a b [31m c"
    assert len(plain_text("x" * 10**6)) == MAX_TEXT_LENGTH
