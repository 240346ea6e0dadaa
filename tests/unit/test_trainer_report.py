"""The report: one file, and hostile text stays text."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image

from artgrab.common.errors import ObjectCorruptError
from artgrab.common.manifest import TEST, ManifestRow, read_snapshot_info
from artgrab.common.store import Store
from artgrab.model.weights import WeightsChoice
from artgrab.trainer.curves import details_of
from artgrab.trainer.evaluate import GroundFlips, LeftOut, Scores
from artgrab.trainer.history import Step
from artgrab.trainer.metrics import Metrics
from artgrab.trainer.report import render_report
from tests.support.drawn import encoded
from tests.support.snapshots import SNAPSHOT, classifier, put_snapshot

LABELS = ("art", "not-art")
LEFT_OUT = LeftOut(
    accuracy=0.75, categories={"circles": 0.4, "bars": 1.0}, omitted={"hills": "the only one"}
)
SCORES = Scores(
    pictures=8,
    accuracy=0.875,
    confusion=[[4, 0], [1, 3]],
    per_category={"circles": 1.0, "bars": 1.0, "hills": 0.5},
    calibration_error=0.04,
)
FLIPS = GroundFlips(onto_white=0.125, onto_white_pictures=104, off_white=None, off_white_pictures=0)
HISTORY = [
    Step(step=0, loss=0.69, validation_loss=0.69, validation_accuracy=0.5),
    Step(step=1, loss=0.21, validation_loss=0.32, validation_accuracy=0.9),
]
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}'


def _metrics(*, test: Scores | None = SCORES, warning: str = "") -> Metrics:
    answers = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    return Metrics.of(
        test=test,
        details=details_of(answers, np.array([0, 0, 1]), LABELS) if test else None,
        baseline=test,
        left_out=LEFT_OUT,
        left_out_baseline=LEFT_OUT,
        ground_flips=FLIPS if test else None,
        labels=LABELS,
        weights=WeightsChoice(source="random", warning=warning),
        history=HISTORY,
    )


class Tags(HTMLParser):
    """Collects the tags, attributes and addresses of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.links: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {tag, *(name for name, _ in attrs)}
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag == "img":
            self.pictures.append(dict(attrs))


