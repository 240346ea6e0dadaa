"""A real S3 server (SeaweedFS) on loopback, with its ports free ones and its folder its own."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "artgrab-tests"
ACCESS_KEY, SECRET_KEY = "TESTKEY", "secret-of-the-test-key"  # of a server of ours
READER_KEY, READER_SECRET = "READER", "secret-of-the-reader"
REGION = "eu-test-1"
READY_SECONDS = 90.0
_STARTS = 3
"""Between finding a port free and listening on it another process may take it."""
_POLL_SECONDS = 0.05
_SERVERS = ("master", "volume", "filer", "s3")


class S3Server:
    """One `weed server`; it may be killed and started again on the same ports and folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: dict[str, int] = {}
        self._starter = ThreadPoolExecutor(1, "weed")
        """Starts it, whoever asks: it ends with the thread that has started it."""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._ports['s3.port']}"

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find the server the boto3 way, and nothing else of AWS."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self) -> "S3Client":
        """Return a client of the server's owner that gives up quickly."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=REGION,
            config=Config(
                connect_timeout=2,
                read_timeout=10,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )

    def start(self) -> None:
        """Start, on the ports of before if there were any, and wait until objects come and go."""
        for attempt in range(_STARTS):
            self._ports = self._ports if self._bucket_made else _free_ports()
            self._launch()
            if self._wait_until_ready():
                return
            self.kill()
            print(f"weed did not start ({attempt + 1}):\n{self.last_words()}", file=sys.stderr)
        raise RuntimeError(f"weed does not start:\n{self.last_words()}")

    def kill(self) -> None:
        """SIGKILL; a quiet end would take 25 s."""
        if self._process:
            self._process.kill()
            self._process.wait()
        for socket_file in self.socket_files():
            socket_file.unlink(missing_ok=True)

    def close(self) -> None:
        """Kill it for good."""
        self.kill()
        self._starter.shutdown()

    def socket_files(self) -> list[Path]:
        """Return what lies outside the server's folder: it has its sockets there in any case."""
        found = (Path("/tmp").glob(f"seaweedfs-*-{port}.sock") for port in self._ports.values())
        return [path for paths in found for path in paths]

    def last_words(self) -> str:
        """Return the end of the server's log, for failures."""
        return (self._folder / "log").read_text(errors="replace")[-3000:]

    @property
    def _bucket_made(self) -> bool:
        return (self._folder / "bucket-made").exists()

    def _launch(self) -> None:
        config = self._folder / "s3.json"
        config.write_text(json.dumps(_identities()))
        data = self._folder / "data"
        data.mkdir(exist_ok=True)
        flags = [f"-{name}={port}" for name, port in self._ports.items()]
        # Nothing of Python runs between fork and exec: gRPC's part of that aborts now and then.
        leash = (sys.executable, "-P", "-m", "artgrab.common.leashed", str(os.getpid()))
        command = (_program(), "server", f"-dir={data}", f"-s3.config={config}", *_FLAGS, *flags)
        with (self._folder / "log").open("wb") as log:
            self._process = self._starter.submit(
                subprocess.Popen[bytes],
                [*leash, *command],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=os.environ | {"TMPDIR": str(self._folder)},  # for its logs
            ).result()

    def _wait_until_ready(self) -> bool:
        deadline = time.monotonic() + READY_SECONDS
        while self._process and self._process.poll() is None and time.monotonic() < deadline:
            if self._listens() and self._takes_objects():
                return True
            time.sleep(_POLL_SECONDS)  # polling another process: there is nothing to wait on
        return False

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._ports["s3.port"])) == 0

    def _takes_objects(self) -> bool:
        client = self.client()
        try:
            if not self._bucket_made:
                client.create_bucket(Bucket=BUCKET)
                (self._folder / "bucket-made").touch()
            client.put_object(Bucket=BUCKET, Key="ready", Body=b"1")  # an empty one needs no volume
            client.get_object(Bucket=BUCKET, Key="ready")["Body"].read()
        except (ClientError, BotoCoreError):
            return False
        return True


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start a server; whatever happens, neither process nor file of it is left."""
    with tempfile.TemporaryDirectory(prefix="artgrab-s3-") as folder:
        server = S3Server(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.close()


_FLAGS = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-filer",
    "-s3",
    "-s3.autoCreateBucket=false",  # as everywhere else
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-master.volumeSizeLimitMB=256",
    "-master.electionTimeout=1s",
    "-master.heartbeatInterval=200ms",
    "-volume.max=40",
    "-volume.minFreeSpace=1MiB",
)


def _identities() -> dict[str, object]:
    def identity(name: str, key: str, secret: str, *actions: str) -> dict[str, object]:
        credentials = [{"accessKey": key, "secretKey": secret}]
        return {"name": name, "credentials": credentials, "actions": list(actions)}

    return {
        "identities": [
            identity("owner", ACCESS_KEY, SECRET_KEY, "Admin", "Read", "Write", "List", "Tagging"),
            identity("reader", READER_KEY, READER_SECRET, "Read", "List"),
        ]
    }


def _program() -> str:
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed") or "weed"


def _free_ports() -> dict[str, int]:
    names = [f"{server}.port{kind}" for server in _SERVERS for kind in ("", ".grpc")]
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        return {name: probe.getsockname()[1] for name, probe in zip(names, probes, strict=True)}
