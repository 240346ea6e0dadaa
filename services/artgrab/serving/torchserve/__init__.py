"""The predict server with TorchServe behind it: our contract in front, its workers compute."""

from artgrab.serving.torchserve.engine import TorchServeEngine
from artgrab.serving.torchserve.settings import TorchServeSettings

__all__ = ["TorchServeEngine", "TorchServeSettings"]
