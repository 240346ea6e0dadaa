"""What people read of a snapshot: card, contact sheets, credits and what was left out."""

from collections.abc import Iterator, Sequence

from artgrab.common.manifest import ManifestRow, SnapshotInfo
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.store import Store
from artgrab.dataset.pictures import Dropped
from artgrab.dataset.tables import encode_credits, encode_dropped


def papers_of(
    store: Store,
    classifier: str,
    info: SnapshotInfo,
    rows: Sequence[ManifestRow],
    dropped: Sequence[Dropped],
    *,
    progress: ProgressSink,
) -> Iterator[tuple[str, bytes]]:
    """Yield path below the snapshot's prefix and content of each paper.

    Raises:
        ObjectMissingError: an object that a record names is gone.
        ObjectCorruptError: an object is not what its record says.
    """
    yield "dropped.parquet", encode_dropped(dropped)
    yield "attribution.csv", encode_credits(rows)
    progress(
        Progress(stage="dataset", item=classifier, done=len(rows), total=len(rows), finished=True)
    )
