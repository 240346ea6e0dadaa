"""A real MediaWiki in the place of Wikimedia Commons: Debian's, unpacked and not installed."""

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path

from artgrab.common.errors import SurroundingsError
from artgrab.common.processes import die_with_parent
from tests.world.cache import ensure_part, progress
from tests.world.catalogue import Catalogue, Picture
from tests.world.hosts import WIKI_CATEGORIES
from tests.world.packages import require_php, run, unpack_debian

SEARCH_WORDS = {
    "monuments": "monument photograph",
    "animals": "animal photograph",
    "tools": "tool photograph",
    "fish": "fish photograph",
}
"""What finds exactly the pictures of a category by full text."""

_OURS = Path(__file__).parent / "mediawiki"
_COPY_PREFIX = "artgrab-wiki-"
_FILES_OF_AN_UPLOADER = 4
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class WikiFiles:
    """Where a wiki lies in the cache; only a copy of the data is ever written to."""

    code: Path
    data: Path
    images: Path

    def environment(self) -> dict[str, str]:
        """Return what our LocalSettings.php and router.php read."""
        return {
            "WORLD_WIKI_CODE": str(self.code),
            "WORLD_WIKI_DATA": str(self.data),
            "WORLD_WIKI_IMAGES": str(self.images),
            "MW_CONFIG_FILE": str(_OURS / "LocalSettings.php"),
        }


def wiki_code(root: Path) -> Path:
    """Return the folder of MediaWiki's code, fetched first where it is missing."""
    return ensure_part(root, "mediawiki", _fill_code)


def wiki_files(root: Path, catalogue: Catalogue) -> WikiFiles:
    """Return a wiki that holds the pictures of its categories; install it first where missing."""
    code = wiki_code(root)
    part = ensure_part(root, "wiki", lambda folder: _fill_data(folder, code, catalogue))
    return WikiFiles(code, part / "data", part / "images")


def _fill_code(folder: Path) -> None:
    unpacked = folder / "packages"
    for package in ("mediawiki", "mediawiki-classes"):
        tree = unpack_debian(package, unpacked, into="tree")
        progress(f"unpacked {package}")
    source = tree / "usr/share/mediawiki"
    for entry in source.iterdir():
        # Links lead to where an installed package keeps settings and extensions.
        if not entry.is_symlink() and entry.name != "extensions-core":
            entry.rename(folder / entry.name)
    for name in ("extensions", "images"):
        (folder / name).mkdir()
    _drop_translations(folder / "languages/i18n")
    shutil.rmtree(unpacked)


def _drop_translations(folder: Path) -> None:
    for file in folder.rglob("*.json"):
        if file.name not in ("en.json", "qqq.json"):
            file.unlink()


def _fill_data(folder: Path, code: Path, catalogue: Catalogue) -> None:
    require_php()
    files = WikiFiles(code, folder / "data", folder / "images")
    files.images.mkdir()
    files.data.mkdir()
    _install(files)
    upload = folder / "upload"
    known = _write_upload(upload, catalogue)
    (files.data / "extmetadata.json").write_text(json.dumps(known), encoding="utf-8")
    maintain = partial(run, cwd=code, environment=files.environment())
    suffixes = "--extensions=jpg,jpeg,png,webp,gif"
    maintain(["php", "maintenance/importImages.php", suffixes, "--comment-ext=txt", upload])
    maintain(["php", "maintenance/runJobs.php"])
    _name_uploaders(files.data / "wiki.sqlite", catalogue)
    shutil.rmtree(upload)
    progress(f"imported {len(known)} pictures into the wiki")


def _install(files: WikiFiles) -> None:
    settings = files.data / "installed"
    settings.mkdir()
    options = ["--dbtype", "sqlite", "--dbname", "wiki", "--dbpath", str(files.data)]
    options += [
        "--server",
        "http://commons.test",
        "--scriptpath",
        "/w",
        "--confpath",
        str(settings),
    ]
    account = ["--pass", os.urandom(16).hex(), "Commons", "Admin"]
    run(["php", "maintenance/install.php", *options, *account], cwd=files.code)
    shutil.rmtree(settings)


