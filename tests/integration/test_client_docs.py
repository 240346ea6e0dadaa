"""Every example of docs/client.md, as it stands there, against a server."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.support.certificates import make_pair
from tests.support.predicting import MODEL_SHA256, BrightnessClassifier, grey_png, predict_server

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
TOKEN = "a-token-of-the-example"
SAID = {
    "Pictures in, answers out": "art 0.98\nThe picture cannot be read: not-an-image. 0.0\n",
    "asyncio": "['art', 'not-art']\nart\n",
    "Many pictures": "bright.png art\ndark.png not-art\n",
    "Deadlines, and what is tried again": "brightness\n",
    "TLS and tokens": f"{MODEL_SHA256}\n",
}


def examples() -> dict[str, str]:
    """Return the code below each heading."""
    sections = re.findall(
        r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.DOTALL | re.MULTILINE
    )
    code = {title: re.findall(r"```python\n(.*?)```", text, re.DOTALL) for title, text in sections}
    assert {title: len(found) for title, found in code.items()} == dict.fromkeys(SAID, 1)
    return {title: found[0] for title, found in code.items()}


@pytest.mark.parametrize("title", SAID)
async def test_an_example_runs_and_prints_what_it_should(
    title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cat.jpg").write_bytes(grey_png(250))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "bright.png").write_bytes(grey_png(250))
    (tmp_path / "photos" / "dark.png").write_bytes(grey_png(5))
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.chdir(tmp_path)
    guarded: dict[str, object] = {}
    if title.startswith("TLS"):
        pair = make_pair(tmp_path / "tls")
        (tmp_path / "ca.crt").write_bytes(pair.certificate.read_bytes())
        guarded = {
            "tls_certificate_file": pair.certificate,
            "tls_key_file": pair.key,
            "tokens_file": tmp_path / "token",
        }
    async with predict_server(BrightnessClassifier(), **guarded) as endpoint:
        code = compile(examples()[title].replace("127.0.0.1:8500", endpoint), title, "exec")
        await asyncio.to_thread(exec, code, {"__name__": "example"})
    assert capsys.readouterr().out == SAID[title]
