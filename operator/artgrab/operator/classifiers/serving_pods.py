"""The pods that serve a model: one container fetches it, another one answers."""

from artgrab.common.keys import model_prefix
from artgrab.common.learning import Runtime
from artgrab.common.resources import ArtClassifier
from artgrab.operator import names
from artgrab.operator.classifiers.learning_pods import TMP_ENV, merged_env
from artgrab.operator.classifiers.plans import Serve
from artgrab.operator.pods import container, pod_spec
from artgrab.operator.settings import Manifest, OperatorSettings

PREDICT_PORT = 8500
_HEALTH_PORT = 8501
_METRICS_PORT = 9090
_SERVICE = "artgrab.v1.PredictService"
_MODELS = "/models"
_ARCHIVE = f"{_MODELS}/artgrab.mar"
_TLS_FOLDER = "/etc/artgrab/tls"
_TOKENS_FOLDER = "/etc/artgrab/tokens"
_MODELS_LIMIT = "2Gi"
_STOP_SECONDS = 60
_GRACE_SECONDS = 45
"""For requests under way; with the pause below it is less than the above."""
_PAUSE_SECONDS = 5
"""Until no node sends anything more to a pod that ends."""
_START_SECONDS = 5


def serving_pod(resource: ArtClassifier, serve: Serve, settings: OperatorSettings) -> Manifest:
    """Return the template of the pods."""
    labels = names.learning_labels(names.COMPONENT_SERVING, classifier=resource.metadata.name)
    account = settings.model_service_account
    spec = pod_spec(
        _predict(resource, settings),
        _volumes(settings),
        settings,
        restartPolicy="Always",
        initContainers=[_fetch(resource, serve, settings)],
        terminationGracePeriodSeconds=_STOP_SECONDS,
        topologySpreadConstraints=[_spread(resource)],
        **({"serviceAccountName": account} if account else {}),
        **settings.serving_placement,
    )
    notes = {names.ANNOTATION_MODEL: serve.content_sha256}
    return {
        "metadata": {
            "labels": {**settings.serving_pod_labels, **labels},
            "annotations": {**settings.serving_pod_annotations, **notes},
        },
        "spec": spec,
    }


def _spread(resource: ArtClassifier) -> Manifest:
    """Return the wish to be on several nodes where there are some."""
    selector = names.selector_of(names.COMPONENT_SERVING, classifier=resource.metadata.name)
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector},
    }


def _archived(resource: ArtClassifier) -> bool:
    return resource.spec.serving.runtime is Runtime.TORCH_SERVE


def _fetch(resource: ArtClassifier, serve: Serve, settings: OperatorSettings) -> Manifest:
    """Return the one that has the credentials of the store, and is gone when others may call."""
    return container(
        "fetch",
        image=settings.serving_image,
        command=settings.serving_command,
        args=[
            *("-m", "artgrab.serving.fetch"),
            *("--store", settings.store),
            *("--model", model_prefix(resource.metadata.namespace, serve.model_key)),
            *("--content-sha256", serve.content_sha256),
            *("--to", _MODELS),
            *(("--archive",) if _archived(resource) else ()),
        ],
        settings=settings,
        env=merged_env(TMP_ENV, settings.model_env, settings.serving_env),
        resources=settings.serving_resources,  # it ends before the other begins: none are added
        volumeMounts=[
            {"name": "models", "mountPath": _MODELS},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
            *settings.serving_volume_mounts,
        ],
    )


def _predict(resource: ArtClassifier, settings: OperatorSettings) -> Manifest:
    return container(
        "predict",
        image=settings.serving_image,
        command=settings.serving_command,
        args=[
            *("-m", "artgrab.serving"),
            *("--folder", _MODELS),
            *("--runtime", resource.spec.serving.runtime.lower()),
            *(("--archive", _ARCHIVE) if _archived(resource) else ()),
            *("--listen", f"0.0.0.0:{PREDICT_PORT}"),
        ],
        settings=settings,
        env=merged_env(TMP_ENV, _environment(settings), settings.serving_env),
        ports=[
            {"name": "grpc", "containerPort": PREDICT_PORT, "protocol": "TCP"},
            {"name": "health", "containerPort": _HEALTH_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": _METRICS_PORT, "protocol": "TCP"},
        ],
        resources=settings.serving_resources,
        volumeMounts=_mounts(settings),
        lifecycle={"preStop": {"sleep": {"seconds": _PAUSE_SECONDS}}},
        **_probes(settings),
    )


def _environment(settings: OperatorSettings) -> list[Manifest]:
    told = {
        "ARTGRAB_SERVING_HEALTH_LISTEN": f"0.0.0.0:{_HEALTH_PORT}",
        "ARTGRAB_SERVING_METRICS_LISTEN": f"0.0.0.0:{_METRICS_PORT}",
        "ARTGRAB_SERVING_GRACE_SECONDS": str(_GRACE_SECONDS),
    }
    if settings.serving_tls_secret:
        told["ARTGRAB_SERVING_TLS_CERTIFICATE_FILE"] = f"{_TLS_FOLDER}/tls.crt"
        told["ARTGRAB_SERVING_TLS_KEY_FILE"] = f"{_TLS_FOLDER}/tls.key"
    if settings.serving_token_secret:
        told["ARTGRAB_SERVING_TOKENS_FILE"] = f"{_TOKENS_FOLDER}/tokens"
    return [{"name": name, "value": value} for name, value in told.items()]


def _probes(settings: OperatorSettings) -> Manifest:
    """Return probes: ready is who has answered a picture; alive, who answers at all."""
    ready = {"grpc": {"port": _HEALTH_PORT, "service": _SERVICE}, "timeoutSeconds": 5}
    tries = settings.serving_progress_deadline_seconds // _START_SECONDS + 1
    return {
        "startupProbe": {**ready, "periodSeconds": _START_SECONDS, "failureThreshold": tries},
        "readinessProbe": {**ready, "periodSeconds": 5, "failureThreshold": 2},
        "livenessProbe": {
            "grpc": {"port": _HEALTH_PORT, "service": ""},
            "periodSeconds": 20,
            "timeoutSeconds": 10,
            "failureThreshold": 3,
        },
    }


def _mounts(settings: OperatorSettings) -> list[Manifest]:
    secrets = {
        "tls": (settings.serving_tls_secret, _TLS_FOLDER),
        "tokens": (settings.serving_token_secret, _TOKENS_FOLDER),
    }
    return [
        {"name": "models", "mountPath": _MODELS, "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
        *(
            {"name": name, "mountPath": folder, "readOnly": True}
            for name, (secret, folder) in secrets.items()
            if secret
        ),
        *settings.serving_volume_mounts,
    ]


def _volumes(settings: OperatorSettings) -> list[Manifest]:
    secrets = {"tls": settings.serving_tls_secret, "tokens": settings.serving_token_secret}
    return [
        {"name": "models", "emptyDir": {"sizeLimit": _MODELS_LIMIT}},
        {"name": "tmp", "emptyDir": {}},
        *(
            {"name": name, "secret": {"secretName": secret, "defaultMode": 0o440}}
            for name, secret in secrets.items()
            if secret
        ),
        *settings.serving_volumes,
    ]