def _write_upload(folder: Path, catalogue: Catalogue) -> dict[str, dict[str, str]]:
    """Write pictures and their description pages; return the extended metadata by file name."""
    folder.mkdir()
    known = {}
    for category in WIKI_CATEGORIES:
        for picture in catalogue.published[category]:
            shutil.copyfile(catalogue.path(picture), folder / picture.name)
            description = (folder / picture.name).with_suffix(".txt")
            description.write_text(_description(picture), encoding="utf-8")
            known[_wiki_name(picture)] = extended_metadata(picture)
    return known


def _name_uploaders(database: Path, catalogue: Catalogue) -> None:
    """Give the files several uploaders, as in any wiki; the import script leaves just itself."""
    with closing(sqlite3.connect(database)) as wiki, wiki:
        for category in WIKI_CATEGORIES:
            for number, picture in enumerate(catalogue.published[category]):
                uploader = f"{category.capitalize()} friend {1 + number // _FILES_OF_AN_UPLOADER}"
                wiki.execute("INSERT OR IGNORE INTO actor (actor_name) VALUES (?)", (uploader,))
                wiki.execute(
                    "UPDATE image SET img_actor = (SELECT actor_id FROM actor WHERE actor_name = ?)"
                    " WHERE img_name = ?",
                    (uploader, _wiki_name(picture)),
                )


def _wiki_name(picture: Picture) -> str:
    return picture.name[:1].upper() + picture.name[1:].replace(" ", "_")


def _description(picture: Picture) -> str:
    words = SEARCH_WORDS[picture.category]
    return (
        f"== Summary ==\n<nowiki>{picture.title}</nowiki>: {words}.\n\n"
        f"== Licensing ==\n{picture.licence or 'unknown'}\n"
        f"\n[[Category:{picture.category.capitalize()}]]\n"
    )


def extended_metadata(picture: Picture) -> dict[str, str]:
    """Return what Wikimedia Commons tells about a file, in its field names; some are HTML."""
    found = {"ImageDescription": escape(picture.title)}
    if picture.creator:
        page = "//commons.test/wiki/User:Somebody"
        found["Artist"] = f'<a href="{page}" title="User">{escape(picture.creator)}</a>'
    if picture.licence and picture.licence_url:
        found["License"] = picture.licence.lower()
        found["LicenseShortName"] = _short_name(picture.licence)
        found["LicenseUrl"] = picture.licence_url
    return found


def _short_name(licence: str) -> str:
    """Spell a licence as the templates of Wikimedia Commons do: `CC BY-SA 3.0`."""
    if found := re.fullmatch(r"CC-(.+)-(\d\.\d)", licence):
        return f"CC {found[1]} {found[2]}"
    return {"public-domain": "Public domain", "CC0-1.0": "CC0"}.get(licence, licence)


@contextmanager
def running_wiki(files: WikiFiles) -> Iterator[int]:
    """Run the wiki by PHP's own web server, on a copy of its data, and yield the port."""
    require_php()
    remove_leftovers(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=f"{_COPY_PREFIX}{os.getpid()}-") as copy:
        data = Path(copy) / "data"
        shutil.copytree(files.data, data)
        port = _free_port()
        process = _start(WikiFiles(files.code, data, files.images), port, Path(copy) / "log")
        try:
            _wait_until_ready(process, port)
            yield port
        finally:
            _stop(process)


def remove_leftovers(folder: Path) -> None:
    """Remove the copies of worlds that were killed."""
    for copy in folder.glob(f"{_COPY_PREFIX}*"):
        owner = copy.name.removeprefix(_COPY_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists() and not copy.is_symlink():
            shutil.rmtree(copy, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _start(files: WikiFiles, port: int, log: Path) -> subprocess.Popen[bytes]:
    # No PHP_CLI_SERVER_WORKERS: the workers outlive a server that is killed.
    command = ["php", "-d", "opcache.enable=1", "-d", "opcache.enable_cli=1"]
    command += ["-S", f"127.0.0.1:{port}", str(_OURS / "router.php")]
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env={**os.environ, **files.environment()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )


def _wait_until_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    url = f"http://127.0.0.1:{port}/w/api.php?action=query&meta=siteinfo&format=json"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=_START_SECONDS):
                return
        except urllib.error.HTTPError as error:
            raise SurroundingsError(f"the wiki answers {error.code} at its start") from error
        except OSError:
            time.sleep(0.05)  # a server tells nobody that it listens
    raise SurroundingsError("PHP's web server did not start: see whether `php -S` works")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
