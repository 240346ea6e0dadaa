"""The report: one file, and hostile titles stay text."""

import re
from pathlib import Path

import msgspec
import pytest

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.manifest import read_snapshot_info
from artgrab.common.store import Store
from artgrab.model.weights import WeightsChoice
from artgrab.trainer.evaluate import GroundFlips, LeftOut, Scores
from artgrab.trainer.metrics import Metrics, Mistake
from artgrab.trainer.report import render_report
from tests.support.snapshots import SNAPSHOT, classifier, put_snapshot

LEFT_OUT = LeftOut(
    accuracy=0.75, categories={"circles": 0.5, "bars": 1.0}, omitted={"hills": "the only one"}
)
SCORES = Scores(
    pictures=8,
    accuracy=0.875,
    confusion=[[4, 0], [1, 3]],
    per_category={"circles": 1.0, "bars": 1.0, "hills": 0.5},
    calibration_error=0.04,
)
FLIPS = GroundFlips(onto_white=0.125, onto_white_pictures=104, off_white=None, off_white_pictures=0)


def _metrics(*, test: Scores | None = SCORES, warning: str = "") -> Metrics:
    return Metrics.of(
        test=test,
        baseline=test,
        left_out=LEFT_OUT,
        left_out_baseline=LEFT_OUT,
        ground_flips=FLIPS if test else None,
        labels=("art", "not-art"),
        weights=WeightsChoice(source="random", warning=warning),
    )


class Reporter:
    """Renders reports over one store."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(str(folder))
        self.row = put_snapshot(self.store, each=1)[0]

    def render(self, metrics: Metrics, *, mistakes: int = 0, **changes: str) -> str:
        row = msgspec.structs.replace(self.row, **changes)
        return render_report(
            self.store,
            classifier(),
            read_snapshot_info(self.store, SNAPSHOT),
            metrics,
            [Mistake(row, "not-art", 0.91)] * mistakes,
            model_sha256="f" * 64,
        )


@pytest.fixture
def reporter(tmp_path: Path) -> Reporter:
    return Reporter(tmp_path)


def test_the_figures_are_in_it(reporter: Reporter) -> None:
    report = reporter.render(_metrics(), mistakes=1)
    for text in ("87.5 %", "75.0 %", "4.0 %", "91.0 %", "12.5 %", "104", "the only one", "f" * 64):
        assert text in report


def test_it_needs_nothing_from_elsewhere(reporter: Reporter) -> None:
    report = reporter.render(_metrics(), mistakes=2)
    assert re.findall(r"<(?:script|link|iframe)\b", report) == []
    sources = re.findall(r'(?:src|url)\s*[=(]\s*"?([^">)]*)', report)
    assert len(sources) == 2
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)


def test_a_hostile_title_stays_text(reporter: Reporter) -> None:
    report = reporter.render(_metrics(), mistakes=1, title="<script>alert(1)</script>")
    assert "<script" not in report
    assert "&lt;script&gt;alert(1)" in report


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", ""])
def test_only_web_pages_are_linked(reporter: Reporter, url: str) -> None:
    assert "<a " not in reporter.render(_metrics(), mistakes=1, page_url=url)
    good = reporter.render(_metrics(), mistakes=1, page_url='https://a.test/"onclick="x')
    assert '<a href="https://a.test/&#34;onclick=&#34;x"' in good


def test_a_warning_is_shown(reporter: Reporter) -> None:
    assert "expect &lt;little&gt;" in reporter.render(_metrics(warning="expect <little>"))


def test_without_a_test_split_it_says_so(reporter: Reporter) -> None:
    report = reporter.render(_metrics(test=None))
    assert "No test split" in report
    assert "Most confident mistakes" not in report
    assert "White ground" not in report


def test_without_mistakes_it_says_so(reporter: Reporter) -> None:
    assert "None on the test split" in reporter.render(_metrics())


def test_a_picture_with_other_bytes_than_recorded_is_not_shown(reporter: Reporter) -> None:
    with pytest.raises(ObjectCorruptError):
        reporter.render(_metrics(), mistakes=1, object_sha256="0" * 64)
