"""Tokens: what verifies is what was signed, word for word, and no message tells a token."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artgrab.common.errors import BadInputError
from artgrab.common.tokens import (
    MAX_TOKEN_LENGTH,
    RunToken,
    TokenError,
    read_key,
    read_token,
    sign,
    verify,
)

KEY = bytes(range(32))
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
TOKEN = RunToken(
    namespace="art",
    category="abstract",
    run_id="0123456789abcdef",
    min_side=96,
    expires_at=NOW + timedelta(hours=6),
)
SIGNED = sign(TOKEN, KEY, issued_at=NOW)
CLAIMS: dict[str, Any] = jwt.decode(SIGNED, options={"verify_signature": False})

names = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


def made(claims: object, *, key: bytes = KEY, algorithm: str = "HS256") -> str:
    """Sign anything at all."""
    return jwt.api_jws.encode(json.dumps(claims).encode(), key, algorithm=algorithm)


@given(
    namespace=names,
    category=names,
    run_id=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    min_side=st.integers(0, 4096),
    lives=st.integers(1, 10**8),
    key=st.binary(min_size=32, max_size=64),
)
def test_what_is_signed_verifies_and_says_the_same(
    namespace: str, category: str, run_id: str, min_side: int, lives: int, key: bytes
) -> None:
    token = RunToken(
        namespace=namespace,
        category=category,
        run_id=run_id,
        min_side=min_side,
        expires_at=NOW + timedelta(seconds=lives),
    )
    signed = sign(token, key)
    assert len(signed) <= MAX_TOKEN_LENGTH
    assert verify(signed, key, NOW) == token


def test_the_claims_are_those_agreed_upon() -> None:
    assert jwt.get_unverified_header(SIGNED)["alg"] == "HS256"
    assert {
        "iss": "artgrab-operator",
        "aud": "artgrab-downloader",
        "ns": "art",
        "category": "abstract",
        "run": "0123456789abcdef",
        "minSide": 96,
        "exp": int(TOKEN.expires_at.timestamp()),
        "iat": int(NOW.timestamp()),
    } == CLAIMS


@given(st.data())
def test_no_altered_token_verifies(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(SIGNED) - 1))
    cut = data.draw(st.integers(0, 3))
    put = data.draw(st.text(st.characters(max_codepoint=0x2FF), max_size=3))
    altered = SIGNED[:place] + put + SIGNED[place + cut :]
    if altered != SIGNED:
        with pytest.raises(TokenError):
            verify(altered, KEY, NOW)


def test_no_other_last_letter_verifies_although_base64_would_read_it_alike() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    good = [letter for letter in letters if _verifies(SIGNED[:-1] + letter)]
    assert good == [SIGNED[-1]]


def _verifies(text: str) -> bool:
    try:
        verify(text, KEY, NOW)
    except TokenError:
        return False
    return True


@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){2}"))
def test_whatever_else_comes_is_refused(text: str) -> None:
    with pytest.raises(TokenError):
        verify(text, KEY, NOW)


def _without(name: str) -> dict[str, Any]:
    return {key: value for key, value in CLAIMS.items() if key != name}


BAD = {
    "unsigned": jwt.encode(CLAIMS, None, algorithm="none"),
    "another algorithm": jwt.encode(CLAIMS, KEY * 2, algorithm="HS512"),
    "another key": sign(TOKEN, KEY[::-1]),
    "another audience": made(CLAIMS | {"aud": "artgrab-operator"}),
    "several audiences": made(CLAIMS | {"aud": ["artgrab-downloader", "x"]}),
    "another issuer": made(CLAIMS | {"iss": "kubernetes/serviceaccount"}),
    **{f"no {name}": made(_without(name)) for name in CLAIMS},
    "a name that is none": made(CLAIMS | {"ns": 7}),
    "an empty name": made(CLAIMS | {"category": ""}),
    "a long name": made(CLAIMS | {"category": "a" * 300}),
    "a negative side": made(CLAIMS | {"minSide": -1}),
    "a side that is a float": made(CLAIMS | {"minSide": 9.5}),
    "a time that is a text": made(CLAIMS | {"exp": "tomorrow"}),
    "a time beyond all calendars": made(CLAIMS | {"exp": 10**30}),
    "no object": made([CLAIMS]),
    "no JSON": jwt.api_jws.encode(b"\xff{", KEY, algorithm="HS256"),
    "deep JSON": jwt.api_jws.encode(b"[" * 1000, KEY, algorithm="HS256"),
    "a header without end": "W1tb" * 300 + "." + SIGNED.partition(".")[2],
    "a huge text": SIGNED + "A" * 10**6,
    "a line break": SIGNED + "\n",
    "four parts": SIGNED + ".AAAA",
    "nothing": "",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_a_token_that_is_not_ours_is_refused_in_one_line_without_it(text: str) -> None:
    with pytest.raises(TokenError) as caught:
        verify(text, KEY, NOW)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert not any(part in message for part in text.split(".") if len(part) > 8)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(days=900)])
def test_it_is_good_until_it_expires(late: timedelta) -> None:
    assert verify(SIGNED, KEY, TOKEN.expires_at - timedelta(seconds=1)) == TOKEN
    with pytest.raises(TokenError, match="expired at 2026-11-26T18:00:00Z"):
        verify(SIGNED, KEY, TOKEN.expires_at + late)


def test_a_short_key_signs_and_verifies_nothing() -> None:
    with pytest.raises(BadInputError, match="at least 32 bytes"):
        sign(TOKEN, KEY[:31])
    with pytest.raises(BadInputError, match="at least 32 bytes"):
        verify(SIGNED, b"", NOW)


def test_a_key_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    assert read_key(tmp_path / "key") == KEY + b"\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), (b"short", "5 bytes are too few"), (b"x" * 5000, "longer than")],
)
def test_a_key_that_is_none_is_told(content: bytes | None, words: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(BadInputError, match=words):
        read_key(tmp_path / "key")


def test_a_token_is_read_without_what_is_around_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SIGNED}\n")
    assert read_token(tmp_path / "token") == SIGNED
    (tmp_path / "token").write_text("secret but none")
    with pytest.raises(BadInputError, match="no token in it") as caught:
        read_token(tmp_path / "token")
    assert "secret" not in str(caught.value)
