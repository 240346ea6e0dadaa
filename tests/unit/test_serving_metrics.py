"""What Prometheus reads of a predict server, TorchServe's own counts on the same page."""

from prometheus_client import generate_latest

from artgrab.images import DecoderFailedError, PictureRefusedError
from artgrab.serving.metrics import Metrics
from tests.support.predicting import MODEL_SHA256, Brightness, BrightnessClassifier

TORCHSERVE = """\
# HELP ts_inference_requests_total Torchserve prometheus counter metric with unit: Count
# TYPE ts_inference_requests_total counter
ts_inference_requests_total{model_name="artgrab",model_version="default",hostname="h",} 7.0
# HELP ts_queue_latency_microseconds Torchserve prometheus counter metric with unit: Microseconds
# TYPE ts_queue_latency_microseconds counter
ts_queue_latency_microseconds{model_name="artgrab",model_version="default",hostname="h",} 42.5
# HELP CPUUtilization Torchserve prometheus gauge metric with unit: Percent
# TYPE CPUUtilization gauge
CPUUtilization{Level="Host",Hostname="h",} 50.0
"""


def page(metrics: Metrics) -> list[str]:
    return generate_latest(metrics.registry).decode().splitlines()


def made(of_engine: str = "") -> Metrics:
    return Metrics(BrightnessClassifier(), under_way=lambda: 3, of_engine=lambda: of_engine)


def test_requests_and_pictures_are_counted_by_how_they_ended() -> None:
    metrics = made()
    metrics.ready(True)
    metrics.request_ended("Predict", "OK", 0.3)
    metrics.request_ended("Predict", "UNAUTHENTICATED", 0.0)
    answer = Brightness("art", 1.0, {"art": 1.0})
    metrics.pictures_ended([answer, PictureRefusedError("svg"), DecoderFailedError("died"), answer])
    lines = page(metrics)
    for line in (
        'artgrab_serving_requests_total{code="OK",method="Predict"} 1.0',
        'artgrab_serving_requests_total{code="UNAUTHENTICATED",method="Predict"} 1.0',
        'artgrab_serving_request_seconds_bucket{le="0.5",method="Predict"} 2.0',
        'artgrab_serving_pictures_total{outcome="answered"} 2.0',
        'artgrab_serving_pictures_total{outcome="refused"} 1.0',
        'artgrab_serving_pictures_total{outcome="failed"} 1.0',
        "artgrab_serving_pictures_under_way 3.0",
        "artgrab_serving_ready 1.0",
        f'artgrab_serving_model_info{{backbone="brightness",content_sha256="{MODEL_SHA256}"}} 1.0',
    ):
        assert line in lines


def test_counts_of_torchserve_are_on_the_page_under_the_names_that_they_have() -> None:
    lines = page(made(TORCHSERVE))
    labels = '{hostname="h",model_name="artgrab",model_version="default"}'
    assert f"ts_inference_requests_total{labels} 7.0" in lines
    assert "# TYPE ts_inference_requests_total counter" in lines
    assert f"ts_queue_latency_microseconds{labels} 42.5" in lines
    assert not [line for line in lines if "CPUUtilization" in line]
    assert not [line for line in lines if "microseconds_total" in line]


def test_what_torchserve_says_while_it_starts_costs_only_its_own_counts() -> None:
    lines = page(made('ts_inference_requests_total{model_name="artgrab'))
    assert "artgrab_serving_ready 0.0" in lines
