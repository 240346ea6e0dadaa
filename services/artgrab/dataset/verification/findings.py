"""Where all parts of a verification put what they find."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from artgrab.common.errors import ObjectCorruptError, ObjectMissingError
from artgrab.common.progress import Progress, ProgressSink
from artgrab.common.store import Store
from artgrab.common.unreadable import UNREADABLE
from artgrab.dataset.verification.reads import Named, Reader
from artgrab.dataset.verification.types import Flaw, Kind, Problem, VerifyReport


class Findings:
    """Reads what it is told to, counts, and tells how far it is."""

    def __init__(
        self, store: Store, reads: Reader, progress: ProgressSink, *, total: int | None = None
    ) -> None:
        self.store = store
        self.report = VerifyReport()
        self._reads = reads
        self._progress = progress
        self._total = total
        self._done = 0
        self._seen: set[int] = set()
        """Hashes of key and digest of what was read: the rows of snapshots name pictures again."""

    def check(self, named: Iterable[Named]) -> None:
        """Read objects and compare their digests; what was read before is passed over."""
        for found in self._reads.read_all(self._new(named)):
            if found.problem:
                self.report.bad(found.problem)
            else:
                self.report.good(found.named.kind, found.size)
            self.tick()

    def _new(self, named: Iterable[Named]) -> Iterator[Named]:
        for one in named:
            mark = hash((one.key, one.sha256))
            if mark not in self._seen:
                self._seen.add(mark)
                yield one

    def document(self, key: str, kind: Kind, read: Callable[[], object], *, place: str) -> bool:
        """Let a document be read by what it is for; tell whether that went well."""
        try:
            read()
        except ObjectCorruptError as error:
            self.bad(key, kind, Flaw.CORRUPT, str(error), place=place)
            return False
        except ObjectMissingError:
            self.bad(key, kind, Flaw.MISSING, "it is named, and not there", place=place)
            return False
        self.report.good(kind, 0)
        self.tick()
        return True

    def json(self, key: str, *, place: str) -> None:
        """Read a small document of state."""
        self.document(key, Kind.STATE, lambda: _decode_json(self.store, key), place=place)

    def bad(self, key: str, kind: Kind, flaw: Flaw, detail: str, *, place: str) -> None:
        """Count a problem."""
        self.report.bad(Problem(key=key, kind=kind, flaw=flaw, detail=detail, place=place))

    def foreign(self, keys: Iterable[str], *, kind: Kind = Kind.OTHER, place: str = "") -> None:
        """Count objects that no document names."""
        for key in keys:
            self.bad(key, kind, Flaw.FOREIGN, "no document of the store names it", place=place)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below a prefix."""
        return [info.key for info in self.store.list(prefix)]

    def tick(self) -> None:
        """Tell that one more object is done."""
        self._done += 1
        self._tell()

    def end(self) -> VerifyReport:
        """Tell that all is done, and return it."""
        self._total = self._done
        self._tell(finished=True)
        return self.report

    def _tell(self, *, finished: bool = False) -> None:
        self._progress(
            Progress(
                stage="verify",
                done=self._done,
                total=self._total,
                unit="objects",
                counts={"problems": len(self.report.problems)},
                finished=finished,
            )
        )


def _decode_json(store: Store, key: str) -> object:
    try:
        return msgspec.json.decode(store.get(key), type=dict[str, object])
    except UNREADABLE as error:
        raise ObjectCorruptError(f"{store.uri_of(key)}: {error}") from error
