"""Sites on loopback: one nginx with many virtual hosts, each with its own address and port."""

import getpass
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from artgrab.common.errors import SurroundingsError

HOSTS = 16
_START_SECONDS = 30.0
_CONFIG = """\
daemon off;
user {user};
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/error.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000;
  types {{ image/jpeg jpeg; image/png png; image/webp webp; }}
  client_body_temp_path {work}/t; proxy_temp_path {work}/t; fastcgi_temp_path {work}/t;
  uwsgi_temp_path {work}/t; scgi_temp_path {work}/t;
{servers}
}}
"""
_SERVER = """\
  server {{
    listen {endpoint} backlog=4096;
    server_name {name};
    root {root};
    location = /robots.txt {{ default_type text/plain; return 200 "User-agent: *\\nAllow: /\\n"; }}
  }}
"""


class Site(NamedTuple):
    """A virtual host."""

    name: str
    """As ours is told to resolve it; the peer cannot be told what a name stands for."""
    endpoint: str
    """ADDRESS:PORT, each of its own."""


def find_nginx() -> str:
    """Return the path of nginx.

    Raises:
        SurroundingsError: it is missing.
    """
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        raise SurroundingsError("nginx is missing; on Debian: apt-get install nginx-light")
    return program


@contextmanager
def serving(root: Path, work: Path) -> Iterator[Sequence[Site]]:
    """Serve a folder and yield the sites.

    Raises:
        SurroundingsError: nginx is missing, or does not start.
    """
    program = find_nginx()
    sites = [
        Site(f"www.site-{number:03}.test", endpoint)
        for number, endpoint in enumerate(_free_endpoints(HOSTS), 1)
    ]
    config = work / "nginx.conf"
    config.write_text(configuration(root, work, sites))
    process = subprocess.Popen([program, "-p", work, "-c", config], stderr=subprocess.DEVNULL)
    try:
        _wait(process, sites[-1].endpoint, work / "error.log")
        yield sites
    finally:
        process.terminate()
        process.wait()


def configuration(root: Path, work: Path, sites: Sequence[Site]) -> str:
    """Return the file that tells nginx what to serve."""
    servers = "".join(
        _SERVER.format(endpoint=site.endpoint, name=site.name, root=root) for site in sites
    )
    return _CONFIG.format(user=getpass.getuser(), work=work, servers=servers)


def urls_of(paths: Sequence[Path], root: Path, hosts: Sequence[str]) -> list[str]:
    """Return where files below the root are served, spread over names or endpoints in turn."""
    return [
        f"http://{hosts[number % len(hosts)]}/{path.relative_to(root)}"
        for number, path in enumerate(paths)
    ]


def _free_endpoints(count: int) -> list[str]:
    with ExitStack() as stack:
        servers = [
            stack.enter_context(closing(socket.create_server((f"127.77.0.{number}", 0))))
            for number in range(1, count + 1)
        ]
        return ["{}:{}".format(*server.getsockname()) for server in servers]


def _wait(process: "subprocess.Popen[bytes]", endpoint: str, log: Path) -> None:
    host, _, port = endpoint.rpartition(":")
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.02)  # a server tells nobody that it listens
    words = log.read_text() if log.exists() else ""
    raise SurroundingsError(f"nginx does not answer at {endpoint}: {words}")
