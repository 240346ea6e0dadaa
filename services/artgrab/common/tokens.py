"""Tokens of runs: a scraper shows one to a downloader, to write into one category and no other.

A JWT, signed by HMAC with a key that the operator and the downloaders have. Whoever has it is
believed, so no message ever holds a token, or any part of one.
"""

import base64
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, ClassVar

import jwt
import msgspec

from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError

MIN_KEY_BYTES = 32
MAX_TOKEN_LENGTH = 2048
"""Characters; one of ours has about 400."""
_MAX_KEY_BYTES = 4096
_ISSUER = "artgrab-operator"
_AUDIENCE = "artgrab-downloader"
_ALGORITHM = "HS256"
_FORM = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}", re.ASCII)
_LAST_SECOND = 253_402_300_799  # of the year 9999

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
_Time = Annotated[int, msgspec.Meta(ge=0, le=_LAST_SECOND)]


class TokenError(ArtgrabError):
    """A token is not good, or no longer; another one may be."""

    exit_code: ClassVar[int] = SurroundingsError.exit_code


class RunToken(msgspec.Struct, frozen=True, kw_only=True):
    """What its holder may do: write the pictures of one run."""

    namespace: str
    category: str
    run_id: str
    min_side: int
    """Pixels of the shorter side that a picture must have to be kept."""
    expires_at: datetime
    """To the second."""


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    aud: str
    ns: _Text
    category: _Text
    run: _Text
    minSide: Annotated[int, msgspec.Meta(ge=0, le=2**31)]  # noqa: N815 - a name of the format
    exp: _Time
    iat: _Time


def sign(token: RunToken, key: bytes, *, issued_at: datetime | None = None) -> str:
    """Return a token as text, as good as the key until it expires.

    Raises:
        BadInputError: the key is too short.
    """
    claims = _Claims(
        iss=_ISSUER,
        aud=_AUDIENCE,
        ns=token.namespace,
        category=token.category,
        run=token.run_id,
        minSide=token.min_side,
        exp=int(token.expires_at.timestamp()),
        iat=int((issued_at or datetime.now(UTC)).timestamp()),
    )
    return jwt.encode(msgspec.to_builtins(claims), _checked(key), algorithm=_ALGORITHM)


def verify(text: str, key: bytes, now: datetime) -> RunToken:
    """Return what a token says, once it is known to be signed by the key and not to be over.

    Raises:
        TokenError: it is not good; one line without a part of it.
        BadInputError: the key is too short.
    """
    claims = _claims(_payload(text, _checked(key)))
    expires_at = datetime.fromtimestamp(claims.exp, UTC)
    if expires_at <= now:
        raise TokenError(f"the token has expired at {expires_at:%Y-%m-%dT%H:%M:%SZ}")
    return RunToken(
        namespace=claims.ns,
        category=claims.category,
        run_id=claims.run,
        min_side=claims.minSide,
        expires_at=expires_at,
    )


def read_key(path: Path) -> bytes:
    """Return the key that a file holds: all of its bytes, a line break at its end included.

    Raises:
        BadInputError: it cannot be read, or is too short or long.
    """
    key = _read(path, "token key", limit=_MAX_KEY_BYTES)
    if len(key) < MIN_KEY_BYTES:
        raise BadInputError(
            f"token key {path}: {len(key)} bytes are too few; {MIN_KEY_BYTES} random ones are"
            " wanted, as of: head -c 32 /dev/urandom"
        )
    return key


def read_token(path: Path) -> str:
    """Return the token that a file holds, without what white space is around it.

    Raises:
        BadInputError: it cannot be read, or holds something else.
    """
    text = _read(path, "token", limit=MAX_TOKEN_LENGTH).decode("ascii", "replace").strip()
    if not _FORM.fullmatch(text):
        raise BadInputError(f"token {path}: there is no token in it; give one with --token-file")
    return text


def _read(path: Path, what: str, *, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no path"
        raise BadInputError(f"{what} {path}: cannot be read: {why}") from error
    if len(data) > limit:
        raise BadInputError(f"{what} {path}: longer than {limit} bytes; give another file")
    return data


def _checked(key: bytes) -> bytes:
    if len(key) < MIN_KEY_BYTES:
        raise BadInputError(f"the key of tokens must have at least {MIN_KEY_BYTES} bytes")
    return key


def _payload(text: str, key: bytes) -> object:
    """Return the claims of a token whose signature is right."""
    if not text:
        raise TokenError("a token is needed, and none was given")
    if len(text) > MAX_TOKEN_LENGTH or not _FORM.fullmatch(text) or not _is_canonical(text):
        raise TokenError("the token has not the form of one")
    try:
        return jwt.decode(
            text,
            key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            # Times are compared with the clock of the caller.
            options={
                "require": ["exp", "iat", "aud", "iss"],
                "strict_aud": True,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidSignatureError:
        raise TokenError("the token is not signed with the key of this downloader") from None
    except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
        raise TokenError("the token was made by another, or for another") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise TokenError("the token is not one of artgrab's") from None


def _is_canonical(text: str) -> bool:
    """Tell whether the signature is written as we write it: base64 can say one thing in two ways.

    What is before it is signed as it is written.
    """
    signature = text.rpartition(".")[2]
    if len(signature) % 4 == 1:
        return False
    decoded = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() == signature


def _claims(payload: object) -> _Claims:
    try:
        return msgspec.convert(payload, _Claims)
    except msgspec.ValidationError:
        raise TokenError("the token lacks what one must say, or says it wrongly") from None
