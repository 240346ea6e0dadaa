"""What our gRPC servers share: settings, an address, signals, health, and a word when ready."""

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import prometheus_client
from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

from artgrab.common.endpoints import Endpoint, endpoint_of
from artgrab.common.errors import ArtgrabError, BadInputError, SurroundingsError
from artgrab.common.logs import configure_logs
from artgrab.common.processes import die_with_parent

_FIELD = re.compile(r'field "(\w+)"')
SettingsT = TypeVar("SettingsT", bound=BaseSettings)

LOOPBACK = "127.0.0.1"
_ENDING = (signal.SIGTERM, signal.SIGINT)


def run_process(
    parser: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace], None],
    *,
    needs_store: bool = True,
) -> int:
    """Parse the options, run the server, and return the exit code; errors are one line on stderr.

    Adds the options that every server of ours has: --store, --listen and --exit-with-parent.
    """
    where = "where everything is kept"
    parser.add_argument("--store", required=needs_store, metavar="URI", help=where)
    parser.add_argument("--listen", metavar="ADDRESS:PORT", help="port 0 takes a free one")
    parser.add_argument("--exit-with-parent", type=int, metavar="PID", help="end when PID ends")
    options = parser.parse_args()
    if options.exit_with_parent is not None:
        die_with_parent(options.exit_with_parent)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # until signals_set() takes over
    try:
        configure_logs()
        run(options)
    except ArtgrabError as error:
        sys.stderr.write(f"artgrab: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("artgrab: interrupted before it was ready\n")
        return SurroundingsError.exit_code
    return 0


def read_settings(kind: type[SettingsT], **given: Any) -> SettingsT:
    """Read settings from the environment; what is given and not None wins.

    Raises:
        BadInputError: a value is not allowed.
    """
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except SettingsError as error:
        name = _variable(kind, next(iter(_FIELD.findall(str(error))), ""))
        raise BadInputError(f"environment: {name} is not the JSON that it must be") from error
    except ValidationError as error:
        problems = [
            f"{_variable(kind, str(one['loc'][0]) if one['loc'] else '')}"
            f"{''.join(f'[{part}]' for part in one['loc'][1:])}: "
            f"{one['msg'].removeprefix('Value error, ')}"
            for one in error.errors()
        ]
        raise BadInputError(f"environment: {'; '.join(problems)}") from error


def _variable(kind: type[BaseSettings], field: str) -> str:
    return f"{kind.model_config.get('env_prefix', '')}{field}".upper()


def announce(endpoint: str) -> None:
    """Tell whoever started this process where it answers: one line of JSON on stdout."""
    sys.stdout.write(json.dumps({"endpoint": endpoint}) + "\n")
    sys.stdout.flush()


def listen_endpoint(listen: str, *, option: str = "--listen") -> Endpoint:
    """Return the address and port (0 for a free one) that an option names.

    Raises:
        BadInputError: it has another form.
    """
    return endpoint_of(listen, option=option, example="127.0.0.1:0", any_port=True)


def check_address(listen: str, *, option: str = "--listen") -> str:
    """Try to listen on ADDRESS:PORT for a moment; return the address as URLs hold it.

    gRPC would say the same on stderr, in lines of its own.

    Raises:
        BadInputError: it is no address and port.
        SurroundingsError: it is taken, or not of this machine.
    """
    endpoint = listen_endpoint(listen, option=option)
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    try:
        socket.create_server(endpoint, family=family).close()
    except (OSError, UnicodeError) as error:
        number = getattr(error, "errno", None)
        why = os.strerror(number) if number else str(error)
        raise _taken(listen, why, option) from error
    return f"[{endpoint.host}]" if family == socket.AF_INET6 else endpoint.host


def bind(server: Any, listen: str, *, credentials: Any = None, option: str = "--listen") -> int:
    """Let a gRPC server listen, without TLS where there are no credentials; return the port.

    Raises:
        SurroundingsError: the address is taken.
    """
    try:
        port: int = (
            server.add_insecure_port(listen)
            if credentials is None
            else server.add_secure_port(listen, credentials)
        )
    except RuntimeError as error:
        raise _taken(listen, "gRPC refuses it", option) from error
    return port


@contextmanager
def metrics_server(registry: Any, address: str, port: int, *, advice: str) -> Iterator[int]:
    """Serve Prometheus metrics over HTTP; yields the port.

    Args:
        registry: what is served (prometheus_client.CollectorRegistry).
        address: of this machine; 0.0.0.0 lets others read.
        port: 0 takes a free one.
        advice: what to change where the address is taken.

    Raises:
        SurroundingsError: it is taken.
    """
    try:
        server, thread = prometheus_client.start_http_server(port, addr=address, registry=registry)
    except OSError as error:
        why = f"metrics on {address} port {port}: {error.strerror}"
        raise SurroundingsError(f"{why}; {advice}") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _taken(listen: str, why: str, option: str) -> SurroundingsError:
    return SurroundingsError(
        f"{listen} cannot be listened on ({why}); choose another with {option}, as 127.0.0.1:0"
    )


async def set_health(servicer: Any, status: int, *, service: str) -> None:
    """Set the status (grpc.health.v1) of a service and of the server as a whole."""
    for name in ("", service):
        await servicer.set(name, status)


@contextmanager
def signals_set(stop: asyncio.Event) -> Iterator[None]:
    """Let SIGTERM and SIGINT set the event, and a second one end this process at once.

    Only a main thread can; what handled them before does so again afterwards.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {one: signal.getsignal(one) for one in _ENDING}
    for one in _ENDING:
        loop.add_signal_handler(one, _stop_or_leave, stop)
    try:
        yield
    finally:
        for one, handler in before.items():
            loop.remove_signal_handler(one)
            signal.signal(one, handler)


def _stop_or_leave(stop: asyncio.Event) -> None:
    if stop.is_set():
        os._exit(SurroundingsError.exit_code)  # what is below ends with us: see die_with_parent
    stop.set()


@contextmanager
def reserved_port() -> Iterator[int]:
    """Hold a free port of loopback, so that nobody else is given it between two lives of a server.

    Bound and not listening: the kernel gives it to nobody who asks for any port, and who names it
    can listen there (SO_REUSEADDR, socket(7)).
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((LOOPBACK, 0))
        port: int = holder.getsockname()[1]
        if not sys.platform.startswith("linux"):  # elsewhere two sockets cannot share it
            holder.close()
        yield port
