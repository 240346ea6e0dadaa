"""What a kill in the middle of a put leaves beside the objects, and its clearing away.

In a folder obstore writes `key#1` (or 2, ...) beside the object and then renames or links it. Such
files are no objects: they are never listed or read. In a bucket an unfinished multipart upload
keeps its parts, which nobody sees and somebody pays.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import structlog

from artgrab.common.store import Store

if TYPE_CHECKING:
    from artgrab.common.store.s3 import S3

_OURS = re.compile(
    r"(?:[^/]+/(?:categories|datasets|features|models|classifiers)|takedowns|sources)/.+"
)
"""Keys that artgrab writes (docs/stores.md); nobody else's files are touched."""

_STAGING = re.compile(r".+#[0-9]+")
_STILL_SECONDS = 2.0
STALE_UPLOAD = timedelta(days=1)
"""By the server's clock: nothing that lives uploads for so long."""

_log = structlog.get_logger()


def clear_leftovers(store: Store, *, sleep: Callable[[float], None] = time.sleep) -> int:
    """Remove what killed writers left, and nothing that is being written; return how many.

    Raises:
        SurroundingsError: the store failed.
    """
    if store.folder is not None:
        return _clear_staging(store.folder, sleep)
    return _abort_uploads(store.s3) if store.s3 else 0


class _Staging(NamedTuple):
    path: Path
    inode: tuple[int, int]
    state: tuple[int, int]
    """Size and time of the last change: who writes moves them."""


def _clear_staging(folder: Path, sleep: Callable[[float], None]) -> int:
    found = set(_staging_files(folder))
    if not found:
        return 0
    sleep(_STILL_SECONDS)
    at_work = _open_inodes()
    still = [one for one in found & set(_staging_files(folder)) if one.inode not in at_work]
    for one in still:
        with suppress(FileNotFoundError):
            one.path.unlink()
    return len(still)


def _staging_files(folder: Path) -> Iterator[_Staging]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            if _STAGING.fullmatch(name) and _OURS.fullmatch(path.relative_to(folder).as_posix()):
                with suppress(FileNotFoundError):
                    status = path.lstat()
                    inode = (status.st_dev, status.st_ino)
                    yield _Staging(path, inode, (status.st_size, status.st_mtime_ns))


def _open_inodes() -> set[tuple[int, int]]:
    """Return the files that processes of this machine have open, as far as we may see them."""
    found = set()
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            status = descriptor.stat()
            found.add((status.st_dev, status.st_ino))
    return found


def _abort_uploads(s3: "S3") -> int:
    from botocore.exceptions import BotoCoreError, ClientError

    client, bucket = s3.client(), s3.bucket
    prefix = bucket.key("")
    try:
        answer = client.list_multipart_uploads(Bucket=bucket.name, Prefix=prefix)
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        stale = [
            (one["Key"], one["UploadId"])
            for one in answer.get("Uploads", [])
            if now - one["Initiated"] > STALE_UPLOAD
            and _OURS.fullmatch(one["Key"].removeprefix(prefix))
        ]
        for key, upload in stale:
            client.abort_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload)
    except (BotoCoreError, ClientError, KeyError, ValueError) as error:
        # Not every server tells them, nor every user may ask: a lifecycle rule does it as well.
        _log.info("unfinished uploads cannot be looked for", problem=type(error).__name__)
        return 0
    return len(stale)
