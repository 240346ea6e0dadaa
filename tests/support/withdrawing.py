"""A store with everything in it that is made of pictures, one of them magenta and to be found."""

import base64
import io
import re
from collections.abc import Iterator

import msgspec
import numpy as np
from PIL import Image

from artgrab.common.digests import sha256_hex
from artgrab.common.keys import model_prefix
from artgrab.common.pages import Thumbnail
from artgrab.common.pages import environment as pages
from artgrab.common.progress import no_progress
from artgrab.common.record_parts import compact, read_records
from artgrab.common.records import Record
from artgrab.common.resources import API_VERSION, ArtClassifier
from artgrab.common.store import Store
from artgrab.dataset import Snapshot, build_snapshot
from artgrab.model.documents import MARKER, ModelInfo, content_digest
from artgrab.trainer.features import StoredPicture, cached_features
from tests.support.drawn import drawn, encoded
from tests.support.ingest_client import candidate, downloader, ingest
from tests.support.playing_hosts import PlayingHosts

LABELS = {"graffiti": "art", "tools": "not-art"}
SITES = {"graffiti": (0, 1, 5, 6), "tools": (0, 3, 6, 7)}
"""Numbers of sites that come to both sides of the split."""
URL = "http://img.graffiti-0.test/picture.jpg"
PAGE = "http://www.graffiti-0.test/page.html"
COPY = "http://img.copies.test/copy.png"
"""The same picture, re-encoded and smaller; it is left out of snapshots as a near-duplicate."""
MODEL = model_prefix("default", "m" * 64)

_DATA_URI = re.compile(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)")


def magenta(*, side: int = 240) -> Image.Image:
    """Return a picture of magenta patches, light and dark; the others here are grey."""
    shades = np.random.default_rng(7).integers(0, 2, (5, 5), dtype=np.uint8) * 150 + 105
    patches = np.stack([shades, np.zeros_like(shades), shades], axis=2)
    return Image.fromarray(patches).resize((side, side), Image.Resampling.BICUBIC)


ORIGINAL = encoded(magenta(), quality=95)


def put_hosts(hosts: PlayingHosts) -> dict[str, list[str]]:
    """Let each site of each category offer a picture; return the URLs by category."""
    urls: dict[str, list[str]] = {}
    for place, category in enumerate(LABELS):
        urls[category] = [f"http://img.{category}-{n}.test/picture.jpg" for n in SITES[category]]
        for number, url in enumerate(urls[category]):
            hosts.put(url, encoded(drawn(100 * place + number, width=120, height=100).convert("L")))
    hosts.put(URL, ORIGINAL)
    hosts.put(COPY, encoded(magenta(side=180), "PNG"))
    urls["graffiti"].append(COPY)
    return urls


async def collect(store: Store, hosts: PlayingHosts, urls: dict[str, list[str]]) -> None:
    """Fetch pictures into a store through the real downloader."""
    async with downloader(store, hosts.network) as endpoint:
        for category, found in urls.items():
            wanted = [
                candidate(
                    url, page_url=url.replace("img.", "www.").replace("picture.jpg", "page.html")
                )
                for url in found
            ]
            await ingest(endpoint, wanted, category=category)
            compact(store, namespace="default", category=category, min_parts=1)


def classifier() -> ArtClassifier:
    def one(label: str) -> dict[str, object]:
        return {"label": label, "categorySelector": {"matchLabels": {"set": label}}}

    document = {
        "apiVersion": API_VERSION,
        "kind": "ArtClassifier",
        "metadata": {"name": "art-or-not"},
        "spec": {
            "classes": [one("art"), one("not-art")],
            "curation": {"testPercent": 40},
        },
    }
    return ArtClassifier.model_validate(document)


def build(store: Store, *, parent: str | None = None) -> Snapshot:
    return build_snapshot(
        store,
        namespace="default",
        classifier=classifier(),
        labels=LABELS,
        parent=parent,
        progress=no_progress,
    )


def record_of(store: Store, url: str, *, category: str = "graffiti") -> Record:
    """Return the final record of a URL."""
    merged = read_records(store, namespace="default", category=category)
    return next(one.record for one in merged.values() if one.record.candidate.url == url)


def put_model(store: Store, snapshot: Snapshot) -> None:
    """Store cached features, and a model whose report shows the magenta picture and another."""
    records = [record_of(store, URL), record_of(store, "http://img.graffiti-1.test/picture.jpg")]
    cached_features(
        store,
        [StoredPicture(one.object_key, one.object_sha256) for one in records],
        lambda batch: np.ones((len(batch), 3), np.float32),
        prefix="default/features/some",
        threads=1,
        progress=no_progress,
        item="some",
    )
    files = {"config.json": b"{}", "model.safetensors": b"", "report.html": _report(store, records)}
    digests = {name: sha256_hex(data) for name, data in files.items()}
    info = ModelInfo(
        input_key=MODEL.rpartition("/")[2],
        content_sha256=content_digest(digests),
        files=digests,
        backbone="none",
        labels=("art", "not-art"),
        dataset_sha256=snapshot.info.content_sha256,
        metrics={},
    )
    for name, data in files.items():
        store.put(f"{MODEL}/{name}", data)
    store.put(f"{MODEL}/{MARKER}", msgspec.json.encode(info))


def _report(store: Store, records: list[Record]) -> bytes:
    template = pages("artgrab.trainer").from_string(
        '{% from "pages/parts.html.j2" import picture %}'
        "<h1>A report</h1>{% for one in pictures %}{{ picture(one, 'A picture') }}{% endfor %}"
    )
    pictures = [
        Thumbnail(one.source_sha256, store.get(one.object_key), one.width, one.height)
        for one in records
    ]
    return template.render(pictures=pictures).encode()


def showing_magenta(store: Store) -> list[str]:
    """Return the keys of all objects that show the magenta picture, on sheets or in pages too."""
    keys = [info.key for info in store.list("default")]
    return [key for key in keys if any(map(_is_magenta, _pictures_in(store, key)))]


def _pictures_in(store: Store, key: str) -> Iterator[bytes]:
    if key.endswith((".jpg", ".png")):
        yield store.get(key)
    elif key.endswith(".html"):
        for found in _DATA_URI.findall(store.get(key).decode()):
            yield base64.b64decode(found)


def _is_magenta(data: bytes) -> bool:
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    return int(((red > 80) & (blue > 80) & (green < 50)).sum()) > 20
