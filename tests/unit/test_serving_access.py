"""Who may ask a predict server, and over what: tokens and certificates that change meanwhile."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from artgrab.common.certificates import server_credentials
from artgrab.common.errors import BadInputError
from artgrab.common.rereading import Reread
from artgrab.common.servers import read_settings
from artgrab.serving.access import Access
from artgrab.serving.admissions import Admissions, read_digests
from artgrab.serving.settings import ServingSettings
from tests.support.certificates import make_pair

TOKEN, OTHER = "first-token-0123456789", "second-token-0123456789"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    file = tmp_path / "tokens"
    file.write_text(f"{TOKEN}\n\n  {OTHER}  \n")
    return file


def shown(token: str, scheme: str = "Bearer") -> list[tuple[str, str | bytes]]:
    return [("user-agent", "x"), ("authorization", f"{scheme} {token}")]


def test_each_token_of_the_file_is_let_in(tokens: Path) -> None:
    admissions = Admissions(tokens)
    assert admissions.refusal(shown(TOKEN)) == ""
    assert admissions.refusal(shown(OTHER, "bearer")) == ""


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        [("authorization", TOKEN)],
        shown(TOKEN, "Basic"),
        shown(TOKEN[:-1]),
        shown(TOKEN + "x"),
        shown(""),
        [("Authorization ", f"Bearer {TOKEN}")],
        [("authorization", b"\xff\xfe")],
    ],
)
def test_others_are_told_why_without_a_part_of_a_token(
    tokens: Path, metadata: list[tuple[str, str | bytes]]
) -> None:
    refusal = Admissions(tokens).refusal(metadata)
    assert "token" in refusal
    assert TOKEN[:5] not in refusal


@given(st.text(max_size=40))
def test_no_text_but_a_token_is_let_in(text: str) -> None:
    digests: Reread[Sequence[bytes]] = Reread([], lambda: [b"\0" * 32])
    admissions = Admissions.__new__(Admissions)
    admissions._digests = digests
    assert admissions.refusal(shown(text)) != ""


def test_a_token_may_ask_from_the_moment_that_it_is_in_the_file_to_when_it_is_not(
    tokens: Path,
) -> None:
    admissions = Admissions(tokens)
    new = "third-token-0123456789"
    assert admissions.refusal(shown(new)) != ""
    replace(tokens, f"{new}\n")
    assert admissions.refusal(shown(new)) == ""
    assert admissions.refusal(shown(TOKEN)) != ""


@pytest.mark.parametrize("content", ["", "\n", "short\n", f"{TOKEN} {OTHER}\n"])
def test_a_file_that_comes_to_hold_no_tokens_changes_nothing_and_is_told_once(
    tokens: Path, content: str
) -> None:
    admissions = Admissions(tokens)
    replace(tokens, content)
    with capture_logs() as logs:
        assert admissions.refusal(shown(TOKEN)) == ""
        assert admissions.refusal(shown(OTHER)) == ""
    (log,) = logs
    assert str(tokens) in log["why"]
    assert TOKEN not in str(log)
    replace(tokens, f"{OTHER}\n")
    assert admissions.refusal(shown(TOKEN)) != ""


def test_a_file_that_is_gone_for_a_moment_changes_nothing(tokens: Path) -> None:
    admissions = Admissions(tokens)
    tokens.unlink()
    assert admissions.refusal(shown(TOKEN)) == ""


def replace(file: Path, content: str) -> None:
    other = file.with_name("other")
    other.write_text(content)
    other.replace(file)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "there is none in it"),
        (b"a-good-token-0123456789\nshort\n", "line 2 is no token"),
        (b"x" * 65 * 1024, "longer than 65536 bytes"),
        ("töken-with-a-sign-of-no-ascii".encode(), "line 1 is no token"),
    ],
)
def test_a_file_of_something_else_is_bad_input(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "tokens"
    file.write_bytes(content)
    with pytest.raises(BadInputError, match=said) as caught:
        read_digests(file)
    assert "0123456789" not in str(caught.value)
    with pytest.raises(BadInputError, match="cannot be read"):
        read_digests(tmp_path / "none")


def test_what_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("1")
    second.write_text("1")
    meanwhile: list[Callable[[], object]] = []

    def read() -> str:
        found = first.read_text()
        while meanwhile:
            meanwhile.pop()()
        return found + second.read_text()

    value = Reread([first, second], read)
    first.write_text("02")
    meanwhile.append(lambda: second.write_text("03"))
    assert value.current() == "11"
    assert value.current() == "0203"


def test_a_link_that_is_turned_is_a_change(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    os.utime(tmp_path / "a", ns=(1, 1))
    os.utime(tmp_path / "b", ns=(1, 1))
    link = tmp_path / "link"
    link.symlink_to("a")
    value = Reread([link], link.read_text)
    (tmp_path / "new").symlink_to("b")
    (tmp_path / "new").replace(link)
    assert value.current() == "b"


def test_certificate_and_key_must_belong_together(tmp_path: Path) -> None:
    pair, other = make_pair(tmp_path / "a"), make_pair(tmp_path / "b")
    server_credentials(pair.certificate, pair.key)
    for certificate, key in ((pair.certificate, other.key), (pair.key, pair.certificate)):
        with pytest.raises(BadInputError, match="are no certificate"):
            server_credentials(certificate, key)
    with pytest.raises(BadInputError, match="none cannot be read"):
        server_credentials(tmp_path / "none", pair.key)


def test_a_certificate_without_a_key_is_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARTGRAB_SERVING_TLS_CERTIFICATE_FILE", "tls.crt")
    with pytest.raises(BadInputError, match="give both"):
        read_settings(ServingSettings)


def test_a_variable_that_is_empty_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEALTH_LISTEN", "TOKENS_FILE", "TLS_KEY_FILE", "MAX_PICTURES"):
        monkeypatch.setenv(f"ARTGRAB_SERVING_{name}", "")
    assert read_settings(ServingSettings) == ServingSettings()


@pytest.mark.parametrize(
    ("listen", "warnings"), [("127.0.0.1:0", 0), ("[::1]:0", 0), ("0.0.0.0:8500", 2)]
)
def test_a_server_that_others_reach_without_guard_says_so(listen: str, warnings: int) -> None:
    structlog.reset_defaults()
    with capture_logs() as logs:
        access = Access.of(ServingSettings(listen=listen))
    assert (access.credentials, access.admissions) == (None, None)
    assert len(logs) == warnings


def test_a_guarded_server_warns_of_nothing(tmp_path: Path, tokens: Path) -> None:
    pair = make_pair(tmp_path / "tls")
    settings = ServingSettings(
        listen="0.0.0.0:8500",
        tls_certificate_file=pair.certificate,
        tls_key_file=pair.key,
        tokens_file=tokens,
    )
    with capture_logs() as logs:
        access = Access.of(settings)
    assert access.credentials is not None
    assert access.admissions is not None
    assert logs == []
