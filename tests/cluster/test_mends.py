"""What serves is killed in its pod: it comes back, and clients see no more than a delay."""

import pytest

from artgrab.common.errors import SurroundingsError
from tests.cluster.classifiers import SERVING
from tests.cluster.learned import Learned
from tests.cluster.predictions import PATIENT

pytestmark = pytest.mark.xdist_group("learned")

KILLING = """
import os, pathlib, signal, sys
for folder in pathlib.Path("/proc").glob("[0-9]*"):
    try:
        line = (folder / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        continue
    if sys.argv[1] in line and "KILLING" not in line and int(folder.name) != os.getpid():
        if sys.argv[2:]:
            os.kill(int(folder.name), signal.SIGKILL)
        print(folder.name)
"""
"""Prints the processes whose command line has a word, and kills them if told to."""


@pytest.mark.parametrize("word", ["model_service_worker.py", "org.pytorch.serve.ModelServer"])
def test_a_part_of_torchserve_that_is_killed_comes_back(learned: Learned, word: str) -> None:
    learned.serve_by("TorchServe")
    with learned.asked(PATIENT) as client:
        (killed,) = _processes(learned, word, "kill")
        client.wait_more(10)
        learned.classifier.asked(lambda: _is_back(learned, word, killed), f"another {word} runs")
        client.wait_more(10)
    assert set(client.count.models) == {learned.classifier.served}


def _is_back(learned: Learned, word: str, killed: str) -> bool:
    try:
        return bool(set(_processes(learned, word)) - {killed})
    except SurroundingsError:  # its container is started again
        return False


def _processes(learned: Learned, word: str, *kill: str) -> list[str]:
    (pod,) = learned.classifier.pods(SERVING)
    inside = ("exec", pod["metadata"]["name"], "--container=predict", "--")
    said = learned.installed.kubectl(*inside, "python", "-c", KILLING, word, *kill)
    return said.split()
