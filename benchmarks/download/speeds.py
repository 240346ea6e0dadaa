"""Pictures per second of a processor: img2dataset, ours, and the bare work, by turns."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artgrab.common.digests import sha256_hex
from benchmarks.download import limit, ours, peer, quality
from benchmarks.download.pictures import WORKLOADS, Drawn, made
from benchmarks.download.sites import Site, find_nginx, serving, urls_of
from tests.world.cache import progress

_FEW = 16
"""Pictures of the runs that are start-up and little else: all processes that decode are started."""
_ENOUGH = 40
"""Pictures of a format: of fewer the start-up of img2dataset says more than they do."""
_LOOKED_AT = 50
"""Pictures of a workload whose quality is measured."""


@dataclass
class Costs:
    """CPU-seconds of some runs, start-up and all."""

    few: list[float] = field(default_factory=list)
    all: list[float] = field(default_factory=list)

    def per_picture(self, count: int) -> float:
        """Return CPU-ms of one picture, start-up counted apart."""
        more = statistics.median(self.all) - statistics.median(self.few)
        return 1000 * more / (count - _FEW)


@dataclass
class Bench:
    """What all runs share."""

    sites: Sequence[Site]
    root: Path
    work: Path
    img2dataset: peer.Peer
    runs: int = 0

    def fetch(self, pictures: Sequence[Drawn], *, by_peer: bool) -> tuple[float, float, Path]:
        """Have one of both fetch pictures.

        Returns:
            CPU-seconds of it, of the client that feeds ours, and where it worked.
        """
        self.runs += 1
        work = self.work / f"run-{self.runs}"
        paths = [one.path for one in pictures]
        if by_peer:
            urls = urls_of(paths, self.root, [site.endpoint for site in self.sites])
            return self.img2dataset.fetch(urls, work).cpu_seconds, 0.0, work
        urls = urls_of(paths, self.root, [site.name for site in self.sites])
        spent = ours.fetch(urls, work, self.sites)
        return spent.downloader.cpu_seconds, spent.client_cpu_seconds, work


def measure(
    work: Path, *, workloads: Sequence[str], pictures: int | None = None, rounds: int = 3
) -> dict[str, Any]:
    """Measure workloads and return the figures of each, speedup and fraction of the limit.

    What the runs keep stays to the end: to remove files makes others dearer on some disks.

    Raises:
        SurroundingsError: nginx or img2dataset cannot be had, or a picture was not kept.
    """
    find_nginx()  # before pictures are drawn for minutes
    drawn = {name: made(WORKLOADS[name], count=pictures) for name in workloads}
    img2dataset = peer.Peer.installed()
    root = next(iter(drawn.values()))[0].path.parents[1]
    found: dict[str, Any] = {}
    likeness: dict[str, list[float]] = {"ours": [], "peer": []}
    with serving(root, work) as sites:
        bench = Bench(sites, root, work, img2dataset)
        for name, several in drawn.items():
            found |= _figures(bench, name, several, rounds, likeness)
            if len({one.format for one in several}) > 1:
                found[f"speedup_{name}_by_format"] = _by_format(bench, several, rounds)
    found["ssim"] = round(statistics.mean(likeness["ours"]), 4)
    found["ssim_peer"] = round(statistics.mean(likeness["peer"]), 4)
    found["peer"] = img2dataset.versions()
    return found


def _figures(
    bench: Bench,
    name: str,
    pictures: Sequence[Drawn],
    rounds: int,
    likeness: Mapping[str, list[float]],
) -> dict[str, Any]:
    """Measure a workload: img2dataset, ours, the bare work, and again."""
    theirs, own, bare, clients = Costs(), Costs(), [], []
    for turn in range(rounds):
        for costs, by_peer in ((theirs, True), (own, False)):
            costs.few.append(_cpu_seconds(bench, pictures[:_FEW], by_peer=by_peer))
            cpu, client, work = bench.fetch(pictures, by_peer=by_peer)
            costs.all.append(cpu)
            clients.append(client)
            if turn == 0:
                side = "peer" if by_peer else "ours"
                likeness[side].extend(_likeness(bench, pictures, work, by_peer=by_peer))
        bare.append(limit.cpu_seconds(pictures))
        progress(f"{name}: {turn + 1} of {rounds} rounds")
    return _summary(name, len(pictures), theirs, own, bare, clients)


def _summary(
    name: str,
    count: int,
    theirs: Costs,
    own: Costs,
    bare: Sequence[float],
    clients: Sequence[float],
) -> dict[str, Any]:
    peer_ms, ours_ms = theirs.per_picture(count), own.per_picture(count)
    limit_ms = 1000 * statistics.median(bare) / count
    return {
        f"speedup_{name}": round(peer_ms / ours_ms, 2),
        f"fraction_of_limit_{name}": round(limit_ms / ours_ms, 2),
        f"cpu_ms_{name}": {
            "peer": round(peer_ms, 2),
            "ours": round(ours_ms, 2),
            "limit": round(limit_ms, 2),
            "client": round(1000 * statistics.median(filter(None, clients)) / count, 2),
            "peer_start": round(1000 * statistics.median(theirs.few)),
            "ours_start": round(1000 * statistics.median(own.few)),
        },
    }


def _cpu_seconds(bench: Bench, pictures: Sequence[Drawn], *, by_peer: bool) -> float:
    return bench.fetch(pictures, by_peer=by_peer)[0]


def _by_format(bench: Bench, pictures: Sequence[Drawn], rounds: int) -> dict[str, float]:
    """Return the speedup over the pictures of each format alone, where there are enough."""
    found = {}
    for kind in dict.fromkeys(one.format for one in pictures):
        some = [one for one in pictures if one.format == kind]
        if len(some) < _ENOUGH:
            continue
        costs = [Costs(), Costs()]
        for _ in range(rounds):
            for side, by_peer in zip(costs, (True, False), strict=True):
                side.few.append(_cpu_seconds(bench, some[:_FEW], by_peer=by_peer))
                side.all.append(_cpu_seconds(bench, some, by_peer=by_peer))
        theirs, own = (side.per_picture(len(some)) for side in costs)
        found[kind] = round(theirs / own, 2)
    return found


def _likeness(
    bench: Bench, pictures: Sequence[Drawn], work: Path, *, by_peer: bool
) -> Iterator[float]:
    some = pictures[:: max(1, len(pictures) // _LOOKED_AT)]
    if by_peer:
        hosts = [site.endpoint for site in bench.sites]
        urls = urls_of([one.path for one in pictures], bench.root, hosts)
        by_url = peer.kept_files(work)
        where = {one.path: by_url[url] for one, url in zip(pictures, urls, strict=True)}
    else:
        by_digest = ours.kept_files(work)
        where = {one.path: by_digest[sha256_hex(one.path.read_bytes())] for one in some}
    for one in some:
        yield quality.nearness(one.path.read_bytes(), where[one.path].read_bytes())
