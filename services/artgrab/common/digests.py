"""Digests that name content and inputs."""

import hashlib
from typing import Any

import msgspec


def sha256_hex(data: bytes | memoryview) -> str:
    """Return the SHA-256 of data as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value: Any) -> bytes:
    """Return JSON with sorted keys, so that equal values have equal bytes."""
    return msgspec.json.encode(value, order="deterministic")


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON-like value, independent of the order of its keys."""
    return sha256_hex(canonical_json(value))


def short_digest(value: Any, *, length: int = 16) -> str:
    """Return the first hexadecimal digits of digest_of, for names that people read."""
    return digest_of(value)[:length]
