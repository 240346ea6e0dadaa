"""Everything that TorchServe is told: its properties, its log, its model's yaml, its folder."""

import json
import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from artgrab.common.errors import SurroundingsError
from artgrab.common.leashed import LEASHED_PID
from artgrab.common.servers import LOOPBACK
from artgrab.serving.torchserve.programs import Programs
from artgrab.serving.torchserve.replies import MODEL_NAME
from artgrab.serving.torchserve.settings import TorchServeSettings

MODEL_VERSION = "1.0"
ARCHIVE = f"{MODEL_NAME}.mar"
_MEMORY = (
    *("-Xms128m", "-Xmn32m", "-Xmx512m", "-XX:+AlwaysPreTouch"),
    *("-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError"),
)
"""Of java, which only hands on: what it begins with it has from the start, and it collects young
objects soon. By itself it takes tens of megabytes more before it does so for the first time, which
looks like a leak for as long as there is little work."""
_RECOVERY_SECONDS = 60
_LONGEST_PATH = 107 - len("/.ts.sock.65535")
"""Of a folder for sockets (unix(7))."""
_LOG = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="off">
  <Appenders>
    <Console name="STDERR" target="SYSTEM_ERR"><PatternLayout pattern="%p %c{1}: %m%n"/></Console>
  </Appenders>
  <Loggers>
    <Root level="warn"><AppenderRef ref="STDERR"/></Root>
  </Loggers>
</Configuration>
"""
"""Warnings and errors on stderr, and no files: TorchServe's own configuration writes five."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Of loopback."""

    inference: int
    management: int
    metrics: int


@dataclass(frozen=True)
class Home:
    """The folder of one TorchServe: what it is told, where it unpacks, its sockets."""

    path: Path

    @property
    def archive(self) -> Path:
        """The model; the only one in its folder."""
        return self.path / "models" / ARCHIVE

    @property
    def scratch(self) -> Path:
        """For files that Java and the workers make."""
        return self.path / "tmp"

    @property
    def properties(self) -> Path:
        return self.path / "config.properties"

    @property
    def log(self) -> Path:
        return self.path / "log4j2.xml"

    @property
    def python(self) -> Path:
        return self.path / "python"

    def write(self, settings: TorchServeSettings, ports: Ports) -> None:
        """Write all but the archive.

        Raises:
            SurroundingsError: the path is too long for sockets.
        """
        if len(os.fsencode(self.scratch)) > _LONGEST_PATH:
            raise SurroundingsError(
                f"{self.path} is too long for the sockets of TorchServe; set TMPDIR to a short one"
            )
        for folder in (self.archive.parent, self.scratch):
            folder.mkdir(parents=True, exist_ok=True)
        self.properties.write_text(properties(settings, ports, self))
        self.log.write_text(_LOG)
        self.python.write_text(leashed_python(sys.executable))
        self.python.chmod(0o700)

    def command(self, programs: Programs) -> list[str]:
        """Return what starts TorchServe, as its own launcher would, which leaves java behind."""
        return [
            programs.java,
            *_MEMORY,
            f"-Dmodel_server_home={programs.home}",
            f"-Dlog4j.configurationFile=file://{self.log}",
            f"-Djava.io.tmpdir={self.scratch}",
            *("-cp", str(programs.jar), "org.pytorch.serve.ModelServer"),
            *("--python", str(self.python), "-f", str(self.properties)),
            *("-s", str(self.archive.parent), "-ncs"),
        ]


def model_yaml(content_sha256: str) -> str:
    """Return the yaml inside an archive: what holds wherever it is served, and its digest."""
    return (
        "deviceType: cpu\n"
        "startupTimeout: 120\n"
        "responseTimeout: 60\n"
        f"maxRetryTimeoutInSec: {_RECOVERY_SECONDS}\n"
        "artgrab:\n"
        f"  contentSha256: {content_sha256}\n"
    )


def properties(settings: TorchServeSettings, ports: Ports, home: Home) -> str:
    """Return config.properties: nothing but metrics and gRPC has a port, and all is loopback."""
    how = {"batchSize": settings.batch_pictures, "maxBatchDelay": settings.batch_delay_ms}
    lines = {
        "inference_address": f"unix:{home.path}/inference.sock",
        "management_address": f"unix:{home.path}/management.sock",
        "metrics_address": f"http://{LOOPBACK}:{ports.metrics}",
        "grpc_inference_address": LOOPBACK,
        "grpc_inference_port": ports.inference,
        "grpc_management_address": LOOPBACK,
        "grpc_management_port": ports.management,
        "model_store": home.archive.parent,
        "load_models": ARCHIVE,
        "allowed_urls": "file://.*",
        "models": json.dumps({MODEL_NAME: {MODEL_VERSION: how}}),
        "default_workers_per_model": settings.workers,
        "job_queue_size": 4 * settings.max_queued_pictures,  # it keeps what clients gave up
        "max_request_size": settings.max_message_bytes,
        "enable_model_api": "false",
        "enable_envvars_config": "false",
        "disable_token_authorization": "true",
        "install_py_dep_per_model": "false",
        "number_of_gpu": 0,
        "number_of_netty_threads": 1,
        "netty_client_threads": 1,
        "metrics_mode": "prometheus",
    }
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def leashed_python(python: str) -> str:
    """Return a program that runs Python for TorchServe: what java starts ends with java.

    A worker that still waits for java to connect would wait for ever.
    """
    leashed = f'{shlex.quote(python)} -P -m artgrab.common.leashed "${LEASHED_PID}"'
    return f'#!/bin/sh\nexec {leashed} {shlex.quote(python)} "$@"\n'
