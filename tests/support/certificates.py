"""Certificates of 127.0.0.1: signed by themselves, or by an authority of the test."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
HERE = "IP:127.0.0.1"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path

    def replace(self, other: "Pair") -> None:
        """Put another pair in the place of this one, one file after the other."""
        other.key.replace(self.key)
        other.certificate.replace(self.certificate)


def make_pair(folder: Path) -> Pair:
    """Write a new pair, signed by itself, into a folder, which is made."""
    pair = _pair_in(folder)
    _openssl(
        f"req -x509 {_KEY} -days 1 -subj /CN=127.0.0.1 -addext subjectAltName={HERE}",
        *("-keyout", str(pair.key), "-out", str(pair.certificate)),
    )
    return pair


@dataclass(frozen=True)
class Authority:
    """Who signs certificates."""

    pair: Pair

    @property
    def certificate(self) -> Path:
        """What those trust who trust it."""
        return self.pair.certificate

    def issue(self, folder: Path, *, names: str = HERE, days: int = 1) -> Pair:
        """Write a pair that it signed into a folder, which is made.

        Args:
            folder: of the pair.
            names: as subjectAltName has them.
            days: until it expires; negative for one that has.
        """
        pair = _pair_in(folder)
        request = folder / "request"
        _openssl(
            f"req -new {_KEY} -subj /CN=test -addext subjectAltName={names}",
            *("-keyout", str(pair.key), "-out", str(request)),
        )
        _openssl(
            f"x509 -req -days {days} -copy_extensions copy -CAcreateserial -in {request}",
            *("-CA", str(self.pair.certificate), "-CAkey", str(self.pair.key)),
            *("-out", str(pair.certificate)),
        )
        return pair


def make_authority(folder: Path) -> Authority:
    """Make somebody who signs, in a folder, which is made."""
    pair = _pair_in(folder)
    _openssl(
        f"req -x509 {_KEY} -days 1 -subj /CN=authority",
        *("-keyout", str(pair.key), "-out", str(pair.certificate)),
    )
    return Authority(pair)


def _pair_in(folder: Path) -> Pair:
    folder.mkdir(exist_ok=True)
    return Pair(folder / "tls.crt", folder / "tls.key")


def _openssl(words: str, *more: str) -> None:
    command: Sequence[str] = ("openssl", *words.split(), *more)
    subprocess.run(command, check=True, capture_output=True)
