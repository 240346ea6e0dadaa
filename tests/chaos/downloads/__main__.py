"""`make chaos`: downloads into a folder and into S3 while everybody is killed again and again.

Downloaders, decode workers, the client and the S3 server die by SIGKILL at random moments and are
started again. Prints what happens on stderr, and on stdout one line of JSON; exit code 1 unless
every URL has one record, every stored one its picture, nothing else is there, and nothing was
fetched again that the client had a final answer for. SEED repeats the choice of kills.
"""

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from pathlib import Path
from unittest.mock import patch

from tests.chaos.downloads.lives import Life, live
from tests.chaos.plans import Victim, plan_strikes
from tests.chaos.telling import options_of, tell
from tests.support.s3 import S3Server, s3_server

VICTIMS: Mapping[str, Mapping[Victim, float]] = {
    "folder": {Victim.DOWNLOADER: 5, Victim.DECODER: 3, Victim.CLIENT: 3},
    "s3": {Victim.DOWNLOADER: 5, Victim.DECODER: 3, Victim.CLIENT: 3, Victim.STORE: 2},
}
"""By kind of store, with how often each is hit."""
_DOWNLOADERS = 3


def main() -> int:
    """Return the exit code."""
    parser = options_of("tests.chaos.downloads", __doc__, kills=200)
    parser.add_argument("--urls", type=int, default=2000, help="over both stores")
    options = parser.parse_args()
    tell(f"SEED={options.seed} repeats this choice of kills")
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as folder,
        s3_server() as s3,
        patch.dict(os.environ, s3.environment),
    ):
        lives = asyncio.run(
            _live_all(Path(folder), s3, urls=options.urls, kills=options.kills, seed=options.seed)
        )
    for life in lives:
        _tell_problems(life)
    found = summary(lives, urls=options.urls)
    print(json.dumps({**found, "seed": options.seed, "seconds": round(time.monotonic() - begun)}))
    return 1 if any(found[name] for name in COUNTS) or any(one.problems for one in lives) else 0


COUNTS = ("lost", "duplicates", "orphans", "refetched_after_ack")


async def _live_all(
    folder: Path, s3: S3Server, *, urls: int, kills: int, seed: int
) -> Sequence[Life]:
    """Let a store of each kind live at the same time: most of it is waiting."""
    seeded = random.Random(seed)
    counts: Counter[Victim] = Counter()

    def told(kind: str, victim: Victim) -> None:
        counts[victim] += 1
        tell(f"{counts.total()}/{kills} {kind}: {victim} killed")

    def life(kind: str, randomness: random.Random) -> Awaitable[Life]:
        return live(
            kind,
            folder / kind,
            urls=-(-urls // len(VICTIMS)),
            plan=plan_strikes(randomness, kills=-(-kills // len(VICTIMS)), victims=VICTIMS[kind]),
            downloaders=_DOWNLOADERS,
            s3=s3 if kind == "s3" else None,
            randomness=randomness,
            told=partial(told, kind),
        )

    return await asyncio.gather(*(life(kind, random.Random(seeded.random())) for kind in VICTIMS))


def summary(lives: Sequence[Life], *, urls: int) -> dict[str, object]:
    """Return the counts of all lives together."""
    victims = sum((life.kills for life in lives), Counter[Victim]())
    return {
        "kills": victims.total(),
        "urls": urls,
        **{name: sum(len(getattr(one.audit, name)) for one in lives) for name in COUNTS},
        "given_up": sum(life.audit.given_up for life in lives),
        "requests": sum(life.requests for life in lives),
        "outcomes": dict(sum((life.audit.outcomes for life in lives), Counter[str]())),
        "by_victim": {str(victim): count for victim, count in sorted(victims.items())},
        "by_store": {life.kind: life.kills.total() for life in lives},
    }


def _tell_problems(life: Life) -> None:
    for name in COUNTS:
        for one in getattr(life.audit, name):
            tell(f"WRONG {life.kind}, {name}: {one}")
    for one in life.problems:
        tell(f"WRONG {life.kind}: {one}")


if __name__ == "__main__":
    sys.exit(main())
