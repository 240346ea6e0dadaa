"""Settings of the downloader that would lead astray are refused at the start."""

import pytest

from artgrab.common.errors import BadInputError
from artgrab.common.servers import read_settings
from artgrab.downloader.settings import DownloaderSettings
from artgrab.scraper.channels import TlsSettings


def test_one_of_several_must_know_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTGRAB_DOWNLOADER_ADDRESSES", '["downloader:50051"]')
    with pytest.raises(BadInputError) as caught:
        read_settings(DownloaderSettings)
    assert str(caught.value).startswith("environment: ARTGRAB_DOWNLOADER_OWN_ADDRESS: set it to")
    monkeypatch.setenv("ARTGRAB_DOWNLOADER_OWN_ADDRESS", "10.0.0.1:50051")
    assert read_settings(DownloaderSettings).own_address == "10.0.0.1:50051"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("fd00:10:244::7:50051", "[fd00:10:244::7]:50051"),  # $(POD_IP):50051
        ("[fd00:0:0::7]:50051", "[fd00::7]:50051"),
        ("10.0.0.1:50051", "10.0.0.1:50051"),
    ],
)
def test_its_own_address_is_read_as_names_are_resolved(given: str, read: str) -> None:
    settings = DownloaderSettings(addresses=["downloader:50051"], own_address=given)
    assert settings.own_address == read


def test_alone_it_needs_no_address() -> None:
    assert read_settings(DownloaderSettings).own_address == ""


def test_metrics_are_for_this_machine_where_nothing_else_is_set() -> None:
    assert read_settings(DownloaderSettings).metrics_address == "127.0.0.1"


@pytest.mark.parametrize(
    ("kind", "given", "told"),
    [
        (DownloaderSettings, {"tls_certificate_file": "c"}, "give both"),
        (DownloaderSettings, {"tls_client_ca_file": "a"}, "tls_client_ca_file needs TLS"),
        (TlsSettings, {"tls_key_file": "k", "tls_ca_file": "a"}, "give both"),
        (TlsSettings, {"tls_key_file": "k", "tls_certificate_file": "c"}, "give tls_ca_file too"),
    ],
)
def test_certificates_that_do_not_go_together_are_told(
    kind: type[DownloaderSettings | TlsSettings], given: dict[str, str], told: str
) -> None:
    with pytest.raises(BadInputError, match=told):
        read_settings(kind, **given)
