"""What runs on the host: each program of the cluster with its arguments and sign of health."""

from pathlib import Path
from string import Template

from tests.cluster.layout import (
    API_SERVER,
    LOOPBACK,
    NODE_ADDRESS,
    NODE_NAME,
    POD_RANGE,
    SERVICE_RANGE,
    Layout,
)
from tests.cluster.processes import Component

HERE = Path(__file__).parent
ETCD = f"http://{LOOPBACK}:2379"


def write_config(layout: Layout) -> None:
    """Fill the templates of config/ in."""
    (layout.config / "cni").mkdir(parents=True, exist_ok=True)
    for template in (HERE / "config").iterdir():
        folder = layout.config / "cni" if template.suffix == ".conflist" else layout.config
        filled = Template(template.read_text()).substitute(layout.values() | {"cni": _cni_folder()})
        _write_if_new(folder / template.name, filled)


def _write_if_new(file: Path, text: str) -> None:
    """Leave a file that says the same alone: kube-proxy exits whenever its own is written."""
    if not file.exists() or file.read_text() != text:
        file.write_text(text)


def _cni_folder() -> str:
    """Debian's place for CNI's programs, else that of everybody else."""
    return next((one for one in ("/usr/lib/cni", "/opt/cni/bin") if Path(one).is_dir()), "")


def containerd(layout: Layout) -> Component:
    return Component(
        "containerd",
        ("containerd", "--config", str(layout.config / "containerd.toml")),
        f"unix:{layout.containerd_socket}",
    )


def etcd(layout: Layout) -> Component:
    peers = f"http://{LOOPBACK}:2380"
    return Component(
        "etcd",
        (
            layout.program("etcd"),
            f"--data-dir={layout.state}/etcd",
            f"--listen-client-urls={ETCD}",
            f"--advertise-client-urls={ETCD}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--unsafe-no-fsync",  # a test cluster outlives no power cut
            "--log-level=warn",
        ),
        f"{ETCD}/health",
    )


def apiserver(layout: Layout) -> Component:
    pki = layout.pki
    return Component(
        "kube-apiserver",
        (
            layout.program("kube-apiserver"),
            f"--etcd-servers={ETCD}",
            f"--bind-address={NODE_ADDRESS}",
            f"--advertise-address={NODE_ADDRESS}",
            f"--service-cluster-ip-range={SERVICE_RANGE}",
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--client-ca-file={pki}/ca.crt",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--kubelet-client-certificate={pki}/admin.crt",
            f"--kubelet-client-key={pki}/admin.key",
            f"--kubelet-certificate-authority={pki}/ca.crt",
            # Else `exec` and `logs` look the node's name up in DNS.
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={pki}/service-accounts.key",
            f"--service-account-key-file={pki}/service-accounts.key",
            *_aggregation(pki),
        ),
        f"{API_SERVER}/readyz",
    )


def _aggregation(pki: Path) -> tuple[str, ...]:
    """What lets the API server hand requests on to metrics-server."""
    return (
        f"--requestheader-client-ca-file={pki}/ca.crt",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki}/front-proxy.crt",
        f"--proxy-client-key-file={pki}/front-proxy.key",
        "--enable-aggregator-routing=true",
    )


def controller_manager(layout: Layout) -> Component:
    pki, kubeconfig = layout.pki, layout.config / "controller-manager.kubeconfig"
    return Component(
        "kube-controller-manager",
        (
            layout.program("kube-controller-manager"),
            *_secondary(kubeconfig),
            f"--service-account-private-key-file={pki}/service-accounts.key",
            f"--root-ca-file={pki}/ca.crt",
            "--use-service-account-credentials=true",
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key",
            f"--cluster-cidr={POD_RANGE}",
            # Tests wait for autoscaling; the defaults are for clusters that last.
            "--horizontal-pod-autoscaler-sync-period=2s",
            "--horizontal-pod-autoscaler-cpu-initialization-period=10s",
        ),
        f"https://{LOOPBACK}:10257/healthz",
    )


def scheduler(layout: Layout) -> Component:
    return Component(
        "kube-scheduler",
        (layout.program("kube-scheduler"), *_secondary(layout.config / "scheduler.kubeconfig")),
        f"https://{LOOPBACK}:10259/healthz",
    )


def _secondary(kubeconfig: Path) -> tuple[str, ...]:
    """What controller-manager and scheduler have in common."""
    return (
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        f"--bind-address={LOOPBACK}",
    )


def kubelet(layout: Layout) -> Component:
    return Component(
        "kubelet",
        (
            layout.program("kubelet"),
            f"--config={layout.config}/kubelet.yaml",
            f"--kubeconfig={layout.config}/node.kubeconfig",
            f"--hostname-override={NODE_NAME}",
            f"--node-ip={NODE_ADDRESS}",
            f"--root-dir={layout.state}/kubelet",
            f"--cert-dir={layout.pki}",
        ),
        f"http://{LOOPBACK}:10248/healthz",
    )


def proxy(layout: Layout) -> Component:
    return Component(
        "kube-proxy",
        (layout.program("kube-proxy"), f"--config={layout.config}/proxy.yaml"),
        f"http://{LOOPBACK}:10256/livez",
    )
