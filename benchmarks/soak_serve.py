"""`python -m benchmarks.soak_serve`: a predict server under good and bad pictures for minutes.

A model of the default backbone is trained on drawn pictures, fetched into a folder and served from
there as in a pod. Several clients ask about pictures whose answers the model gave in this process
before, and about broken ones; every answer is checked, and the memory of the server and of all
below it is watched. Ends with one line of JSON, also in benchmarks/results/soak-serve.json.
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import grpc.aio

from artgrab.client import AsyncPredictClient, Prediction
from artgrab.client.requests import TOO_LARGE
from artgrab.common.errors import ArtgrabError
from artgrab.common.progress import no_progress
from artgrab.common.store import Store
from artgrab.model.classifier import Classifier
from artgrab.model.documents import read_info
from artgrab.serving.runtimes import RUNTIMES
from artgrab.trainer import train
from artgrab.v1 import predict_service_pb2 as pb
from artgrab.v1 import predict_service_pb2_grpc as pb_grpc
from benchmarks.soak_memory import Sample, Watch, growth_megabytes
from benchmarks.soak_pictures import OVERSIZE_BYTES, Case, bad_cases, draw_request, good_cases
from tests.support.snapshots import NAMESPACE, SNAPSHOT, classifier, put_snapshot

RESULT = Path(__file__).parent / "results" / "soak-serve.json"
CLIENTS = 4
GOOD_PICTURES = 40
MOST_REQUESTS = 200_000
LEAST_PER_SECOND = 5000 / 600
MOST_GROWTH_MB = 50
OVERSIZE_EVERY_SECONDS = 5.0
_REQUEST_SECONDS = 120.0
_END_SECONDS = 60.0
_TELL_SECONDS = 60.0


@dataclass
class Tally:
    """What became of the requests."""

    requests: int = 0
    wrong: int = 0
    failed: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    """The first words of what went wrong."""

    def check(self, cases: Sequence[Case], answers: Sequence[Prediction]) -> None:
        """Count a request whose answers came."""
        self.requests += 1
        for case, answer in zip(cases, answers, strict=True):
            if case.is_good and answer.error:
                self.failed += 1
                self.troubles[f"{case.kind}: {answer.error}"] += 1
            elif not case.fits(answer):
                self.wrong += 1
                self.troubles[f"{case.kind}: {answer.label or answer.error}"] += 1

    def gave_up(self, cases: Sequence[Case], error: ArtgrabError) -> None:
        """Count a request without answers."""
        self.requests += 1
        self.failed += sum(case.is_good for case in cases)
        self.troubles[str(error)[:200]] += 1

    def expect(self, what: str, said: object, wanted: object) -> None:
        """Count a request that must end in one way."""
        self.requests += 1
        if said != wanted:
            self.wrong += 1
            self.troubles[f"{what}: {said}"] += 1


@dataclass(frozen=True)
class Limits:
    """When it is enough."""

    seconds: float
    requests: int = MOST_REQUESTS


def main() -> int:
    """Soak, and tell whether the goals are met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak_serve", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--requests", type=int, default=MOST_REQUESTS, help="at most")
    parser.add_argument("--runtime", choices=RUNTIMES, default="torchserve")
    options = parser.parse_args()
    result = soak(options.runtime, Limits(options.seconds, options.requests))
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result) + "\n")
    least = min(options.requests, LEAST_PER_SECOND * options.seconds)
    missed = missed_goals(result, least_requests=least)
    for goal in missed:
        _tell(f"missed: {goal}")
    print(json.dumps(result))
    return int(bool(missed))


def missed_goals(result: Mapping[str, float], *, least_requests: float) -> list[str]:
    """Return what is not as it should be, in words."""
    few = result["requests"] < least_requests
    grown = result["rss_growth_mb"] > MOST_GROWTH_MB
    return [
        *(f"{result[name]} {name}" for name in ("wrong", "failed") if result[name]),
        *([f"{result['requests']} requests, {least_requests:.0f} are wanted"] if few else []),
        *([f"memory grew by more than {MOST_GROWTH_MB} MB"] if grown else []),
    ]


def soak(
    runtime: str, limits: Limits, *, make: Callable[[Store], str] | None = None
) -> dict[str, float]:
    """Serve a new model by a runtime, ask until the limits, and return the last line.

    Args:
        runtime: who computes.
        limits: when it is enough.
        make: writes a model into an empty store and returns its prefix; make_model where absent.
    """
    with tempfile.TemporaryDirectory(prefix="artgrab-soak-") as name:
        store = Store.open(f"{name}/store")
        prefix = (make or make_model)(store)
        model = Classifier.load(store, prefix)
        good, bad = good_cases(model, GOOD_PICTURES), bad_cases(model)
        folder = Path(name, "models")
        fetch(store, prefix, folder)
        with served(folder, runtime) as server:
            _tell(f"{runtime} answers at {server.endpoint}")
            with Watch(server.process.pid) as watch:
                tally = asyncio.run(ask(server.endpoint, good, bad, limits))
    for trouble, count in tally.troubles.most_common(20):
        _tell(f"{count} times: {trouble}")
    _tell_memory(watch.samples)
    return {
        "requests": tally.requests,
        "wrong": tally.wrong,
        "failed": tally.failed,
        "rss_growth_mb": round(max(0.0, growth_megabytes(watch.samples)), 1),
    }


