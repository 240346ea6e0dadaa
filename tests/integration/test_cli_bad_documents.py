"""`artgrab run` on documents that are wrong: exit code 2, exactly these lines, nothing touched.

bad_documents.yaml holds the ways to write text wrong; here is what is wrong with whole files.
No store of any kind is opened here, which is checked: the documents come first.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

import pytest
import yaml

from artgrab.common.store import Store
from tests.support.cli_calls import Said, artgrab

CASES = yaml.safe_load(Path(__file__).with_name("bad_documents.yaml").read_text())
DOCUMENTS: dict[str, str] = CASES["documents"]
CATEGORY = DOCUMENTS["category"]


def text_of(case: dict[str, Any]) -> str:
    """Return the text of a case."""
    if "text" in case:
        return str(case["text"])
    text = "---\n".join(DOCUMENTS[name] for name in case["in"].split(", "))
    for change in case["changes"]:
        assert change["old"] in text, f"{change['old']!r} is not there to be changed"
        text = text.replace(change["old"], change["new"], 1)
    return text


def _opened(uri: str, **options: object) -> NoReturn:
    pytest.fail(f"the store {uri} is opened although the documents are wrong")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run the command in a folder of its own; the documents are a.yaml there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Store, "open", _opened)

    def _run(content: str | bytes | None = None, *files: str) -> Said:
        if content is not None:
            Path("a.yaml").write_bytes(content.encode() if isinstance(content, str) else content)
        return artgrab(capfd, "run", *(files or ("a.yaml",)), "--store", "store")

    return _run


def assert_refused(said: Said, *lines: str) -> None:
    """Check all that was said, and that nothing was begun."""
    told = said.err.removeprefix("artgrab: ").splitlines()
    assert told == list(lines)
    assert (said.code, said.out) == (2, "")
    assert not Path("store").exists()


@pytest.mark.parametrize("case", CASES["wrong"], ids=lambda case: str(case["name"]))
def test_a_wrong_document_is_told_line_by_line(run: Any, case: dict[str, Any]) -> None:
    assert_refused(run(text_of(case)), *case["told"])


def test_every_case_has_a_name_of_its_own_and_there_are_many() -> None:
    names = [case["name"] for case in CASES["wrong"]]
    assert len(set(names)) == len(names) >= 40


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0" * 100, ":1: not UTF-8 text; save it as UTF-8"),
        (b"PK\3\4\x14\0\0\0", ":1: a control character; remove it"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ":1: not UTF-8 text; save it as UTF-8"),
        (CATEGORY.replace("graffiti]", "café]").encode("latin-1"), ":7: not UTF-8 text"),
        (CATEGORY.replace("graffiti]", "a\0]"), ":7: not text (a byte is 0); is it the right fil"),
        (CATEGORY.replace("graffiti]", "\x1b[31m]"), ":7: a control character; remove it"),
        ("[" * 100_000, ":1: nested more than 32 levels deep"),
        ("{a: " * 100_000, ":1: nested more than 32 levels deep"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", ":1: anchors and aliases (& and *) are not"),
        ("a: *a", ":1: anchors and aliases (& and *) are not taken; write it out"),
        (f"{CATEGORY}{'#' * 10_000_000}", ": larger than 1,000,000 bytes; split it into several"),
        (CATEGORY.replace("100", "9" * 5000), ":12: ArtCategory graffiti: spec.targetImages: must"),
        (
            CATEGORY.replace("100", "0x" + "f" * 5000),
            ":12: ArtCategory graffiti: spec.targetImages",
        ),
    ],
)
def test_a_file_that_is_no_document_is_told_in_one_line(
    run: Any, content: str | bytes, line: str
) -> None:
    said = run(content)
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith(f"artgrab: a.yaml{line}")
    assert_refused(said, said.err.strip().removeprefix("artgrab: "))


def test_a_file_with_more_mistakes_than_a_person_reads_is_cut(run: Any) -> None:
    labels = ", ".join(f"k{number}: {number}" for number in range(60))
    said = run(CATEGORY.replace("set: art", labels).replace("minSide", "maxSide"))
    lines = said.err.splitlines()
    assert len(lines) == 51
    assert lines[-1] == "and 11 problems more"


def test_one_name_in_two_files_is_told_with_both_places(run: Any) -> None:
    Path("b.yaml").write_text(f"# mine\n{CATEGORY}")
    assert_refused(
        run(CATEGORY, "a.yaml", "b.yaml"),
        "b.yaml:5: ArtCategory graffiti: metadata.name: is taken by the ArtCategory at a.yaml:1; "
        "names must differ",
    )


def test_mistakes_of_all_files_are_told_at_once(run: Any) -> None:
    Path("b.yaml").write_text(CATEGORY.replace("100", "0"))
    said = run("", "missing.yaml", "a.yaml", "b.yaml")
    assert_refused(
        said,
        "missing.yaml: cannot be read: No such file or directory",
        "a.yaml: holds no document; write an ArtCategory or ArtClassifier",
        "b.yaml:12: ArtCategory graffiti: spec.targetImages: must be a whole number from 1 to "
        "1000000; it is 0",
    )


def test_a_folder_is_told_from_a_file(run: Any) -> None:
    Path("folder").mkdir()
    assert_refused(
        run(None, "folder"), "folder: cannot be read: it is a folder; name the files in it"
    )


def test_pipes_and_devices_are_refused_without_waiting_for_them(run: Any) -> None:
    os.mkfifo("fifo")
    told = "cannot be read: it is a pipe or a device; write its content to a file"
    said = run(None, "fifo", "/dev/zero", "/dev/null")
    assert_refused(said, f"fifo: {told}", f"/dev/zero: {told}", f"/dev/null: {told}")


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret.yaml"
    path.write_text(CATEGORY)
    path.chmod(0)
    command = [sys.executable, "-m", "artgrab.cli", "run", str(path), "--store", "store"]
    if os.geteuid() == 0:  # root reads everything, unless it gives that up
        held = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={held}", f"--inh-caps={held}", *command]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert said.stderr == f"artgrab: {path}: cannot be read: Permission denied\n"
    assert said.returncode == 2


@pytest.mark.parametrize(
    "content",
    [
        CATEGORY.encode("utf-8-sig"),
        CATEGORY.encode("utf-16"),
        CATEGORY.replace("\n", "\r\n").encode(),
        yaml.safe_load(CATEGORY).__repr__().replace("'", '"').encode(),  # JSON
        CATEGORY.replace("walls.test", "wände.test").encode(),
        CATEGORY.replace("walls.test", "walls.test:8080").encode(),
        CATEGORY.replace("www.walls.test", "[2001:db8::1]").encode(),
        CATEGORY.replace("[graffiti]", "[2017-05-01, ünï, '1984']").encode(),
        CATEGORY.replace("targetImages: 100", "targetImages: 0x64").encode(),
    ],
    ids=["bom", "utf-16", "crlf", "json", "idn", "port", "ipv6", "date", "hexadecimal"],
)
def test_what_is_unusual_and_clear_is_read(tmp_path: Path, content: bytes) -> None:
    from artgrab.common.documents import load_documents

    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    (category,) = load_documents([path]).categories
    assert category.metadata.name == "graffiti"
    assert category.spec.target_images == 100
