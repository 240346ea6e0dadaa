"""Pictures, asked of a predict server."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from artgrab.cli.picture_files import Pictures
from artgrab.cli.result import PredictionResult
from artgrab.cli.texts import readable
from artgrab.client import PredictClient, Prediction, Retries
from artgrab.common.manifest import TEST, read_manifest
from artgrab.common.progress import Progress, ProgressSink, no_progress
from artgrab.common.store import Store

_SHOWN_OF_A_CATEGORY = 2
_RETRIES = Retries(attempts=6)
"""Three seconds of waits, in the mean: somebody sits in front of it."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A predict server, and how it is spoken with."""

    endpoint: str
    token: str | None = field(default=None, repr=False)
    root_certificates: bytes | None = None
    tls: bool | None = None

    def open(self) -> PredictClient:
        """Return a client of it.

        Raises:
            BadInputError: the endpoint is none, or the token may not be sent there.
        """
        return PredictClient(
            self.endpoint,
            token=self.token,
            root_certificates=self.root_certificates,
            tls=self.tls,
            retries=_RETRIES,
        )


def pictures_of_test_split(store: Store, snapshot_prefix: str) -> Pictures:
    """Return some pictures that training never saw: the first of each category's test split."""
    rows = [row for row in read_manifest(store, snapshot_prefix) if row.split == TEST]
    rows.sort(key=lambda row: (row.category, row.source_sha256))
    chosen = [
        row
        for _, of_category in itertools.groupby(rows, key=lambda row: row.category)
        for row in itertools.islice(of_category, _SHOWN_OF_A_CATEGORY)
    ]
    return {
        store.uri_of(row.object_key): partial(store.get_verified, row.object_key, row.object_sha256)
        for row in chosen
    }


def predict_pictures(pictures: Pictures, *, endpoint: str) -> list[PredictionResult]:
    """Ask the server at endpoint about every picture, in order."""
    return list(stream_predictions(pictures, Target(endpoint=endpoint)))


def stream_predictions(
    pictures: Pictures, target: Target, *, progress: ProgressSink = no_progress
) -> Iterator[PredictionResult]:
    """Yield an answer for every picture, in order, as they come.

    A picture that cannot be read has its reason in `error`; the others are answered.

    Raises:
        BadInputError: the endpoint is none, or the server refuses the request or the token.
        SurroundingsError: the server is not there, is busy or failed, for too long.
    """
    unread: dict[str, str] = {}
    told = partial(Progress, stage="predict", total=len(pictures))
    failed = 0
    with target.open() as client:
        answers = client.stream(_contents(pictures, unread))
        for done, (name, one) in enumerate(zip(pictures, answers, strict=True), start=1):
            result = _result(name, one, unread.get(name, ""))
            failed += bool(result.error)
            over = done == len(pictures)
            progress(told(done=done, counts={"failed": failed}, finished=over))
            yield result


def _contents(pictures: Pictures, unread: dict[str, str]) -> Iterator[bytes]:
    """Yield the bytes of every picture; none, and the reason into unread, where there are none."""
    for name, read in pictures.items():
        try:
            yield read()
        except OSError as error:
            unread[name] = f"The file cannot be read: {error.strerror}."
            yield b""


def _result(name: str, one: Prediction, unread: str) -> PredictionResult:
    return PredictionResult(
        image=readable(name),
        label=one.label,
        probability=one.probability,
        error=unread or one.error,
    )
