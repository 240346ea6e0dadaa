"""Removing the iptables rules that kubelet, kube-proxy and CNI leave behind, and no others."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.cluster.commands import run

FAMILIES = ("iptables", "ip6tables")
_OF_KUBERNETES = re.compile(r"(KUBE|CNI)-\S+")
_JUMP = re.compile(r"^-A (\S+) .*-[jg] (\S+)(?: |$)")


def chains(saved: str) -> set[str]:
    """Return the names of the chains of Kubernetes and CNI in what iptables-save wrote."""
    named = re.findall(r"^:(\S+)", saved, flags=re.MULTILINE)
    return {name for name in named if _OF_KUBERNETES.fullmatch(name)}


def removal(saved: str, keep: set[str]) -> str:
    """Return what makes `iptables-restore --noflush` remove those chains, but for `keep`.

    Every jump to such a chain goes first, then what is in them, then the chains.
    """
    tables = re.findall(r"^\*(\w+)\n(.*?)^COMMIT", saved, flags=re.MULTILINE | re.DOTALL)
    parts = (_removal_in_table(name, body, chains(body) - keep) for name, body in tables)
    return "".join(part for part in parts if part)


def _removal_in_table(name: str, body: str, doomed: set[str]) -> str:
    if not doomed:
        return ""
    lines = [
        *_jumps_from_elsewhere(body, doomed),
        *(f"-F {chain}" for chain in sorted(doomed)),
        *(f"-X {chain}" for chain in sorted(doomed)),
    ]
    return "\n".join([f"*{name}", *lines, "COMMIT"]) + "\n"


def _jumps_from_elsewhere(body: str, doomed: set[str]) -> Iterator[str]:
    for line in body.splitlines():
        jump = _JUMP.match(line)
        if jump and jump[2] in doomed and jump[1] not in doomed:
            yield f"-D{line.removeprefix('-A')}"


def present() -> dict[str, set[str]]:
    """Return the chains of Kubernetes and CNI that there are now, by family."""
    return {family: chains(_saved(family)) for family in FAMILIES if _has(family)}


def clean(keep: dict[str, set[str]]) -> None:
    """Remove all chains of Kubernetes and CNI, and jumps to them, that were not there before."""
    for family in FAMILIES:
        if _has(family):
            script = removal(_saved(family), keep.get(family, set()))
            if script:
                run(f"{family}-restore", "--noflush", "--wait", "30", given=script)


def _saved(family: str) -> str:
    return run(f"{family}-save")


def _has(family: str) -> bool:
    return Path("/usr/sbin", f"{family}-save").exists()
