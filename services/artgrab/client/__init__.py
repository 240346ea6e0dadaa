"""Ask a predict server what pictures show.

    from pathlib import Path

    from artgrab.client import PredictClient

    with PredictClient("127.0.0.1:8500") as client:
        for prediction in client.predict([Path("cat.jpg").read_bytes()]):
            print(prediction.label, prediction.probability)

AsyncPredictClient is the same for asyncio.
"""

from artgrab.client.answers import ModelDescription, Prediction
from artgrab.client.async_client import AsyncPredictClient
from artgrab.client.retries import Retries
from artgrab.client.sync_client import PredictClient

__all__ = ["AsyncPredictClient", "ModelDescription", "PredictClient", "Prediction", "Retries"]
