"""What our gRPC servers share."""

import pytest

from artgrab.common.errors import BadInputError
from artgrab.common.network import NetworkSettings
from artgrab.common.servers import read_settings


@pytest.mark.parametrize("value", ['{"*.test": "nowhere"}', "not json"])
def test_a_wrong_setting_is_told_in_one_line_with_its_name(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ARTGRAB_RESOLVE", value)
    with pytest.raises(BadInputError, match=r"(?i)resolve") as refused:
        read_settings(NetworkSettings)
    assert "\n" not in str(refused.value)


def test_a_contact_that_no_header_can_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTGRAB_CONTACT", "mailto:me@example.org\r\nX-Forged: yes")
    with pytest.raises(BadInputError, match="CONTACT"):
        read_settings(NetworkSettings)


def test_what_is_given_wins_and_what_is_none_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTGRAB_CONTACT", "from-the-environment")
    assert read_settings(NetworkSettings, contact=None).contact == "from-the-environment"
    assert read_settings(NetworkSettings, contact="given").contact == "given"
