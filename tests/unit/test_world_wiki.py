"""What the wiki of the demo world tells about a file, in the words of Wikimedia Commons."""

import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from tests.world.catalogue import Picture
from tests.world.licences import licence_url
from tests.world.wiki import extended_metadata, remove_leftovers

PICTURE = Picture(
    category="fish",
    file="fish/fish1-0a1b2c.webp",
    title="Fish <1>",
    work=None,
    licence="CC-BY-SA-3.0",
    licence_url=licence_url("CC-BY-SA-3.0"),
    creator="A & B",
    width=320,
    height=200,
    sha256="0" * 64,
)


def test_values_that_are_html_on_commons_are_html_here():
    told = extended_metadata(PICTURE)
    assert told["ImageDescription"] == "Fish &lt;1&gt;"
    assert told["Artist"].startswith("<a href=")
    assert ">A &amp; B<" in told["Artist"]


@pytest.mark.parametrize(
    ("code", "short"),
    [
        ("CC-BY-SA-3.0", "CC BY-SA 3.0"),
        ("CC-BY-2.0", "CC BY 2.0"),
        ("CC0-1.0", "CC0"),
        ("public-domain", "Public domain"),
        ("GPL-3+", "GPL-3+"),
    ],
)
def test_a_licence_is_spelled_as_on_commons(code, short):
    picture = dataclasses.replace(PICTURE, licence=code, licence_url=licence_url(code))
    assert extended_metadata(picture)["LicenseShortName"] == short


def test_what_is_not_known_is_not_told():
    picture = dataclasses.replace(PICTURE, licence=None, licence_url=None, creator=None)
    assert set(extended_metadata(picture)) == {"ImageDescription"}


def test_copies_of_killed_worlds_are_removed_and_no_others(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    kept = [f"artgrab-wiki-{os.getpid()}-x", "artgrab-wiki-x", "artgrab-other", "wiki"]
    for name in [f"artgrab-wiki-{gone.pid}-x", *kept]:
        (tmp_path / name / "data").mkdir(parents=True)
    (tmp_path / f"artgrab-wiki-{gone.pid}-link").symlink_to(tmp_path / "wiki")
    remove_leftovers(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {*kept, f"artgrab-wiki-{gone.pid}-link"}
    assert (tmp_path / "wiki" / "data").is_dir()
