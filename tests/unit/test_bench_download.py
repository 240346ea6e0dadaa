"""The benchmark of the downloader measures what it says: pictures, limit, likeness, costs."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from artgrab.common.errors import SurroundingsError
from artgrab.images import process_picture
from benchmarks.download.__main__ import main, missed_goals
from benchmarks.download.costs import Running
from benchmarks.download.limit import bare, cpu_seconds
from benchmarks.download.ours import environment
from benchmarks.download.peer import options
from benchmarks.download.pictures import SEED, WORKLOADS, Drawn, encoded, painter, size_of
from benchmarks.download.quality import nearness, ssim
from benchmarks.download.sites import Site, configuration, urls_of
from benchmarks.download.speeds import Costs
from tests.support.drawn import drawn
from tests.support.drawn import encoded as file_of

SITES = [Site("www.site-001.test", "127.77.0.1:4001"), Site("www.site-002.test", "127.77.0.2:4002")]


def test_pictures_are_the_same_for_the_same_seed_and_others_for_another_number() -> None:
    first, again = painter(SEED, tile=64), painter(SEED, tile=64)
    size = (320, 240)
    assert np.array_equal(first(3, size), again(3, size))
    assert not np.array_equal(first(3, size), first(4, size))


def test_mixed_pictures_are_of_the_sizes_and_formats_that_the_workload_names() -> None:
    mixed = WORKLOADS["mixed"]
    sides = [size_of(mixed, number) for number in range(mixed.count)]
    megapixels = [width * height / 1e6 for width, height in sides]
    assert 0.29 < min(megapixels) < 0.4
    assert 11 < max(megapixels) < 12.1
    assert [mixed.formats.count(kind) for kind in ("jpeg", "png", "webp")] == [8, 1, 1]


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_the_limit_makes_the_very_picture_that_the_downloader_keeps(kind: str) -> None:
    data = encoded(np.asarray(drawn(7, width=900, height=700))[:, :, ::-1], kind)
    kept = process_picture(data)
    assert bare(data, kind) == (
        kept.source_sha256,
        kept.object_sha256,
        kept.perceptual_hash,
        kept.object_bytes,
    )


def test_equal_pictures_are_alike_by_one_and_others_by_less() -> None:
    grey = np.asarray(drawn(1).convert("L"), np.float64)
    noise = np.random.default_rng(1).normal(0, 20, grey.shape)
    assert ssim(grey, grey) == pytest.approx(1)
    assert ssim(grey, grey + noise) < 0.9


def test_what_is_kept_of_a_picture_is_near_to_its_best_reduction() -> None:
    source = file_of(drawn(2, width=1280, height=960), "JPEG", quality=85)
    assert nearness(source, process_picture(source).object_bytes) > 0.97


def test_the_time_of_children_is_part_of_what_a_process_took(tmp_path: Path) -> None:
    work = "sum(range(2_000_000))"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}], check=True)"
    costs = [
        Running([sys.executable, "-c", code], log=tmp_path / "log", env=os.environ).cost()
        for code in ("pass", parent)
    ]
    assert costs[1].cpu_seconds > costs[0].cpu_seconds


def test_a_process_that_ends_badly_is_told_with_its_last_words(tmp_path: Path) -> None:
    code = "import sys; sys.exit('no such picture')"
    running = Running([sys.executable, "-c", code], log=tmp_path / "log", env=os.environ)
    with pytest.raises(SurroundingsError, match="no such picture"):
        running.cost()


def test_start_up_is_counted_apart() -> None:
    costs = Costs(few=[1.0, 1.2, 9.0], all=[3.2, 3.1, 30.0])
    assert costs.per_picture(1016) == pytest.approx(2.0)


def test_each_site_has_its_own_address_and_ours_is_told_its_name() -> None:
    said = environment(SITES)
    assert said["ARTGRAB_ALLOWED_TARGETS"] == '["127.77.0.1/32:4001", "127.77.0.2/32:4002"]'
    assert '"www.site-002.test": "127.77.0.2:4002"' in said["ARTGRAB_RESOLVE"]
    config = configuration(Path("/pictures"), Path("/made"), SITES)
    assert config.count("server_name www.site-00") == config.count("listen 127.77.0.") == 2
    paths = [Path("/pictures/a.jpeg"), Path("/pictures/b.png"), Path("/pictures/c.jpeg")]
    urls = urls_of(paths, Path("/pictures"), [site.name for site in SITES])
    assert urls[1:] == ["http://www.site-002.test/b.png", "http://www.site-001.test/c.jpeg"]


def test_the_peer_is_asked_for_what_ours_keeps(tmp_path: Path) -> None:
    wanted = tmp_path / "urls.txt"
    wanted.write_text("http://a.test/1\n" * 9)
    said = options(wanted, tmp_path)
    assert {"--image_size=384", "--resize_mode=keep_ratio", "--encode_quality=90"} <= set(said)


def test_a_missing_nginx_is_told_before_anything_is_drawn(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.download.sites.shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("benchmarks.download.speeds.made", lambda *_, **__: pytest.fail("drawn"))
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "small"])
    assert main() == SurroundingsError.exit_code
    assert capsys.readouterr().err == (
        "bench-download: nginx is missing; on Debian: apt-get install nginx-light\n"
    )


def test_the_limit_is_told_in_seconds_by_a_process_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a picture.jpeg"
    path.write_bytes(file_of(drawn(1, width=800, height=600), "JPEG"))
    assert 0 < cpu_seconds([Drawn(path, "jpeg")] * 3) < 10


def test_goals_that_are_missed_are_told_and_what_was_not_measured_is_none() -> None:
    assert missed_goals({"speedup_small": 3.2, "s3_cpu_ms_per_picture": 0.6}) == []
    assert missed_goals({"ssim": 0.9, "s3_cpu_ms_per_picture": 0.8}) == [
        "ssim 0.9, at least 0.97 is wanted",
        "s3_cpu_ms_per_picture 0.8, at most 0.7 is wanted",
    ]