class Reporter:
    """Renders reports over one store; all is taken for art, so that half of it is mistaken."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(str(folder))
        self.rows = put_snapshot(self.store, each=10)

    def render(self, metrics: Metrics, **changes: str) -> str:
        rows = [msgspec.structs.replace(row, **changes) for row in self.rows]
        return self._render(metrics, rows)

    def without(self, wanted: Callable[[ManifestRow], bool], metrics: Metrics) -> str:
        return self._render(metrics, [row for row in self.rows if wanted(row)])

    def answered(self, metrics: Metrics, probabilities: torch.Tensor) -> str:
        return self._render(metrics, self.rows, probabilities)

    def _render(
        self, metrics: Metrics, rows: list[ManifestRow], probabilities: torch.Tensor | None = None
    ) -> str:
        art = torch.tensor([[0.91, 0.09]] * len(rows), dtype=torch.double)
        return render_report(
            self.store,
            classifier(),
            read_snapshot_info(self.store, SNAPSHOT),
            metrics,
            rows,
            art if probabilities is None else probabilities,
            model_sha256="f" * 64,
        )


@pytest.fixture(scope="module")
def reporter(tmp_path_factory: pytest.TempPathFactory) -> Reporter:
    return Reporter(tmp_path_factory.mktemp("store"))


def _text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))


def test_it_begins_with_how_good_the_model_is_and_compared_with_what(reporter: Reporter) -> None:
    report = _text(reporter.render(_metrics()))
    assert "It tells art and not-art apart: of 8 pictures kept aside" in report
    assert "it names 87.5 % rightly" in report
    assert "colours and edges alone reach 87.5 %" in report
    assert "a kind of picture it never saw, it is right on 75.0 % on average, 12.5 points" in report
    assert report.index("12.5 points") < report.index("What it cannot do")


def test_the_figures_are_in_it(reporter: Reporter) -> None:
    report = _text(reporter.render(_metrics()))
    for text in ("4.0 %", "91.0 %", "12.5 %", "104", "the only one", "f" * 64, "AUC", "artgrab 0."):
        assert text in report


def test_what_the_model_cannot_do_is_told(reporter: Reporter) -> None:
    report = _text(reporter.render(_metrics()))
    assert "Without having seen them it is wrong on most pictures of circles." in report
    assert "It always answers art or not-art" in report
    assert "Only 8 pictures are in the test split" in report


def test_it_needs_nothing_from_elsewhere(reporter: Reporter) -> None:
    report = reporter.render(_metrics())
    tags = Tags(report)
    assert not {"script", "link", "iframe", "srcset", "onclick"} & tags.found
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in report
    assert not re.search(r"url\(|@import", report)
    assert all((one["src"] or "").startswith("data:image/jpeg;base64,") for one in tags.pictures)


def test_every_picture_tells_whose_it_is_and_what_it_shows(reporter: Reporter) -> None:
    pictures = Tags(reporter.render(_metrics())).pictures
    asked = {row.source_sha256 for row in reporter.rows if row.split == TEST}
    assert {one["data-source"] for one in pictures} == asked
    assert all(one["alt"] and one["width"] and one["height"] for one in pictures)


def test_strangers_text_stays_text(reporter: Reporter) -> None:
    fields = ("title", "source", "licence_code", "licence_evidence", "creator", "query")
    report = reporter.render(_metrics(), **dict.fromkeys(fields, HOSTILE))
    assert not {"script", "onerror"} & Tags(report).found
    assert "{{7*7}}" in report


def test_marks_of_direction_do_not_reach_what_comes_after(reporter: Reporter) -> None:
    report = reporter.render(_metrics(), title="\u202egpj.txt\u2066\u200f\x07\x1b[31m")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x07\x1b]", report)
    assert "<bdi>gpj.txt" in report


def test_long_texts_are_cut(reporter: Reporter) -> None:
    short = len(reporter.render(_metrics(), title="t"))
    long = "t" * 10_000
    report = reporter.render(_metrics(), title=long, page_url=f"http://a.test/{long[:2000]}")
    assert "t" * 100 not in _text(report)
    assert len(report) < short + 100_000


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:x"])
def test_only_web_pages_are_linked(reporter: Reporter, url: str) -> None:
    page = reporter.render(_metrics(), page_url=url)
    assert not [one for one in Tags(page).links if not one.startswith(("#", "../"))]
    assert url in _text(page)


def test_a_link_stays_one_attribute(reporter: Reporter) -> None:
    page = reporter.render(_metrics(), page_url='https://a.test/"onclick="x')
    assert 'https://a.test/"onclick="x' in Tags(page).links
    assert "onclick" not in Tags(page).found


def test_a_warning_is_shown(reporter: Reporter) -> None:
    assert "expect &lt;little&gt;" in reporter.render(_metrics(warning="expect <little>"))


def test_without_a_test_split_it_says_so(reporter: Reporter) -> None:
    report = reporter.without(lambda row: row.split != TEST, _metrics(test=None))
    assert "No test split" in report
    assert "Most confident mistakes" not in report
    assert "White ground" not in report


def test_without_mistakes_it_says_so(reporter: Reporter) -> None:
    report = reporter.without(lambda row: row.label == "art", _metrics())
    assert "None on the test split" in report


def test_a_picture_with_other_bytes_than_recorded_is_not_shown(reporter: Reporter) -> None:
    with pytest.raises(ObjectCorruptError):
        reporter.render(_metrics(), object_sha256="0" * 64)


def test_equal_input_gives_an_equal_report(reporter: Reporter) -> None:
    assert reporter.render(_metrics()) == reporter.render(_metrics())


def test_many_large_pictures_make_no_large_report(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    rows = put_snapshot(store, each=4, paint=_noise)
    many = [msgspec.structs.replace(row, split=TEST) for row in rows] * 125
    report = render_report(
        store,
        classifier(),
        read_snapshot_info(store, SNAPSHOT),
        _metrics(),
        many,
        torch.tensor([[0.51, 0.49]] * len(many), dtype=torch.double),
        model_sha256="f" * 64,
    )
    assert report.count("<img") > 40
    assert len(report) < 3_000_000


def _noise(category: str, number: int) -> bytes:
    """Return a picture that no encoder makes small."""
    random = np.random.default_rng([len(category), number])
    return encoded(Image.fromarray(random.integers(0, 256, (400, 400, 3), np.uint8)), "PNG")


@pytest.mark.parametrize("count", [3, 64])
def test_a_report_is_written_for_any_number_of_classes(reporter: Reporter, count: int) -> None:
    labels = [*LABELS, *(f"class-{n}" for n in range(2, count))]
    spread = np.random.default_rng(0).dirichlet(np.ones(count), len(reporter.rows))
    target = np.array([labels.index(row.label) for row in reporter.rows])
    metrics = msgspec.structs.replace(
        _metrics(),
        labels=tuple(labels),
        details=details_of(spread, target, labels),
        test=msgspec.structs.replace(SCORES, confusion=[[1] * count] * count),
    )
    report = reporter.answered(metrics, torch.from_numpy(spread))
    assert f"{count * (count - 1):,}mistakes" in _text(report)
    assert report.count('class="line') <= 2 + 5 + 4
