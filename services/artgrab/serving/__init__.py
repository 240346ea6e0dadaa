"""The native predict server: a trained model behind gRPC."""

from artgrab.serving.server import serve
from artgrab.serving.settings import ServingSettings

__all__ = ["ServingSettings", "serve"]
