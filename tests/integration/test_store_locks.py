"""One collector at a time on either kind of store; what a SIGKILL leaves does not last."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from artgrab.common.errors import StoreBusyError
from artgrab.common.store import Store
from artgrab.common.store.leases import LeaseLostError, lock_key
from artgrab.common.store.leftovers import clear_leftovers
from artgrab.common.store.lock import exclusive, exclusive_async, holder_of
from tests.support.s3 import BUCKET, S3Server
from tests.support.waiting import WAIT_SECONDS, eventually

_HOLD = """
import sys
from artgrab.common.store.lock import exclusive
from artgrab.common.store import Store
with exclusive(Store.open(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
_PUT_FOR_EVER = """
import sys
from artgrab.common.store import Store
store, data = Store.open(sys.argv[1]), b"1" * 30_000_000
print("begun", flush=True)
while True:
    store.put("default/models/m/model.safetensors", data)
    store.delete(["default/models/m/model.safetensors"])
"""


@contextmanager
def child(script: str, uri: str) -> Iterator[subprocess.Popen[str]]:
    """Run a script until it says its first word; whatever happens, it is gone afterwards."""
    with subprocess.Popen(
        [sys.executable, "-c", script, uri],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            yield process
        finally:
            process.kill()


def locks(store: Store) -> list[str]:
    """Return what is left of locks; a folder's own file holds nothing without a process."""
    return [one.key for one in store.list(".lock") if one.key != ".lock"]


def test_a_store_at_work_is_left_to_whoever_works_in_it(store: Store) -> None:
    with child(_HOLD, store.uri) as process:
        assert holder_of(store)
        with (
            pytest.raises(StoreBusyError, match="another artgrab run is at work"),
            exclusive(store),
        ):
            pass
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(WAIT_SECONDS) == 0
    assert not holder_of(store)
    with exclusive(store) as hold:
        hold.check()
    assert locks(store) == []


def test_after_a_sigkill_the_next_run_does_not_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artgrab.common.store.leases.LEASE_SECONDS", float("inf"))
    with child(_HOLD, store.uri) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT_SECONDS)
    with exclusive(store):
        pass
    assert locks(store) == []


def test_a_holder_whose_lock_was_taken_over_changes_nothing_any_more(s3: S3Server) -> None:
    store = Store.open(f"s3://{BUCKET}/lost-lock")
    with pytest.raises(LeaseLostError, match="another artgrab run has taken it over"):
        _lose_and_write(store)
    assert not store.exists("default/classifiers/a.json")
    store.put("default/classifiers/a.json", b"{}")
    store.delete([lock_key(7)])


def _lose_and_write(store: Store) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("artgrab.common.store.lock.BEAT_SECONDS", 0.05)
        with exclusive(store) as hold:
            Store.open(store.uri).put(lock_key(7), b"another's")
            deadline = time.monotonic() + WAIT_SECONDS
            while time.monotonic() < deadline:
                try:
                    hold.check()
                except LeaseLostError:
                    break
                time.sleep(0.01)  # the beat is a thread's: there is nothing to wait on
            store.put("default/classifiers/a.json", b"{}")


async def test_a_task_is_cancelled_when_its_lock_is_lost(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("artgrab.common.store.lock.BEAT_SECONDS", 0.05)
    store = Store.open(f"s3://{BUCKET}/lost-task")

    async def work() -> None:
        async with exclusive_async(store):
            Store.open(store.uri).put(lock_key(7), b"another's")
            await asyncio.sleep(WAIT_SECONDS)

    with pytest.raises(LeaseLostError, match="run the same again"):
        await work()


async def test_a_task_that_is_cancelled_while_it_holds_the_store_leaves_no_lock(
    store: Store,
) -> None:
    held = asyncio.Event()

    async def work() -> None:
        async with exclusive_async(store):
            held.set()
            await asyncio.sleep(WAIT_SECONDS)

    task = asyncio.create_task(work())
    await eventually(held.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert locks(store) == []
    with exclusive(store):
        pass


@pytest.mark.folder_only("a bucket shows no half of an object")
def test_what_a_sigkill_leaves_in_a_folder_is_no_object_and_cleared_away(store: Store) -> None:
    folder = Path(store.uri)
    for _ in range(20):
        with child(_PUT_FOR_EVER, store.uri) as process:
            deadline = time.monotonic() + WAIT_SECONDS
            while not staging(folder) and time.monotonic() < deadline:
                pass
            process.send_signal(signal.SIGKILL)
        if staging(folder):
            break
    assert staging(folder), "no kill fell into a put"
    assert all("#" not in one.key for one in store.list(""))
    theirs = folder / "notes#1"
    theirs.touch()
    with exclusive(store):
        assert not staging(folder)
    assert theirs.exists(), "only artgrab's own are cleared away"


def staging(folder: Path) -> list[Path]:
    return list(folder.glob("default/**/*#*"))


@pytest.mark.folder_only("a bucket shows no half of an object")
def test_what_is_being_written_is_not_cleared_away(store: Store) -> None:
    folder = Path(store.uri, "default/models/m")
    folder.mkdir(parents=True)
    (folder / "dead#1").touch()
    (folder / "moving#1").touch()

    def a_moment(_: float) -> None:
        os.truncate(folder / "moving#1", 5)

    with (folder / "open#1").open("wb"):
        assert clear_leftovers(store, sleep=a_moment) == 1
    assert sorted(one.name for one in folder.iterdir()) == ["moving#1", "open#1"]


def test_unfinished_uploads_of_ours_are_aborted_once_they_are_stale(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(f"s3://{BUCKET}/uploads")
    client = s3.client()

    def begin(key: str) -> None:
        client.create_multipart_upload(Bucket=BUCKET, Key=key)

    def unfinished() -> set[str]:
        answer = client.list_multipart_uploads(Bucket=BUCKET, Prefix="uploads/")
        return {one["Key"] for one in answer.get("Uploads", [])}

    begin("uploads/default/models/m/model.safetensors")
    begin("uploads/somebody-elses")
    assert clear_leftovers(store) == 0, "it may be alive"
    assert len(unfinished()) == 2
    monkeypatch.setattr("artgrab.common.store.leftovers.STALE_UPLOAD", -timedelta(days=1))
    assert clear_leftovers(store) == 1
    assert unfinished() == {"uploads/somebody-elses"}
