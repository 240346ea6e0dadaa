"""Settings of the predict server with TorchServe behind it."""

from pydantic import Field

from artgrab.serving.settings import ServingSettings


class TorchServeSettings(ServingSettings):
    """Read from the environment as ServingSettings: ARTGRAB_SERVING_WORKERS and so on."""

    workers: int = Field(1, ge=1, le=256, description="Processes that compute, with threads each.")
    batch_delay_ms: int = Field(
        5, ge=1, le=1000, description="How long TorchServe waits for a batch to fill."
    )
    start_seconds: float = Field(
        120, gt=0, le=3600, description="For TorchServe to answer; then it is started again."
    )
    answer_seconds: float = Field(
        60, gt=0, le=3600, description="For one picture, TorchServe's restarts included."
    )
