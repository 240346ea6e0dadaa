"""All that serves one classifier: pure functions of its resource, the model, and the settings."""

from artgrab.common.digests import short_digest
from artgrab.common.resources import ArtClassifier
from artgrab.operator import names
from artgrab.operator.classifiers.learning_pods import owner_of
from artgrab.operator.classifiers.observed import Classifier
from artgrab.operator.classifiers.plans import Serve
from artgrab.operator.classifiers.serving_pods import PREDICT_PORT, serving_pod
from artgrab.operator.settings import Manifest, OperatorSettings

_REVISIONS = 3


def serving_digest(resource: ArtClassifier, serve: Serve, settings: OperatorSettings) -> str:
    """Return a digest of all that is wanted; it changes when anything of it has to be applied."""
    return short_digest(_manifests(resource, serve, settings))


def serving_manifests(
    classifier: Classifier, serve: Serve, settings: OperatorSettings
) -> list[Manifest]:
    """Return all of it in the order of applying: the last one says that the others are done."""
    assert classifier.resource is not None
    manifests = _manifests(classifier.resource, serve, settings)
    for one in manifests:
        one["metadata"]["ownerReferences"] = [owner_of(classifier)]
    digest = serving_digest(classifier.resource, serve, settings)
    manifests[-1]["metadata"]["annotations"] = {
        names.ANNOTATION_TEMPLATE: digest,
        names.ANNOTATION_MODEL: serve.content_sha256,
        names.ANNOTATION_MODEL_KEY: serve.model_key,
    }
    return manifests


def _manifests(resource: ArtClassifier, serve: Serve, settings: OperatorSettings) -> list[Manifest]:
    return [
        _service(resource, settings),
        _disruption_budget(resource),
        _autoscaler(resource, settings),
        _deployment(resource, serve, settings),
    ]


def _object(resource: ArtClassifier, api_version: str, kind: str, spec: Manifest) -> Manifest:
    name = resource.metadata.name
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {
            "name": names.serving_name(name),
            "namespace": resource.metadata.namespace,
            "labels": names.learning_labels(names.COMPONENT_SERVING, classifier=name),
        },
        "spec": spec,
    }


def _selector(resource: ArtClassifier) -> dict[str, str]:
    return names.selector_of(names.COMPONENT_SERVING, classifier=resource.metadata.name)


def _service(resource: ArtClassifier, settings: OperatorSettings) -> Manifest:
    spec = {
        "type": settings.serving_service_type,
        "selector": _selector(resource),
        "ports": [{"name": "grpc", "port": PREDICT_PORT, "targetPort": "grpc", "protocol": "TCP"}],
    }
    return _object(resource, "v1", "Service", spec)


def _disruption_budget(resource: ArtClassifier) -> Manifest:
    """Return one that lets a node be drained also where a single pod serves."""
    spec = {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": _selector(resource)},
    }
    return _object(resource, "policy/v1", "PodDisruptionBudget", spec)


def _autoscaler(resource: ArtClassifier, settings: OperatorSettings) -> Manifest:
    serving, target = resource.spec.serving, settings.serving_target_cpu_percent
    utilization = {"type": "Utilization", "averageUtilization": target}
    spec = {
        "scaleTargetRef": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": names.serving_name(resource.metadata.name),
        },
        "minReplicas": serving.min_replicas,
        "maxReplicas": serving.max_replicas,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": utilization}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 300}},
    }
    return _object(resource, "autoscaling/v2", "HorizontalPodAutoscaler", spec)


def _deployment(resource: ArtClassifier, serve: Serve, settings: OperatorSettings) -> Manifest:
    """Return it without replicas: these are the autoscaler's."""
    spec = {
        "revisionHistoryLimit": _REVISIONS,
        "progressDeadlineSeconds": settings.serving_progress_deadline_seconds,
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        },
        "selector": {"matchLabels": _selector(resource)},
        "template": serving_pod(resource, serve, settings),
    }
    return _object(resource, "apps/v1", "Deployment", spec)
