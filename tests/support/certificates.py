"""Certificates of 127.0.0.1, each signed by itself."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


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
    """Write a new pair into a folder, which is made."""
    folder.mkdir(exist_ok=True)
    pair = Pair(folder / "tls.crt", folder / "tls.key")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 "
        "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run(
        [*command.split(), "-keyout", str(pair.key), "-out", str(pair.certificate)],
        check=True,
        capture_output=True,
    )
    return pair
