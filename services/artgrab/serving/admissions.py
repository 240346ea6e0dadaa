"""Who may ask: whoever shows a token that the operator of the service has written into a file.

A token is never part of a message or of a log.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from artgrab.common.errors import BadInputError
from artgrab.common.rereading import Reread

_MAX_FILE_BYTES = 64 * 1024
_TOKEN = re.compile(rb"[\x21-\x7e]{16,512}")
_SCHEME = "bearer"
_HOW = "artgrab predict --token-file, or token of PredictClient"

Metadata = Iterable[tuple[str, str | bytes]]


class Admissions:
    """The tokens of a file, which is read again when it changes."""

    def __init__(self, file: Path) -> None:
        """Read the tokens.

        Raises:
            BadInputError: the file cannot be read, or holds no tokens, or something else.
        """
        self._digests = Reread([file], lambda: read_digests(file))

    def refusal(self, metadata: Metadata) -> str:
        """Return why a caller may not ask; nothing where it may."""
        shown = [value for name, value in metadata if name == "authorization"]
        if not shown:
            return f"this server wants a token, and none was given: {_HOW}"
        if not any(self._is_known(value) for value in shown):
            return "the token is none of this server's, or no longer; give another one"
        return ""

    def _is_known(self, shown: str | bytes) -> bool:
        """Compare with all tokens, in a time that tells nothing of them."""
        text = shown.encode() if isinstance(shown, str) else shown
        scheme, _, token = text.partition(b" ")
        digest = _digest(token.strip())
        same = [hmac.compare_digest(digest, known) for known in self._digests.current()]
        return any(same) and scheme.lower() == _SCHEME.encode()


def read_digests(file: Path) -> Sequence[bytes]:
    """Return the digests of the tokens in a file, one a line; empty lines are passed over.

    Raises:
        BadInputError: it cannot be read, holds no token, or a line that is none.
    """
    lines = [line.strip() for line in _read(file).splitlines()]
    for number, line in enumerate(lines, start=1):
        if line and not _TOKEN.fullmatch(line):
            raise BadInputError(
                f"tokens {file}: line {number} is no token; one has 16 to 512 letters, digits and "
                "signs, as of: openssl rand -hex 32"
            )
    digests = [_digest(line) for line in lines if line]
    if not digests:
        raise BadInputError(f"tokens {file}: there is none in it; write one a line")
    return digests


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadInputError(f"tokens {file}: cannot be read: {error.strerror}") from error
    if len(data) > _MAX_FILE_BYTES:
        raise BadInputError(f"tokens {file}: longer than {_MAX_FILE_BYTES} bytes")
    return data


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
