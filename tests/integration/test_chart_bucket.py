"""The script of the chart that makes the bucket of the embedded object store.

It makes it, is content with one that is there, and waits for a server that is not.
"""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.chart.rendering import CHART
from tests.support.s3 import REGION, S3Server

BUCKET = "made-by-the-chart"
PROGRAM = (sys.executable, "-c", (CHART / "files/make-bucket.py").read_text(), BUCKET)


@pytest.fixture
def environment(s3: S3Server) -> Iterator[dict[str, str]]:
    yield os.environ | s3.environment | {"AWS_DEFAULT_REGION": REGION}
    if BUCKET in _buckets(s3):
        s3.client().delete_bucket(Bucket=BUCKET)


def _buckets(s3: S3Server) -> list[str]:
    return [bucket["Name"] for bucket in s3.client().list_buckets()["Buckets"]]


def test_the_bucket_is_made_once(s3: S3Server, environment: dict[str, str]) -> None:
    assert BUCKET not in _buckets(s3)
    for _ in range(2):
        subprocess.run(PROGRAM, env=environment, check=True, timeout=60)
        assert BUCKET in _buckets(s3)


def test_a_server_that_is_not_there_is_waited_for_and_told(environment: dict[str, str]) -> None:
    nowhere = environment | {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}
    with subprocess.Popen(PROGRAM, env=nowhere, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert "Could not connect" in process.stderr.readline()
        assert process.poll() is None
        process.kill()
