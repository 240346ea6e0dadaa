"""Removing rules: only those of Kubernetes, and only those that were not there before."""

import pytest

from tests.cluster import firewall

SAVED = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:CNI-ab12 - [0:0]
:KUBE-SERVICES - [0:0]
:KUBE-SVC-X - [0:0]
:MINE - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -j MINE
-A POSTROUTING -s 10.199.1.2/32 -m comment --comment "name: \\"pods\\"" -j CNI-ab12
-A KUBE-SERVICES -d 10.199.128.1/32 -j KUBE-SVC-X
-A MINE -d 192.0.2.1/32 -j ACCEPT
COMMIT
*filter
:INPUT ACCEPT [0:0]
COMMIT
"""


def test_jumps_from_elsewhere_go_first_then_contents_then_chains() -> None:
    assert firewall.removal(SAVED, set()).splitlines() == [
        "*nat",
        '-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
        '-D POSTROUTING -s 10.199.1.2/32 -m comment --comment "name: \\"pods\\"" -j CNI-ab12',
        "-F CNI-ab12",
        "-F KUBE-SERVICES",
        "-F KUBE-SVC-X",
        "-X CNI-ab12",
        "-X KUBE-SERVICES",
        "-X KUBE-SVC-X",
        "COMMIT",
    ]


def test_chains_that_were_there_before_stay() -> None:
    script = firewall.removal(SAVED, {"CNI-ab12"})
    assert "CNI-ab12" not in script
    assert "-X KUBE-SERVICES" in script


def test_nothing_is_done_where_all_chains_were_there_before() -> None:
    assert firewall.removal(SAVED, firewall.chains(SAVED)) == ""


def test_only_chains_of_kubernetes_and_cni_are_found() -> None:
    assert firewall.chains(SAVED) == {"CNI-ab12", "KUBE-SERVICES", "KUBE-SVC-X"}


@pytest.mark.parametrize("saved", ["", "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n"])
def test_a_host_without_such_chains_is_left_alone(saved: str) -> None:
    assert firewall.removal(saved, set()) == ""
