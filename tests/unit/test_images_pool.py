"""Worker processes: a killed, stuck, greedy or worn-out one costs at most the picture it held."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from PIL import Image

from artgrab.images import DecodePool, DecoderFailedError, PictureRefusedError, process_picture
from artgrab.images.frames import Task, task_parts
from tests.support.drawn import drawn, encoded, jpeg
from tests.support.waiting import WAIT_SECONDS, eventually

WORKER = """
import os, sys, time
from artgrab.images.frames import *
task = read_task(sys.stdin.buffer)
{deed}
"""


def pool_doing(
    deed: str, *, timeout: float = 20.0, on_death: Callable[[], None] = lambda: None
) -> DecodePool:
    """A pool whose workers do something bad with the first picture; who sleeps has to be killed."""
    command = (sys.executable, "-c", WORKER.format(deed=deed))
    return DecodePool(workers=1, timeout=timeout, command=command, on_death=on_death)


def children() -> list[psutil.Process]:
    """Return the running workers; other tests in this process may have children of their own."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "artgrab.images" in " ".join(child.cmdline()):
                found.append(child)
    return found


async def test_a_pool_gives_what_the_plain_function_gives() -> None:
    data = jpeg(1, width=800, height=600)
    async with DecodePool(workers=1) as pool:
        assert await pool.process(data) == process_picture(data)
        with pytest.raises(PictureRefusedError, match="too-small"):
            await pool.process(data, min_side=601)
        with pytest.raises(PictureRefusedError, match="html"):
            await pool.process(b"<html >")


async def test_the_death_of_a_worker_costs_no_picture() -> None:
    async with DecodePool(workers=1) as pool:
        await pool.process(jpeg(1))
        (worker,) = children()
        worker.kill()
        assert (await pool.process(jpeg(2))).width == 320


async def test_a_worker_that_dies_between_pictures_leaves_no_open_files() -> None:
    async with DecodePool(workers=1) as pool:
        await pool.process(jpeg(1))
        before = pipes_open()
        for number in range(3):
            (worker,) = children()
            worker.kill()
            await eventually(lambda: not children())
            await pool.process(jpeg(number))
        assert pipes_open() == before


def pipes_open() -> int:
    links = (os.path.realpath(one.path) for one in os.scandir("/proc/self/fd"))
    return sum("pipe:" in link for link in links)


async def test_the_death_of_all_workers_in_the_middle_of_pictures_costs_none() -> None:
    async with DecodePool(workers=2) as pool:
        pictures = [jpeg(seed, width=2000, height=2000) for seed in range(4)]
        asked = [asyncio.create_task(pool.process(data)) for data in pictures]
        await eventually(lambda: len(children()) == 2)
        for worker in children():
            worker.kill()
        assert len(await asyncio.gather(*asked)) == 4


async def test_a_picture_that_kills_its_worker_is_tried_twice_and_no_more(tmp_path: Path) -> None:
    deed = f"open({os.fspath(tmp_path / 'tries')!r}, 'a').write('x'); os._exit(1)"
    deaths: list[int] = []
    async with pool_doing(deed, on_death=lambda: deaths.append(1)) as pool:
        with pytest.raises(DecoderFailedError, match="decoder-died"):
            await pool.process(jpeg(1))
        assert pool.size == 0
    assert (tmp_path / "tries").read_text() == "xx"
    assert len(deaths) == 2


async def test_a_worker_that_answers_garbage_counts_as_dead() -> None:
    async with pool_doing("sys.stdout.buffer.write(b'\\0\\0\\0\\1?')") as pool:
        with pytest.raises(DecoderFailedError, match="decoder-died"):
            await pool.process(jpeg(1))


@pytest.mark.parametrize(
    "lie",
    [
        "source_format='svg'",
        "object_bytes=1",
        "object_bytes=b'<script>'",
        "perceptual_hash='x' * 16",
        "width=0",
    ],
)
async def test_a_worker_that_lies_about_its_picture_counts_as_dead(lie: str) -> None:
    deed = (
        "import msgspec; from artgrab.images.process import reduce_picture\n"
        f"lie = msgspec.structs.replace(reduce_picture(task.data), {lie})\n"
        "os.write(1, frame(Success(lie))); time.sleep(60)"
    )
    async with pool_doing(deed) as pool:
        with pytest.raises(DecoderFailedError, match="decoder-died"):
            await pool.process(jpeg(1))


async def test_a_worker_cannot_say_what_its_picture_is_called() -> None:
    deed = (
        "import msgspec; from artgrab.images import process_picture\n"
        "lie = msgspec.structs.replace(process_picture(task.data), source_sha256='../models/x')\n"
        "lie = msgspec.structs.replace(lie, object_sha256='0' * 64, encoding='../x')\n"
        "os.write(1, frame(Success(lie))); time.sleep(60)"
    )
    async with pool_doing(deed) as pool:
        assert await pool.process(jpeg(1)) == process_picture(jpeg(1))


async def test_a_worker_that_answers_more_than_once_counts_as_dead() -> None:
    deed = "os.write(1, bytes(frame(Refusal('x'))) * 2); time.sleep(60)"
    async with pool_doing(deed) as pool:
        with pytest.raises(DecoderFailedError, match="decoder-died"):
            await pool.process(jpeg(1))


