"""The state of a cluster as people read it: tables, and lines where there is no room for them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from artgrab.cli.cluster_rows import CategoryRow, ClassifierRow, ClusterStatus, Row
from artgrab.cli.texts import clean, joined

_CATEGORY_CELLS, _CLASSIFIER_CELLS = 70, 96
"""Their tables need so many, and so many more with a column of namespaces."""
_NAMESPACE_CELLS = 16
_MESSAGE_CELLS = 140
"""From here on messages have a column of their own."""
_DIGEST_CHARACTERS = 12
_COLOURS = {"True": "green", "False": "red", "Unknown": "yellow"}
_UNITS = (("y", 31_536_000), ("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
_AT_LEAST = 2
"""Of a unit; less of it is told in the next smaller one."""


def status_lines(
    status: ClusterStatus, *, console: Console, now: datetime, note: str = "", height: int = 0
) -> RenderableType:
    """Return what to print; at most height lines, where that is not 0.

    Args:
        note: a line of warning at the end.
        console: tells the width.
        now: ages are counted from it.
    """
    whole = _whole(status, width=console.width, now=now, note=note)
    if not height or len(lines := console.render_lines(whole, pad=False)) <= height:
        return whole
    brief = _whole(_unready(status), width=console.width, now=now, note="")
    foot = [Text(f"{_ready_text(status)}; --no-watch shows all", "dim", no_wrap=True)]
    foot += [_note(note)] if note else []
    room = max(0, height - sum(len(console.render_lines(one, pad=False)) for one in foot))
    lines = console.render_lines(brief, pad=False)[:room]
    return Group(*(_Line(line) for line in lines), *foot)


class _Line:
    """A line that has been laid out."""

    def __init__(self, segments: list[Segment]) -> None:
        self._segments = segments

    def __rich_console__(self, *_: object) -> Iterator[Segment]:
        yield from self._segments
        yield Segment.line()


def age_text(since: str, now: datetime) -> str:
    """Return how long ago a time of Kubernetes is, in one unit: 45s, 12m, 3d; empty for none."""
    return _span((now - datetime.fromisoformat(since)).total_seconds()) if since else ""


def next_text(at: str | None, now: datetime) -> str:
    """Return how far away the next run is."""
    if not at:
        return "-"
    seconds = (datetime.fromisoformat(at) - now).total_seconds()
    return f"in {_span(seconds)}" if seconds > 0 else "due"


def _span(seconds: float) -> str:
    unit, size = next((u for u in _UNITS if seconds >= _AT_LEAST * u[1]), _UNITS[-1])
    return f"{max(0, int(seconds // size))}{unit}"


def percent_text(permille: int | None) -> str:
    """Return permille as per cent; a dash for none."""
    return "-" if permille is None else f"{permille / 10:.1f} %"


def _whole(status: ClusterStatus, *, width: int, now: datetime, note: str) -> Group:
    parts: list[RenderableType] = [Text(_title(status))]
    shown = _Shown(width=width, now=now, namespaces=not status.namespace)
    if status.categories:
        parts += ["", *shown.categories(status.categories)]
    if status.classifiers:
        parts += ["", *shown.classifiers(status.classifiers)]
    if not status.categories and not status.classifiers:
        first = "kubectl apply -f k8s/examples/first-category.yaml"
        parts += ["", Text(f"There is no category and no classifier. To begin: {first}")]
    if note:
        parts += ["", _note(note)]
    return Group(*parts)


def _title(status: ClusterStatus) -> str:
    where = f"namespace {status.namespace}" if status.namespace else "all namespaces"
    return clean(f"{status.context}, {where}: {_ready_text(status)}")


def _ready_text(status: ClusterStatus) -> str:
    kinds: list[tuple[Sequence[Row], str]] = [
        (status.categories, "categories"),
        (status.classifiers, "classifiers"),
    ]
    return joined(_of(rows, name) for rows, name in kinds)


def _of(rows: Sequence[Row], name: str) -> str:
    return f"{sum(row.is_ready for row in rows)} of {len(rows)} {name} ready" if rows else ""


def _unready(status: ClusterStatus) -> ClusterStatus:
    return ClusterStatus(
        context=status.context,
        namespace=status.namespace,
        categories=[row for row in status.categories if not row.is_ready],
        classifiers=status.classifiers,
    )


def _note(note: str) -> Text:
    return Text(clean(note), "yellow")


class _Shown:
    """Lays out rows for one width."""

    def __init__(self, *, width: int, now: datetime, namespaces: bool) -> None:
        self._now = now
        self._namespaces = namespaces
        self._room = width - (_NAMESPACE_CELLS if namespaces else 0)
        self._messages = width >= _MESSAGE_CELLS

    def categories(self, rows: Sequence[CategoryRow]) -> Iterator[RenderableType]:
        if self._room < _CATEGORY_CELLS:
            for row in rows:
                yield from self._block(row, [_of_target(row), *self._times(row)], told=False)
            return
        table = self._new_table("category", "stored", "age", "next run")
        for row in rows:
            figures = (_of_target(row), age_text(row.created_at, self._now))
            self._add(table, row, *figures, next_text(row.next_run_at, self._now))
        yield table
        yield from self._below(rows, always=False)

    def classifiers(self, rows: Sequence[ClassifierRow]) -> Iterator[RenderableType]:
        if self._room < _CLASSIFIER_CELLS:
            for row in rows:
                yield from self._block(row, _figures_in_words(row), told=True)
                if row.endpoint:
                    yield _indented(row.endpoint)
            return
        table = self._new_table("classifier", "accuracy", "images", "model", "replicas")
        for row in rows:
            self._add(table, row, *_figures(row))
        yield table
        yield from self._below(rows, always=True)

    def _new_table(self, kind: str, *figures: str) -> Table:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        if self._namespaces:
            table.add_column("namespace", overflow="fold")
        table.add_column(kind, overflow="fold")
        table.add_column("ready", no_wrap=True)
        table.add_column("reason", no_wrap=True)
        for name in figures:
            table.add_column(name, justify="right", no_wrap=True)
        if self._messages:
            table.add_column("message", overflow="fold")
        return table

    def _add(self, table: Table, row: Row, *figures: str) -> None:
        place = [row.namespace, row.name] if self._namespaces else [row.name]
        words = [row.reason, *figures, *([_message(row)] if self._messages else [])]
        table.add_row(*map(_plain, place), _ready(row), *map(_plain, words))

    def _below(self, rows: Iterable[Row], *, always: bool) -> Iterator[RenderableType]:
        """Say below a table what has no column in it."""
        for row in rows if not self._messages else ():
            if (always or not row.is_ready) and (said := _message(row)):
                yield _indented(f"{self._name(row)}: {said}")

    def _block(self, row: Row, words: Iterable[str], *, told: bool) -> Iterator[RenderableType]:
        yield Text(clean(self._name(row)))
        yield Padding(
            Text.assemble(_ready(row), " ", clean(row.reason)), (0, 0, 0, 2), expand=False
        )
        if figures := joined(words):
            yield _indented(figures)
        if row.message and (told or not row.is_ready):
            yield _indented(row.message)

    def _times(self, row: CategoryRow) -> Iterator[str]:
        age = age_text(row.created_at, self._now)
        yield f"{age} old" if age else ""
        yield f"next {next_text(row.next_run_at, self._now)}" if row.next_run_at else ""

    def _name(self, row: Row) -> str:
        return f"{row.namespace}/{row.name}" if self._namespaces else row.name


def _of_target(row: CategoryRow) -> str:
    return f"{row.stored}/{row.target}"


def _figures(row: ClassifierRow) -> tuple[str, ...]:
    images = "-" if row.images is None else str(row.images)
    replicas = "-" if row.ready_replicas is None else str(row.ready_replicas)
    model = row.served[:_DIGEST_CHARACTERS] or "-"
    return percent_text(row.accuracy_permille), images, model, replicas


def _figures_in_words(row: ClassifierRow) -> Iterator[str]:
    accuracy, images, model, replicas = _figures(row)
    yield f"accuracy {accuracy}" if accuracy != "-" else ""
    yield f"{images} images" if images != "-" else ""
    yield f"model {model}" if model != "-" else ""
    yield f"{replicas} replicas" if replicas != "-" else ""


def _message(row: Row) -> str:
    endpoint = row.endpoint if isinstance(row, ClassifierRow) else ""
    return joined([endpoint, row.message], separator="; ")


def _ready(row: Row) -> Text:
    return Text(clean(row.ready), _COLOURS.get(row.ready, ""))


def _plain(text: str) -> Text:
    return Text(clean(text))


def _indented(text: str) -> Padding:
    return Padding(Text(clean(text), overflow="fold"), (0, 0, 0, 2), expand=False)


def utc_now() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)
