"""report.html and card.html as a person sees them: in a real browser, wide and narrow, dark too."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from artgrab.common.pages import withdraw_pictures
from artgrab.common.progress import no_progress
from artgrab.common.records import RecordOutcome
from artgrab.common.store import Store
from artgrab.dataset import build_snapshot
from artgrab.trainer import train
from tests.support.page_viewing import View, Viewer, viewer
from tests.support.requirements import need_browser
from tests.support.snapshots import CATEGORIES, classifier, picture
from tests.support.stored import candidate, not_stored, put_entries, put_picture

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("browser")]

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e\u2066 ' + "W" * 10_000
WINDOWS = [(1600, False), (1400, True), (768, False), (390, False), (375, True)]
"""Width, and whether dark."""

HEADINGS = {
    "report": (
        "What it cannot do",
        "Categories",
        "Answers on the test split",
        "Pictures",
        "How it was learned",
        "Dataset",
        "Made from",
    ),
    "card": (
        "Known weak points",
        "Categories and contact sheets",
        "From found to kept",
        "Left out",
        "Licences",
        "Sites with most pictures",
        "How to cite",
    ),
}

_SITES = 12


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages of a small dataset and a model on it, full of what strangers may have written."""
    folder = tmp_path_factory.mktemp("store")
    store = Store.open(str(folder))
    _fill(store)
    snapshot = build_snapshot(
        store,
        namespace="default",
        classifier=classifier(),
        labels=CATEGORIES,
        parent=None,
        progress=no_progress,
    )
    model = train(
        store,
        namespace="default",
        classifier=classifier(weights="none"),
        snapshot_prefix=snapshot.prefix,
        progress=no_progress,
    )
    return {
        "card": folder / snapshot.prefix / "card.html",
        "report": folder / model.prefix / "report.html",
    }


def _fill(store: Store) -> None:
    for category in CATEGORIES:
        for site in range(_SITES):
            put_picture(
                store,
                category,
                f"http://{'very-' * 9}long.{category}-{site}.test/{site}",
                data=picture(category, site),
                title=HOSTILE,
                creator=HOSTILE,
                page_url=f"http://www.{category}-{site}.test/{'x' * 1900}",
            )
        copy = picture(category, 0)
        put_picture(store, category, f"http://copy.{category}.test/again", data=copy)
    rejected = [
        not_stored(candidate(f"http://small.test/{'y' * 1900}/{n}"), RecordOutcome.REJECTED, why)
        for n, why in enumerate(("too-small", "opt-out", "w" * 200))
    ]
    put_entries(store, "hills", rejected)


@pytest.fixture(scope="module")
def eyes() -> Iterator[Viewer]:
    need_browser()
    with viewer() as one:
        yield one


def _check(view: View) -> None:
    assert view.messages == []
    assert view.requests == []
    assert view.undecoded == []
    assert view.images > 10
    assert view.unnamed == 0
    assert view.pale == []
    assert view.width <= view.window, view.beyond
    assert view.beyond == []
    assert view.broken == []
    assert view.headers == 0


def _lightness(colour: str) -> float:
    """Return the mean of red, green and blue (0 to 255)."""
    return sum(float(one) for one in re.findall(r"[\d.]+", colour)[:3]) / 3


@pytest.mark.parametrize("name", ["card", "report"])
@pytest.mark.parametrize(("width", "dark"), WINDOWS)
def test_a_page_fits_every_window_and_asks_for_nothing(
    pages: dict[str, Path], eyes: Viewer, name: str, width: int, dark: bool
) -> None:
    view = eyes.look(pages[name], width=width, dark=dark)
    _check(view)
    assert view.window == width
    ground, ink = _lightness(view.ground), _lightness(view.ink)
    assert (ground < ink) == dark
    assert abs(ground - ink) > 150, (view.ground, view.ink)


@pytest.mark.parametrize(("name", "expected"), HEADINGS.items())
def test_headings_lead_through_a_page(
    pages: dict[str, Path], eyes: Viewer, name: str, expected: tuple[str, ...]
) -> None:
    headings = eyes.look(pages[name], width=1400).headings
    assert headings[0] == (1, "art-or-not")
    assert [text for level, text in headings if level == 2] == [*expected]
    assert all(after - before <= 1 for (before, _), (after, _) in pairwise(headings))


@pytest.mark.parametrize("name", ["card", "report"])
def test_a_page_whose_pictures_are_withdrawn_is_still_whole(
    pages: dict[str, Path], eyes: Viewer, tmp_path: Path, name: str
) -> None:
    page = pages[name].read_text()
    sources = set(re.findall(r'data-source="(\w+)"', page))
    clean = tmp_path / "clean.html"
    clean.write_text(withdraw_pictures(page, sources))
    assert "image/jpeg" not in clean.read_text()
    _check(eyes.look(clean, width=1400))


def test_a_check_that_finds_nothing_would_find_something(eyes: Viewer, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><main><h1>x</h1><a href='#no'>a</a><p style='width: 3000px'>wide</p>"
        "<table><th>x</th></table><p style='color: #999; background: #fff'>pale</p>"
        "<img src='data:image/jpeg;base64,AAAA'>"
        "<img src='http://127.0.0.1:9/x.jpg' alt='x'><script>console.error('oh')</script></main>"
    )
    view = eyes.look(bad, width=800)
    assert any("oh" in message for message in view.messages)
    assert view.requests == ["http://127.0.0.1:9/x.jpg"]
    assert len(view.undecoded) == view.images == view.unnamed == 2
    assert view.width > view.window
    assert view.beyond
    assert (view.broken, view.headers, len(view.pale)) == (["no"], 1, 1)
