"""Who has no token of a run, or another run's, can have nothing stored."""

import base64
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from artgrab.common.tokens import RunToken, sign
from artgrab.v1 import ingest_service_pb2 as pb
from artgrab.v1 import ingest_service_pb2_grpc as pb_grpc
from tests.cluster.forwards import Forward, forwarded
from tests.cluster.holdings import keys_of
from tests.cluster.installed import DOWNLOADER, DOWNLOADER_PORT, PICTURES, RELEASE, Installation
from tests.support.ingest_client import hello, raw_stream
from tests.support.waiting import WAIT_SECONDS

Way = Callable[[Forward, str], Awaitable[grpc.StatusCode]]

CATEGORY = "guarded"
RUN = "a-run"

pytestmark = pytest.mark.xdist_group("downloaders")


@pytest.fixture(scope="module")
def downloader(installed: Installation) -> Iterator[Forward]:
    with forwarded(installed.system, f"deployment/{DOWNLOADER}", DOWNLOADER_PORT) as forward:
        yield forward


@pytest.fixture(scope="module")
def key(installed: Installation) -> bytes:
    """The key of this installation; who can read it is an administrator."""
    secret = installed.system.read("secret", f"{RELEASE}-token-key")
    return base64.b64decode(secret["data"]["key"])


def _token(key: bytes, *, category: str = CATEGORY, run: str = RUN, hours: int = 1) -> str:
    token = RunToken(
        namespace=PICTURES,
        category=category,
        run_id=run,
        min_side=64,
        expires_at=datetime.now(UTC) + timedelta(hours=hours),
    )
    return sign(token, key)


async def _ingest(forward: Forward, token: str) -> grpc.StatusCode:
    """Return how a stream ends that was opened with a token."""
    async with raw_stream(forward.address) as stream:
        opening = hello(namespace=PICTURES, category=CATEGORY, run_id=RUN, token=token)
        await stream.send(opening)
        return await stream.code()


async def _end_run(forward: Forward, token: str) -> grpc.StatusCode:
    """Return how a request to end the run ends."""
    request = pb.EndRunRequest(
        namespace=PICTURES,
        category=CATEGORY,
        run_id=RUN,
        token=token,
        reason="TargetReached",
    )
    async with grpc.aio.insecure_channel(forward.address) as channel:
        call = pb_grpc.IngestServiceStub(channel).EndRun(request, timeout=WAIT_SECONDS)
        code: grpc.StatusCode = await call.code()
        return code


WAYS = pytest.mark.parametrize("try_it", [_ingest, _end_run])


@WAYS
async def test_whoever_has_no_token_is_refused(
    installed: Installation, downloader: Forward, try_it: Way
) -> None:
    assert await try_it(downloader, "") is grpc.StatusCode.UNAUTHENTICATED
    assert keys_of(installed.store, namespace=PICTURES, category=CATEGORY) == []


@WAYS
async def test_a_forged_token_is_refused(
    installed: Installation, downloader: Forward, try_it: Way
) -> None:
    forged = _token(b"another key of thirty-two bytes.")
    assert await try_it(downloader, forged) is grpc.StatusCode.UNAUTHENTICATED
    assert keys_of(installed.store, namespace=PICTURES, category=CATEGORY) == []


@WAYS
async def test_a_token_that_has_expired_is_refused(
    downloader: Forward, key: bytes, try_it: Way
) -> None:
    code = await try_it(downloader, _token(key, hours=-1))
    assert code is grpc.StatusCode.UNAUTHENTICATED


@WAYS
@pytest.mark.parametrize("foreign", [{"category": "another"}, {"run": "another"}])
async def test_the_token_of_another_run_is_refused(
    installed: Installation, downloader: Forward, key: bytes, try_it: Way, foreign: dict[str, str]
) -> None:
    code = await try_it(downloader, _token(key, **foreign))  # type: ignore[arg-type]  # of any field
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert keys_of(installed.store, namespace=PICTURES, category=CATEGORY) == []


async def test_the_right_token_is_taken(downloader: Forward, key: bytes) -> None:
    async with raw_stream(downloader.address) as stream:
        token = _token(key)
        await stream.send(hello(namespace=PICTURES, category=CATEGORY, run_id=RUN, token=token))
        welcome = await stream.receive()
        assert welcome is not None
        assert welcome.welcome.credits
