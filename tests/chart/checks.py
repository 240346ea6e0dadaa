"""What `make check` asks of the chart: helm's linter, Kubernetes' schemas, checkov's policies."""

import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.chart.rendering import CHART, ROOT, SCENARIOS, render
from tests.cluster.builds import ensure_helm, kubernetes_version
from tests.cluster.commands import run

_BIN = Path(sys.executable).parent


def check_chart() -> None:
    """Return when all are content; raises SurroundingsError with what the first objects to."""
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor() as pool:
        folder = Path(name)
        checkov = pool.submit(run, ROOT / "scripts/install-checkov")
        for values in SCENARIOS:
            _lint(values)
            (folder / f"{values.stem}.yaml").write_text(render(values))
        checkov.result()
        checks: tuple[Callable[[Path], None], ...] = (_policies, _schemas)
        for done in [pool.submit(check, folder) for check in checks]:
            done.result()


def _lint(values: Path) -> None:
    run(ensure_helm(), "lint", "--strict", "--quiet", CHART, f"--values={values}")


def _schemas(folder: Path) -> None:
    """Categories are no business of these schemas; the chart holds none."""
    minor = ".".join(kubernetes_version().removeprefix("v").split(".")[:2])
    options = ("--kubernetes-version", minor, "--strict", "--quiet")
    run(_BIN / "kubernetes-validate", *options, *sorted(folder.iterdir()))


def _policies(folder: Path) -> None:
    program = ROOT / ".venv/checkov/bin/checkov"
    options = ("--framework", "kubernetes", "--skip-download", "--quiet", "--compact")
    run(program, "--directory", folder, "--config-file", ROOT / ".checkov.yaml", *options)
