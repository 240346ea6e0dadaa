"""The ways to serve a model of the store, by name."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from artgrab.common.errors import SurroundingsError
from artgrab.common.servers import check_address, read_settings
from artgrab.common.store import Store
from artgrab.model.documents import CONFIG, ModelConfig, parse_config, read_info
from artgrab.serving.server import serve, serve_engine
from artgrab.serving.settings import ServingSettings

OnReady = Callable[[str], None]


class Runtime(Protocol):
    """Serves the model at a prefix of a store until a signal."""

    def __call__(
        self,
        uri: str,
        prefix: str,
        *,
        listen: str | None,
        on_ready: OnReady,
        archive: Path | None,
    ) -> None: ...


class Description(msgspec.Struct, frozen=True):
    """Which model is served, known without torch."""

    content_sha256: str
    config: ModelConfig


def serve_natively(
    uri: str, prefix: str, *, listen: str | None, on_ready: OnReady, archive: Path | None = None
) -> None:
    """Serve with the model in this process.

    Raises:
        ArtgrabError: as artgrab.serving.serve, or the model cannot be read.
    """
    settings = read_settings(ServingSettings, listen=listen)
    store = Store.open(uri, to_write=False)
    check_address(settings.listen)
    read_info(store, prefix)
    from artgrab.model.classifier import Classifier  # torch: not before all that is quick is right

    classifier = Classifier.load(store, prefix, threads=settings.threads)
    asyncio.run(serve(settings, classifier, on_ready))


def serve_by_torchserve(
    uri: str, prefix: str, *, listen: str | None, on_ready: OnReady, archive: Path | None = None
) -> None:
    """Serve with TorchServe behind this process, which loads no torch itself.

    Args:
        uri: of the store that holds the model.
        prefix: of the model.
        listen: ADDRESS:PORT.
        on_ready: called once with HOST:PORT when it answers.
        archive: of the model, if it was made before; it must be the very one.

    Raises:
        ArtgrabError: as artgrab.serving.serve; no Java; another archive.
    """
    from artgrab.serving.torchserve import TorchServeEngine, TorchServeSettings
    from artgrab.serving.torchserve.archive import build_archive, check_archive
    from artgrab.serving.torchserve.programs import find_programs

    settings = read_settings(TorchServeSettings, listen=listen)
    store = Store.open(uri, to_write=False)
    check_address(settings.listen)
    programs = find_programs()
    where = store.uri_of(prefix)
    info = read_info(store, prefix)
    if archive is None:
        data = build_archive(lambda name: store.get(f"{prefix}/{name}"), where=where)
    else:
        data = _read(archive)
        check_archive(data, content_sha256=info.content_sha256, where=str(archive))
    config = parse_config(store.get(f"{prefix}/{CONFIG}"), where=where)
    engine = TorchServeEngine(settings, programs, data)
    served = Description(info.content_sha256, config)
    asyncio.run(serve_engine(settings, engine, on_ready, served=served))


RUNTIMES: dict[str, Runtime] = {"native": serve_natively, "torchserve": serve_by_torchserve}


def _read(archive: Path) -> bytes:
    try:
        return archive.read_bytes()
    except OSError as error:
        raise SurroundingsError(f"{archive}: {error.strerror}") from error
