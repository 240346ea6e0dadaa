"""Rules of the tree that no linter knows: what must be absent, fresh, light and short."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE_ROOTS = ("operator", "protos", "services")
MAX_LINES = 400
GENERATED = re.compile(r"_pb2(_grpc)?\.pyi?$")


def _tracked(*patterns: str) -> list[Path]:
    """Return the files of the repository, also those not committed yet."""
    output = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    files = (ROOT / name for name in output.split("\0") if name)
    return [file for file in files if file.is_file()]


def _forbidden_inits() -> Iterator[Path]:
    for file in _tracked("*__init__.py"):
        folder = file.relative_to(ROOT).parent
        is_root = folder == Path(".") or str(folder) in NAMESPACE_ROOTS
        if is_root or folder.name == "artgrab" or folder.parts[0] in ("protos", "tests"):
            yield file


def test_no_init_file_hides_a_namespace_or_a_test_folder() -> None:
    assert list(_forbidden_inits()) == []


def test_every_service_package_has_its_init_file() -> None:
    services = {file.parent for file in _tracked("services/artgrab/*/*.py")}
    assert len(services) >= 5
    assert [folder for folder in services if not (folder / "__init__.py").is_file()] == []


def test_the_standard_library_is_itself_when_started_from_the_root() -> None:
    code = "import collections, operator; print(operator.itemgetter(0)('x'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "x\n"), done.stderr


def test_generated_code_is_what_the_contracts_generate(tmp_path: Path) -> None:
    protos = sorted(
        f"artgrab/v1/{file.name}" for file in (ROOT / "protos/artgrab/v1").glob("*.proto")
    )
    services = [name for name in protos if name.endswith("_service.proto")]
    _protoc(f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", *protos)
    _protoc(f"--grpc_python_out={tmp_path}", *services)
    fresh = {file.name: file.read_text() for file in (tmp_path / "artgrab/v1").iterdir()}
    committed = {
        file.name: file.read_text()
        for file in (ROOT / "protos/artgrab/v1").iterdir()
        if GENERATED.search(file.name)
    }
    assert len(fresh) >= 6
    assert committed.keys() == fresh.keys()
    assert [name for name in fresh if fresh[name] != committed[name]] == [], "run `make protos`"


def _protoc(*arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", "-I", "protos", *arguments],
        cwd=ROOT,
        check=True,
    )


@pytest.mark.parametrize(
    "package",
    [
        "artgrab.common.resources, artgrab.common.store, artgrab.common.record_parts",
        "artgrab.v1.ingest_service_pb2_grpc, artgrab.v1.predict_service_pb2_grpc",
        "artgrab.client",
    ],
)
def test_light_packages_bring_nothing_heavy(package: str) -> None:
    code = (
        f"import json, sys, {package}\n"
        "heavy = {'torch', 'torchvision', 'timm', 'selenium', 'kopf', 'gensim', 'cv2'}\n"
        "print(json.dumps(sorted(heavy & sys.modules.keys())))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == []


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    lengths = {
        file.relative_to(ROOT): len(file.read_text().splitlines())
        for file in _tracked("*.py")
        if not GENERATED.search(file.name)
    }
    assert lengths
    assert {file: count for file, count in lengths.items() if count > MAX_LINES} == {}


def test_no_file_names_a_place_of_one_machine() -> None:
    places = re.compile(r"(?<![\w.$/}-])/(?:work|home|Users|root)/\w")
    found = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in _tracked(
            "*.py", "*.toml", "*.md", "*.yaml", "*.sh", "*.lock", "Makefile", ".ci", "scripts"
        )
        if file != Path(__file__)
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if places.search(line)
    ]
    assert found == []
