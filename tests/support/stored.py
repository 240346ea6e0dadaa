"""A store with records and objects in it, as a downloader leaves them behind."""

import hashlib
import io
from collections.abc import Iterable

import msgspec
from PIL import Image

from artgrab.common.digests import sha256_hex
from artgrab.common.keys import image_key, records_prefix
from artgrab.common.records import (
    Candidate,
    Entry,
    Licence,
    Record,
    RecordOutcome,
    encode_entries,
)
from artgrab.common.store import Store
from artgrab.common.urls import candidate_id
from artgrab.images import process_picture

NAMESPACE = "default"


def candidate(url: str, *, rank: int = 0, source: str = "gallery", **more: object) -> Candidate:
    """Return a candidate of a URL; `more` are further fields of it."""
    fields = {"url": url, "rank": rank, "source": source, "licence": Licence(), **more}
    return msgspec.convert({"candidate_id": candidate_id(url).hex(), **fields}, Candidate)


def stored(
    one: Candidate,
    *,
    category: str,
    source_sha256: str,
    object_sha256: str = "",
    perceptual_hash: str = "0" * 16,
    side: int = 100,
    run_id: str = "run-1",
    retrieved_at: str = "2026-11-01T00:00:00Z",
) -> Record:
    """Return the record of a stored picture."""
    return Record(
        candidate=one,
        outcome=RecordOutcome.STORED,
        run_id=run_id,
        retrieved_at=retrieved_at,
        source_sha256=source_sha256,
        source_width=side,
        source_height=side,
        object_key=image_key(NAMESPACE, category, source_sha256, "test"),
        object_sha256=object_sha256 or sha256_hex(source_sha256.encode()),
        width=side,
        height=side,
        perceptual_hash=perceptual_hash,
    )


def not_stored(one: Candidate, outcome: RecordOutcome, reason: str) -> Record:
    """Return the record of a picture that was rejected or failed."""
    return Record(candidate=one, outcome=outcome, run_id="run-1", retrieved_at="", reason=reason)


def put_entries(
    store: Store, category: str, entries: Iterable[Entry], *, run_id: str = "run-1"
) -> None:
    """Write one part of records."""
    data = encode_entries(entries)
    prefix = records_prefix(NAMESPACE, category)
    store.put_if_absent(f"{prefix}/{run_id}/{sha256_hex(data)}.jsonl", data)


def drawing(seed: str, *, side: int = 64) -> bytes:
    """Return a small JPEG that differs for every seed, to the eye as well."""
    noise = hashlib.shake_256(seed.encode()).digest(48)
    image = Image.frombytes("RGB", (4, 4), noise).resize((side, side), Image.Resampling.BICUBIC)
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=90)
    return sink.getvalue()


def put_picture(
    store: Store, category: str, url: str, *, data: bytes | None = None, **more: object
) -> Record:
    """Store a picture with its record; the same bytes for the same URL."""
    picture = process_picture(data or drawing(url))
    record = Record(
        candidate=candidate(url, **more),  # type: ignore[arg-type]  # fields of a candidate
        outcome=RecordOutcome.STORED,
        run_id="run-1",
        retrieved_at="2026-11-01T00:00:00Z",
        source_sha256=picture.source_sha256,
        source_width=picture.source_width,
        source_height=picture.source_height,
        source_format=picture.source_format,
        object_key=image_key(NAMESPACE, category, picture.source_sha256, picture.encoding),
        object_sha256=picture.object_sha256,
        width=picture.width,
        height=picture.height,
        perceptual_hash=picture.perceptual_hash,
    )
    store.put_if_absent(record.object_key, picture.object_bytes)
    put_entries(store, category, [record])
    return record
