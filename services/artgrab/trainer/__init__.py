"""From a snapshot to a model folder with its metrics and report."""

from artgrab.trainer.train import TrainedModel, train

__all__ = ["TrainedModel", "train"]
