"""The certificates of a local cluster: one authority, a name for each part, made by openssl."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.cluster.commands import run
from tests.cluster.layout import (
    API_SERVER,
    API_SERVICE_ADDRESS,
    LOOPBACK,
    NODE_ADDRESS,
    NODE_NAME,
    Layout,
)

DAYS = "3650"
_NAMES_OF_API = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost")
_SERVER = "serverAuth"
_CLIENT = "clientAuth"


@dataclass(frozen=True)
class Certificate:
    """`subject` is who it is for Kubernetes: CN the user, O the group."""

    name: str
    subject: str
    use: str = _CLIENT
    alternatives: str = ""


def _alternatives(*, names: tuple[str, ...] = (), addresses: tuple[str, ...] = ()) -> str:
    return ",".join([*(f"DNS:{name}" for name in names), *(f"IP:{one}" for one in addresses)])


CERTIFICATES = (
    Certificate(
        "apiserver",
        "/CN=kube-apiserver",
        _SERVER,
        _alternatives(names=_NAMES_OF_API, addresses=(NODE_ADDRESS, API_SERVICE_ADDRESS, LOOPBACK)),
    ),
    Certificate(
        "kubelet",
        f"/CN={NODE_NAME}",
        _SERVER,
        _alternatives(names=(NODE_NAME,), addresses=(NODE_ADDRESS,)),
    ),
    Certificate("admin", "/O=system:masters/CN=admin"),
    Certificate("controller-manager", "/CN=system:kube-controller-manager"),
    Certificate("scheduler", "/CN=system:kube-scheduler"),
    Certificate("proxy", "/CN=system:kube-proxy"),
    Certificate("node", f"/O=system:nodes/CN=system:node:{NODE_NAME}"),
    Certificate("front-proxy", "/CN=front-proxy"),
)
KUBECONFIGS = ("admin", "controller-manager", "scheduler", "proxy", "node")


def ensure_pki(layout: Layout) -> None:
    """Make what is missing of keys, certificates and kubeconfigs."""
    layout.pki.mkdir(parents=True, exist_ok=True, mode=0o700)
    _ensure_authority(layout.pki)
    for certificate in CERTIFICATES:
        _ensure_certificate(layout.pki, certificate)
    _ensure_token_key(layout.pki)
    for name in KUBECONFIGS:
        _write_kubeconfig(layout, name)


def _ensure_authority(folder: Path) -> None:
    if not (folder / "ca.crt").exists():
        _request(folder, "ca", "/CN=artgrab-test-cluster", {"basicConstraints": "critical,CA:TRUE"})


def _ensure_certificate(folder: Path, wanted: Certificate) -> None:
    if (folder / f"{wanted.name}.crt").exists():
        return
    extensions = {"basicConstraints": "critical,CA:FALSE", "extendedKeyUsage": wanted.use}
    if wanted.alternatives:
        extensions["subjectAltName"] = wanted.alternatives
    signer = ("-CA", folder / "ca.crt", "-CAkey", folder / "ca.key")
    _request(folder, wanted.name, wanted.subject, extensions, *signer)


def _request(
    folder: Path, name: str, subject: str, extensions: Mapping[str, str], *signer: str | Path
) -> None:
    """Write NAME.key and NAME.crt; the certificate comes last, and whole, by its renaming."""
    new = folder / f"{name}.new"
    added = [word for key, value in extensions.items() for word in ("-addext", f"{key}={value}")]
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    files = ("-keyout", folder / f"{name}.key", "-out", new)
    # An empty configuration: what a distribution adds by its own would stand there twice.
    run(
        "openssl",
        "req",
        "-x509",
        "-config",
        _empty_config(folder),
        *key,
        *files,
        "-days",
        DAYS,
        "-subj",
        subject,
        *added,
        *signer,
    )
    new.rename(folder / f"{name}.crt")


def _empty_config(folder: Path) -> Path:
    config = folder / "openssl.cnf"
    config.write_text("[req]\ndistinguished_name = subject\n[subject]\n")
    return config


def _ensure_token_key(folder: Path) -> None:
    key = folder / "service-accounts.key"
    if not key.exists():
        new = folder / "service-accounts.new"
        run("openssl", "genpkey", "-algorithm", "RSA", "-out", new)
        new.rename(key)


def _write_kubeconfig(layout: Layout, name: str) -> None:
    layout.config.mkdir(parents=True, exist_ok=True, mode=0o700)
    pki = layout.pki
    user = {"client-certificate": f"{pki}/{name}.crt", "client-key": f"{pki}/{name}.key"}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [_entry("cluster", server=API_SERVER, **_authority(pki))],
        "users": [_entry("user", **user)],
        "contexts": [_entry("context", cluster="artgrab-test", user="artgrab-test")],
        "current-context": "artgrab-test",
    }
    (layout.config / f"{name}.kubeconfig").write_text(yaml.safe_dump(document))


def _authority(pki: Path) -> dict[str, str]:
    return {"certificate-authority": f"{pki}/ca.crt"}


def _entry(kind: str, **content: str) -> dict[str, object]:
    return {"name": "artgrab-test", kind: content}