def _tell_memory(samples: Sequence[Sample]) -> None:
    for role in sorted(samples[-1].parts):
        first, last = (samples[n].parts.get(role, 0) for n in (0, -1))
        grown = growth_megabytes(samples, role)
        _tell(f"{role}: {first:.0f} MB at first, {last:.0f} at last, {grown:+.1f} from the plateau")


def make_model(store: Store) -> str:
    """Train on drawn pictures; return where the model lies."""
    _tell("training tf_efficientnet_lite0 on drawn pictures")
    put_snapshot(store)
    return train(
        store,
        namespace=NAMESPACE,
        classifier=classifier(imageSize=None),
        snapshot_prefix=SNAPSHOT,
        progress=no_progress,
    ).prefix


def fetch(store: Store, prefix: str, folder: Path) -> None:
    """Bring the model into a folder, as an init container does."""
    digest = read_info(store, prefix).content_sha256
    command = [sys.executable, "-m", "artgrab.serving.fetch", "--store", store.uri, "--archive"]
    command += ["--model", prefix, "--content-sha256", digest, "--to", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


@dataclass(frozen=True)
class Server:
    """A predict server that answers."""

    process: subprocess.Popen[str]
    endpoint: str


@contextmanager
def served(folder: Path, runtime: str) -> Iterator[Server]:
    """Serve a folder; yield when it is ready, and see it end by itself at SIGTERM."""
    command = [sys.executable, "-m", "artgrab.serving", "--runtime", runtime]
    command += ["--folder", str(folder), "--listen", "127.0.0.1:0"]
    command += ["--exit-with-parent", str(os.getpid())]
    if runtime == "torchserve":
        command += ["--archive", str(folder / "artgrab.mar")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(process, json.loads(process.stdout.readline())["endpoint"])
        finally:
            process.terminate()
            process.wait(_END_SECONDS)


async def ask(endpoint: str, good: Sequence[Case], bad: Sequence[Case], limits: Limits) -> Tally:
    """Let several clients ask until the limits; what they get is in the tally."""
    tally = Tally()
    until = time.monotonic() + limits.seconds

    def goes_on() -> bool:
        return time.monotonic() < until and tally.requests < limits.requests

    async def one(number: int) -> None:
        randomness = random.Random(number)
        async with AsyncPredictClient(endpoint, deadline_seconds=_REQUEST_SECONDS) as client:
            while goes_on():
                await _ask_once(client, draw_request(good, bad, randomness), tally)

    async def oversize() -> None:
        while goes_on():
            await _ask_too_much(endpoint, tally)
            await asyncio.sleep(OVERSIZE_EVERY_SECONDS)

    telling = asyncio.create_task(_keep_telling(tally))
    await asyncio.gather(oversize(), *map(one, range(CLIENTS)))
    telling.cancel()
    return tally


async def _ask_once(client: AsyncPredictClient, cases: Sequence[Case], tally: Tally) -> None:
    try:
        answers = await client.predict(case.data for case in cases)
    except ArtgrabError as error:
        tally.gave_up(cases, error)
    else:
        tally.check(cases, answers)


async def _ask_too_much(endpoint: str, tally: Tally) -> None:
    """Send 50 MB past the client, which would say so by itself, and then by the client."""
    picture = bytes(OVERSIZE_BYTES)
    async with grpc.aio.insecure_channel(endpoint) as channel:
        request = pb.PredictRequest(pictures=[picture])
        try:
            await pb_grpc.PredictServiceStub(channel).Predict(request, timeout=_REQUEST_SECONDS)
            code = grpc.StatusCode.OK
        except grpc.aio.AioRpcError as error:
            code = error.code()
    tally.expect("50 MB", code, grpc.StatusCode.RESOURCE_EXHAUSTED)
    async with AsyncPredictClient(endpoint) as client:
        tally.expect("50 MB by the client", await client.predict([picture]), [TOO_LARGE])


async def _keep_telling(tally: Tally) -> None:
    while True:
        await asyncio.sleep(_TELL_SECONDS)
        _tell(f"{tally.requests} requests, {tally.wrong} wrong, {tally.failed} failed")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
