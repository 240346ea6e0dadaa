"""Which cluster is meant, and by whom: what kubectl would take."""

import os
from pathlib import Path
from typing import Any

import yaml
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError

from artgrab.common.errors import SurroundingsError
from artgrab.common.unreadable import UNREADABLE

_USUAL = "~/.kube/config"
_LISTS = ("clusters", "contexts", "users")
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_HOW = "set KUBECONFIG to the file that kubectl uses, or put it at ~/.kube/config"


def read_config() -> SingleConfig:
    """Return the current context of KUBECONFIG (several files as well), else of ~/.kube/config.

    In a pod without either, it is the pod's own account.

    Raises:
        SurroundingsError: there is none, or it is not understood.
    """
    files = _files()
    if not files:
        return _of_the_pod()
    try:
        merged = _merged(files)
        if not merged.get("current-context"):
            raise ConfigError("no current-context: kubectl config use-context NAME chooses one")
        chosen = KubeConfig.from_dict(merged).get()
        assert chosen is not None
        return chosen._replace(user=chosen.user or User())
    except (ConfigError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise _problem(files, error) from error
    except (yaml.YAMLError, *UNREADABLE) as error:
        raise _problem(files, error) from error


def _files() -> list[Path]:
    named = [name for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    files = [Path(name).expanduser() for name in named or [_USUAL]]
    there = [file for file in files if file.is_file()]
    if named and not there:
        raise SurroundingsError(f"KUBECONFIG names {', '.join(named)}: no such file; {_HOW}")
    return there


def _of_the_pod() -> SingleConfig:
    try:
        chosen = KubeConfig.from_service_account().get()
    except (ConfigError, KeyError, OSError) as error:
        raise SurroundingsError(f"no cluster is known: {_HOW}") from error
    assert chosen is not None
    return chosen


def _merged(files: list[Path]) -> dict[str, Any]:
    """Return the files as one: what a name means is said by the first file that has it."""
    merged: dict[str, Any] = {name: {} for name in _LISTS}
    for file in files:
        one = yaml.safe_load(file.read_text())
        for name in _LISTS:
            for entry in one.get(name) or []:
                merged[name].setdefault(entry["name"], _placed(entry, file))
        merged.setdefault("current-context", one.get("current-context") or None)
        if merged["current-context"] is None:
            del merged["current-context"]
    return merged | {name: list(merged[name].values()) for name in _LISTS}


def _placed(entry: dict[str, Any], file: Path) -> dict[str, Any]:
    """Return an entry in which no file is relative to the folder of its own."""
    return {
        key: {**value, **{n: str(file.parent / value[n]) for n in _FILES if value.get(n)}}
        if isinstance(value, dict)
        else value
        for key, value in entry.items()
    }


def _problem(files: list[Path], error: Exception) -> SurroundingsError:
    named = os.pathsep.join(map(str, files))
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, KeyError):
        said = f"{said} is missing"
    return SurroundingsError(f"kubeconfig {named}: {said}")
