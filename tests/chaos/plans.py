"""Where and what to kill: seeded, so that a run can be repeated, and pure."""

import random
from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Phase(IntEnum):
    """Of a job, in their order."""

    COLLECT = 0
    DATASET = 1
    TRAIN = 2
    PREDICT = 3


class Victim(StrEnum):
    """What a kill hits: a job by its main process or a single process below it; or one of those
    that download together."""

    TREE = "tree"
    BROWSER = "browser"
    DECODER = "decoder"
    DOWNLOADER = "downloader"
    TRAINER = "trainer"
    SERVER = "server"
    CLIENT = "client"
    STORE = "store"
    """The server of a bucket."""


class Point(NamedTuple):
    """A moment of the job and what dies then."""

    phase: Phase
    fraction: float
    """Of what the phase still has to do: of its pictures, or of its usual time."""
    victim: Victim


class Strike(NamedTuple):
    """A kill among processes that download together, and what goes on before it."""

    share: float
    """Of what is to be done between two kills, how much is."""
    pause: float
    """Seconds after that: kills fall anywhere into what is written in groups."""
    victim: Victim


_WEIGHTS: Mapping[Phase, float] = {
    Phase.COLLECT: 6,
    Phase.DATASET: 1.5,
    Phase.TRAIN: 2.5,
    Phase.PREDICT: 1.5,
}
_VICTIMS: Mapping[Phase, Mapping[Victim, float]] = {
    Phase.COLLECT: {Victim.TREE: 3, Victim.BROWSER: 3, Victim.DECODER: 2, Victim.DOWNLOADER: 2},
    Phase.DATASET: {Victim.TREE: 1},
    Phase.TRAIN: {Victim.TREE: 1, Victim.TRAINER: 1},
    Phase.PREDICT: {Victim.TREE: 1, Victim.SERVER: 1, Victim.DECODER: 0.5},
}


def plan_life(randomness: random.Random, *, kills: int) -> list[Point]:
    """Return the points of one life of a store, in the order in which they come."""
    phases = sorted(randomness.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=kills))
    return [_point(randomness, phase) for phase in phases]


def _point(randomness: random.Random, phase: Phase) -> Point:
    victims = _VICTIMS[phase]
    (victim,) = randomness.choices(list(victims), list(victims.values()))
    return Point(phase, randomness.random(), victim)


_PAUSE_SECONDS = 0.3
"""Longer than records wait for others to be written with them."""


def plan_strikes(
    randomness: random.Random, *, kills: int, victims: Mapping[Victim, float]
) -> list[Strike]:
    """Return so many kills of these victims, who are hit as often as their weights say."""
    chosen = randomness.choices(list(victims), list(victims.values()), k=kills)
    return [
        Strike(randomness.random(), randomness.uniform(0, _PAUSE_SECONDS), victim)
        for victim in chosen
    ]
