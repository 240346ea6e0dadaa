"""Who may scrape next: no more at once than the cluster can carry, and one at a time per API."""

from collections.abc import Iterable, Iterator

from artgrab.operator.observed import Job, Key
from artgrab.operator.plans import Ticket


class Admissions:
    """The line of categories that wish for a place, oldest first.

    A place that was given stays reserved until its Job is seen or given up, so that two workers
    never take the last one.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._line: dict[Key, Ticket] = {}
        self._reserved: dict[Key, Ticket] = {}

    def ask(self, ticket: Ticket, running: Iterable[Job]) -> str:
        """Take a place in line; return why there is none yet, or nothing where one is reserved."""
        self.join(ticket)
        free, asked = self._taken(running)
        for one in self._in_order():
            busy = one.alone_at & asked
            if one.key == ticket.key:
                return self._answer(ticket, busy, free)
            asked = asked | one.alone_at
            free -= 0 if busy else 1
        raise AssertionError(ticket.key)

    def join(self, ticket: Ticket) -> None:
        """Take a place in line, or another one."""
        self._line[ticket.key] = ticket

    def leave(self, key: Key) -> None:
        """Give up the place in line, and one that was reserved."""
        self._line.pop(key, None)
        self._reserved.pop(key, None)

    def next_in_line(self, running: Iterable[Job]) -> Iterator[Key]:
        """Return who would get a place now."""
        free, asked = self._taken(running)
        for one in self._in_order():
            if free <= 0:
                return
            if not one.alone_at & asked:
                free -= 1
                yield one.key
            asked = asked | one.alone_at

    def _answer(self, ticket: Ticket, busy: frozenset[str], free: int) -> str:
        if busy:
            return f"waits until no other scrape asks {', '.join(sorted(busy))}"
        if free <= 0:
            return (
                f"waits for a place: {self._places} scrapes run at once, which is all that "
                "operator.maxConcurrentScrapes allows"
            )
        self._reserved[ticket.key] = self._line.pop(ticket.key)
        return ""

    def _taken(self, running: Iterable[Job]) -> tuple[int, frozenset[str]]:
        """Return the free places, and the hosts that are asked already."""
        held = {job.category: job.alone_at for job in running}
        held |= {key: one.alone_at for key, one in self._reserved.items() if key not in held}
        return self._places - len(held), frozenset().union(*held.values())

    def _in_order(self) -> list[Ticket]:
        return sorted(self._line.values(), key=lambda one: (one.since, one.key))
