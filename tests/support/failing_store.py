"""Stores that misbehave on purpose, over real ones."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from obstore.store import LocalStore

from artgrab.common.errors import SurroundingsError
from artgrab.common.store import Store


class KilledError(BaseException):
    """Stands for SIGKILL: nothing of ours may catch it and go on."""


class DyingStore(Store):
    """Dies before the n-th call that changes something, and at every one after it."""

    def __init__(self, folder: Path, *, calls: int) -> None:
        super().__init__(LocalStore(folder), uri=str(folder))
        self._left = calls

    def put_if_absent(self, key: str, data: bytes) -> bool:
        self._live()
        return super().put_if_absent(key, data)

    def put(self, key: str, data: bytes) -> None:
        self._live()
        super().put(key, data)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._live()
            super().delete([key])

    def _live(self) -> None:
        if self._left <= 0:
            raise KilledError
        self._left -= 1


class GatedStore(Store):
    """Lets asynchronous puts wait for a gate, or fail; `open` it as any other."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gate = asyncio.Event()
        self.failing = False
        self.asked = asyncio.Event()
        self.puts: list[str] = []

    async def put_if_absent_async(self, key: str, data: bytes) -> bool:
        self.asked.set()
        await self.gate.wait()
        if self.failing:
            raise SurroundingsError("the store is full")
        self.puts.append(key)
        return await super().put_if_absent_async(key, data)
