"""Licences as pages and APIs write them."""

import pytest

from artgrab.common.records import Licence
from artgrab.scraper.licences import licence


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://creativecommons.org/licenses/by-sa/4.0/", "CC-BY-SA-4.0"),
        ("http://www.creativecommons.org/licenses/by/2.0/de/deed.en", "CC-BY-2.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0", "PDM-1.0"),
        ("https://evil.test/?https://creativecommons.org/licenses/by/4.0/", ""),
        ("https://creativecommons.org.evil.test/licenses/by/4.0/", ""),
    ],
)
def test_an_address_of_creative_commons_has_a_code(url: str, code: str) -> None:
    assert licence(url, evidence="page") == Licence(code=code, url=url, evidence="page")


def test_a_name_is_kept_as_the_source_writes_it() -> None:
    assert licence("GPL-3.0+", evidence="api") == Licence(code="GPL-3.0+", evidence="api")


def test_no_licence_has_no_evidence() -> None:
    assert licence("", evidence="api") == Licence()
