"""Where jobs are killed: the small documents, the demo world, and stores of either kind."""

import itertools
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.jobs import Setting
from tests.support.jobs import small_documents
from tests.support.s3 import BUCKET, S3Server
from tests.world.world import World

CATEGORIES = ("clipart", "costumes", "landscape", "fish")
"""Three galleries, of which one presses a button and one scrolls, and a wiki."""
LIMIT = 40
"""Pictures of a gallery: enough for a model that is not chance."""


class Grounds:
    """Makes a new store for each life."""

    def __init__(self, folder: Path, world: World, s3: S3Server | None) -> None:
        self._folder = folder
        self._documents = small_documents(folder, categories=CATEGORIES, limit=LIMIT)
        self._world = world
        self._s3 = s3
        self._numbers = itertools.count()

    def new(self, kind: str) -> Setting:
        """Return a setting with a store of its own, that is still empty."""
        number = next(self._numbers)
        scratch = self._folder / str(number)
        scratch.mkdir()
        environment = {
            "ARTGRAB_RESOLVE": json.dumps(self._world.resolve),
            "ARTGRAB_ALLOWED_TARGETS": json.dumps(self._world.allowed_targets),
        }
        store = str(scratch / "store")
        if kind == "s3":
            assert self._s3 is not None
            environment |= self._s3.environment
            store = f"s3://{BUCKET}/chaos-{os.getpid()}-{number}"
        return Setting(
            documents=self._documents, store=store, scratch=scratch, environment=environment
        )


@contextmanager
def grounds(world: World, s3: S3Server | None) -> Iterator[Grounds]:
    """Yield grounds in a temporary folder, whose path is short."""
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as folder:
        yield Grounds(Path(folder), world, s3)
