"""The ways to serve a model, by name."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from artgrab.common.errors import SurroundingsError
from artgrab.common.servers import check_address, read_settings
from artgrab.serving.batching import BatchingEngine, Classifier
from artgrab.serving.server import serve_engine
from artgrab.serving.settings import ServingSettings
from artgrab.serving.sources import Source

OnReady = Callable[[str], None]


class Runtime(Protocol):
    """Serves a model until a signal."""

    def __call__(
        self,
        source: Source,
        *,
        listen: str | None,
        on_ready: OnReady,
        archive: Path | None,
    ) -> None: ...


def serve_natively(
    source: Source, *, listen: str | None, on_ready: OnReady, archive: Path | None = None
) -> None:
    """Serve with the model in this process.

    Raises:
        ArtgrabError: as artgrab.serving.serve, or the model cannot be read.
    """
    settings = read_settings(ServingSettings, listen=listen)
    check_address(settings.listen)
    served = source.describe()

    def load() -> Classifier:
        from artgrab.model import classifier, folder  # torch: not before all that is quick

        model = folder.read_model(source.read, where=source.where)
        return classifier.Classifier(model, threads=settings.threads)

    engine = BatchingEngine(load, batch_pictures=settings.batch_pictures)
    asyncio.run(serve_engine(settings, engine, on_ready, served=served))


def serve_by_torchserve(
    source: Source, *, listen: str | None, on_ready: OnReady, archive: Path | None = None
) -> None:
    """Serve with TorchServe behind this process, which loads no torch itself.

    Args:
        source: where the model lies.
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
    check_address(settings.listen)
    programs = find_programs()
    served = source.describe()
    if archive is None:
        data = build_archive(source.read, where=source.where)
    else:
        data = _read(archive)
        check_archive(data, content_sha256=served.content_sha256, where=str(archive))
    engine = TorchServeEngine(settings, programs, data)
    asyncio.run(serve_engine(settings, engine, on_ready, served=served))


RUNTIMES: dict[str, Runtime] = {"native": serve_natively, "torchserve": serve_by_torchserve}


def _read(archive: Path) -> bytes:
    try:
        return archive.read_bytes()
    except OSError as error:
        raise SurroundingsError(f"{archive}: {error.strerror}") from error
