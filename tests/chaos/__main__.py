"""`make chaos-run`: artgrab run, killed at many points over the job, on a folder and on S3.

Prints what happens on stderr, and on stdout one line of JSON; exit code 1 unless all is as if
nobody had killed anything. SEED repeats the choice of points, KILLS says how many at least.
"""

import json
import os
import random
import sys
import time
from collections import Counter
from unittest.mock import patch

from tests.chaos.grounds import Grounds, grounds
from tests.chaos.lives import Life, Toll, bury, undisturbed
from tests.chaos.plans import Point, plan_life
from tests.chaos.telling import options_of, tell
from tests.support.s3 import s3_server
from tests.world.world import demo_world

KINDS = ("folder", "s3")
_KILLS_OF_A_LIFE = 10


def main() -> int:
    """Return the exit code."""
    options = options_of("tests.chaos", __doc__, kills=50).parse_args()
    begun = time.monotonic()
    tell(f"SEED={options.seed} repeats this choice of points")
    with (
        demo_world() as world,
        s3_server() as s3,
        patch.dict(os.environ, s3.environment),
        grounds(world, s3) as field,
    ):
        show = Show(wanted=options.kills)
        kill_all(field, show, random.Random(options.seed))
    print(json.dumps(show.summary(seed=options.seed, seconds=round(time.monotonic() - begun))))
    return 1 if show.toll.problems else 0


class Show:
    """Counts, and tells people how far it is."""

    def __init__(self, *, wanted: int) -> None:
        self.toll = Toll()
        self.stores: Counter[str] = Counter()
        self.wanted = wanted
        self._begun = time.monotonic()
        self._kind = ""

    @property
    def kills(self) -> int:
        return self.toll.kills.total()

    def life(self, kind: str) -> None:
        self._kind = kind
        tell(f"a new {kind} store")

    def told(self, point: Point) -> None:
        self.stores[self._kind] += 1
        each = (time.monotonic() - self._begun) / self.kills
        left = max(0, self.wanted - self.kills) * each / 60
        tell(
            f"{self.kills}/{self.wanted} {self._kind}: {point.victim} killed in"
            f" {point.phase.name.lower()} ({point.fraction:.2f}), about {left:.0f} min left"
        )

    def summary(self, *, seed: int, seconds: int) -> dict[str, object]:
        toll = self.toll
        return {
            "kills": self.kills,
            "runs": toll.runs,
            "lost": len(toll.lost),
            "duplicates": len(toll.duplicates),
            "leftovers": len(toll.leftovers),
            "same_digest": not toll.others,
            "seed": seed,
            "seconds": seconds,
            "by_victim": {str(victim): count for victim, count in sorted(toll.kills.items())},
            "by_phase": {p.name.lower(): count for p, count in sorted(toll.phases.items())},
            "by_store": dict(sorted(self.stores.items())),
        }


def kill_all(field: Grounds, show: Show, randomness: random.Random) -> None:
    """Let stores of both kinds live in turn, until enough was killed."""
    tell("undisturbed first, on a folder: what it ends in holds for a bucket, too")
    setting = field.new("folder")
    expected = undisturbed(setting)
    tell(", ".join(f"{p.name.lower()} {s:.0f} s" for p, s in expected.seconds.items()))
    bury(setting)
    lives = 0
    while show.kills < show.wanted:
        kind = KINDS[lives % len(KINDS)]
        lives += 1
        show.life(kind)
        setting = field.new(kind)
        seeded = random.Random(randomness.random())
        life = Life(setting, expected, show.toll, randomness=seeded, told=show.told)
        life.live(plan_life(seeded, kills=_KILLS_OF_A_LIFE))
        for problem in show.toll.problems:
            tell(f"WRONG: {problem}")
        bury(setting)


if __name__ == "__main__":
    sys.exit(main())
