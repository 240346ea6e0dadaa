"""What is fuzzed: a name, inputs to begin with, and what one input may lead to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
CPU_SECONDS = 5.0
"""For one input."""


@dataclass(frozen=True)
class Target:
    """Something that reads bytes of strangers.

    Whatever it raises besides what it says is a finding; so are a crash, too much memory and too
    much time.
    """

    run: Callable[[bytes], object]
    """Returns, or raises, what is told of an input; one that leads to something new is kept to be
    changed further."""
    seeds: Callable[[], Sequence[bytes]]
    may_raise: tuple[type[Exception], ...] = ()
    words: Sequence[bytes] = ()
    """Put into inputs here and there."""
    memory_bytes: int = 512 * 1024**2
    """Of address space beyond what is taken before the first input."""


TARGETS = {
    "addresses": "tests.fuzz.web_targets:ADDRESSES",
    "answers": "tests.fuzz.web_targets:ANSWERS",
    "frames": "tests.fuzz.picture_targets:FRAMES",
    "index": "tests.fuzz.stored_targets:INDEX",
    "pictures": "tests.fuzz.picture_targets:PICTURES",
    "records": "tests.fuzz.stored_targets:RECORDS",
    "reservations": "tests.fuzz.web_targets:RESERVATIONS",
    "responses": "tests.fuzz.web_targets:RESPONSES",
    "retry-after": "tests.fuzz.web_targets:RETRY_AFTER",
    "robots": "tests.fuzz.web_targets:ROBOTS",
    "session": "tests.fuzz.stream_targets:SESSION",
    "tokens": "tests.fuzz.stream_targets:TOKENS",
    "urls": "tests.fuzz.web_targets:URLS",
}
"""Where each one is: `module:name`. A process imports its own alone."""


def load(place: str) -> Target:
    """Return the target at a place."""
    module, _, name = place.partition(":")
    target = getattr(import_module(module), name)
    assert isinstance(target, Target)
    return target


def corpus(name: str) -> list[bytes]:
    """Return the inputs that the repository keeps for a target, each in a file."""
    return [file.read_bytes() for file in sorted((CORPUS / name).iterdir())]
