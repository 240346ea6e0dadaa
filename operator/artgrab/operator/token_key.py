"""The key of tokens: a Secret in the operator's own namespace, made where it is absent."""

import base64
import binascii
import secrets

from artgrab.common.errors import BadInputError, SurroundingsError
from artgrab.common.tokens import MIN_KEY_BYTES
from artgrab.operator import names
from artgrab.operator.cluster import SECRET, Cluster
from artgrab.operator.observed import Body
from artgrab.operator.settings import Manifest, OperatorSettings

ENTRY = "key"


async def ensure_token_key(cluster: Cluster, settings: OperatorSettings) -> bytes:
    """Return the key, which downloaders mount as well.

    Raises:
        BadInputError: the Secret is there, and there is no good key in it.
        SurroundingsError: it vanishes as soon as it is made.
    """
    name, namespace = settings.token_key_secret, settings.namespace
    found = await cluster.get(SECRET, name, namespace)
    if found is None:
        await cluster.create(SECRET, build_token_key(settings, secrets.token_bytes(MIN_KEY_BYTES)))
        found = await cluster.get(SECRET, name, namespace)  # another may have been quicker
    if found is None:
        raise SurroundingsError(f"secret {namespace}/{name}: it vanished after it was made")
    return read_token_key(found, where=f"secret {namespace}/{name}")


def build_token_key(settings: OperatorSettings, key: bytes) -> Manifest:
    """Return the Secret."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": settings.token_key_secret,
            "namespace": settings.namespace,
            "labels": {
                "app.kubernetes.io/name": "artgrab",
                "app.kubernetes.io/part-of": "artgrab",
                names.LABEL_MANAGED_BY: names.FIELD_MANAGER,
            },
        },
        "type": "Opaque",
        "data": {ENTRY: base64.b64encode(key).decode()},
    }


def read_token_key(secret: Body, *, where: str) -> bytes:
    """Return the key that a Secret holds.

    Raises:
        BadInputError: there is none, or it is too short.
    """
    try:
        key = base64.b64decode((secret.get("data") or {}).get(ENTRY, ""), validate=True)
    except binascii.Error:
        key = b""
    if len(key) < MIN_KEY_BYTES:
        raise BadInputError(
            f"{where}: entry {ENTRY!r} must hold at least {MIN_KEY_BYTES} bytes; delete the Secret "
            "and restart operator and downloaders to have a new one made"
        )
    return key