async def test_a_picture_that_no_pipe_holds_at_once_is_processed() -> None:
    noise = Image.effect_noise((1500, 1500), 100)
    data = encoded(noise, "PNG")
    assert len(data) > 1024**2
    async with DecodePool(workers=1) as pool:
        assert await pool.process(data) == process_picture(data)


async def test_a_worker_that_announces_a_giant_answer_counts_as_dead() -> None:
    async with pool_doing("os.write(1, b'\\xff' * 8); time.sleep(60)") as pool:
        with pytest.raises(DecoderFailedError, match="decoder-died"):
            await pool.process(jpeg(1))


async def test_a_stuck_worker_is_killed_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("artgrab.images.pool._START_SECONDS", 0.0)
    async with pool_doing("time.sleep(60)", timeout=0.5) as pool:
        with pytest.raises(DecoderFailedError, match="decoder-timeout"):
            await pool.process(jpeg(1))
        assert not children()


async def test_a_picture_that_takes_too_much_of_a_processor_is_refused_and_not_tried_again() -> (
    None
):
    """Its worker ends by itself, long before anybody looks at the clock."""
    deed = (
        "from artgrab.images.worker import _limit_cpu\n"
        "_limit_cpu(int(sys.argv[2]))\n"
        "while True: pass"
    )
    async with pool_doing(deed, timeout=1.0) as pool:
        with pytest.raises(PictureRefusedError, match="too-much-time"):
            await pool.process(jpeg(1))
        assert not children()


async def test_a_worker_is_replaced_after_its_share_of_pictures() -> None:
    async with DecodePool(workers=1, pictures_per_worker=2) as pool:
        seen = set()
        for seed in range(4):
            await pool.process(jpeg(seed))
            seen |= {child.pid for child in children()}
        assert not children()
    assert len(seen) == 2


async def test_a_picture_that_needs_too_much_memory_is_refused_and_the_worker_lives_on() -> None:
    async with DecodePool(workers=1, memory_bytes=300 * 1024**2) as pool:
        await pool.process(jpeg(1))
        (worker,) = children()
        with pytest.raises(PictureRefusedError, match="too-much-memory"):
            await pool.process(plain_png(6000))
        await pool.process(jpeg(2))
        assert children() == [worker]


async def test_pictures_are_processed_side_by_side_and_none_is_mixed_up() -> None:
    pictures = [jpeg(seed) for seed in range(30)]
    async with DecodePool(workers=2) as pool:
        found = await asyncio.gather(*map(pool.process, pictures))
        assert len(children()) == 2
    assert [one.source_sha256 for one in found] == [
        process_picture(data).source_sha256 for data in pictures
    ]


async def test_giving_up_a_picture_leaves_no_answer_for_the_next() -> None:
    async with DecodePool(workers=1) as pool:
        await pool.process(jpeg(1))
        impatient = asyncio.create_task(pool.process(jpeg(2, width=3000, height=3000)))
        await asyncio.sleep(0)
        impatient.cancel()
        picture = await pool.process(jpeg(3))
    assert picture == process_picture(jpeg(3))


async def test_no_worker_is_left_when_the_pool_is_closed() -> None:
    async with DecodePool(workers=2) as pool:
        await asyncio.gather(*(pool.process(jpeg(seed)) for seed in range(4)))
    assert not children()


async def test_what_libraries_print_of_a_damaged_picture_fills_no_log(
    capfd: pytest.CaptureFixture[str],
) -> None:
    async with DecodePool(workers=1) as pool:
        for kind in ("PNG", "WEBP", "JPEG", "GIF"):
            data = encoded(drawn(1), kind)
            with pytest.raises(PictureRefusedError, match=r"truncated|damaged"):
                await pool.process(data[: len(data) // 2])
    assert capfd.readouterr() == ("", "")


def test_a_fault_of_a_worker_itself_is_told() -> None:
    command = [
        sys.executable,
        "-m",
        "artgrab.images.worker",
        "1000000000",
        "9" * 20,
        str(os.getpid()),
    ]
    task = b"".join(task_parts(Task(jpeg(1), 0)))
    worker = subprocess.run(command, input=task, capture_output=True, check=False)
    assert b"Error" in worker.stderr


async def test_workers_see_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    async with DecodePool(workers=1) as pool:
        await pool.process(jpeg(1))
        (worker,) = children()
        assert "AWS_SECRET_ACCESS_KEY" not in worker.environ()


PARENT = """
import asyncio, sys
from artgrab.images import DecodePool
async def main():
    async with DecodePool(workers=2) as pool:
        data = open(sys.argv[1], "rb").read()
        await asyncio.gather(pool.process(data), pool.process(data))
        print("ready", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


def test_workers_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "picture.jpg"
    file.write_bytes(jpeg(1))
    command = [sys.executable, "-c", PARENT, os.fspath(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        workers = psutil.Process(parent.pid).children()
        assert len(workers) == 2
        parent.kill()
    _, alive = psutil.wait_procs(workers, timeout=WAIT_SECONDS)
    assert not alive


def plain_png(side: int) -> bytes:
    """A PNG of one colour, quickly made, that takes side * side * 4 bytes to decode."""
    return encoded(Image.new("RGBA", (side, side), (1, 2, 3, 4)), "PNG", compress_level=1)
